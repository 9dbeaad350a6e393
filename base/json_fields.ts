// JSON objects as bytes, for commands and answers that one node forwards to another. Reading
// never throws: another node may send anything. Not here: which fields there are, and whether
// their values are right (`raft/members/change_codec.ts`).

/** `value` as JSON in UTF-8; a bigint in it becomes text, in decimal digits. */
export function encodeJson(value: object): Uint8Array {
  const json = JSON.stringify(
    value,
    (_, field) => typeof field === "bigint" ? String(field) : field,
  );
  return new TextEncoder().encode(json);
}

/** The fields of a JSON object; none, if the bytes are not one. */
export function decodeJson(data: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(data));
    return value instanceof Object ? { ...value } : {};
  } catch {
    return {};
  }
}
