// Changes that one node asks of another, and the answers, as bytes: the `data` of Forward
// and ForwardResponse. They are rare and for people: JSON, its bigints as decimal
// texts. What came is checked like any other input.

import type { AdminAnswer } from "./channel.ts";
import { type ChangeCommand, error, ok } from "./change_plan.ts";

export function encodeJson(
  value: ChangeCommand | AdminAnswer,
): Uint8Array {
  const text = JSON.stringify(
    value,
    (_, field) => typeof field === "bigint" ? String(field) : field,
  );
  return new TextEncoder().encode(text);
}

function decodeJson(data: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(data));
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** `undefined` when it is none. */
export function decodeCommand(data: Uint8Array): ChangeCommand | undefined {
  const { type, id, address, incarnation, cluster, prevIndex } = decodeJson(
    data,
  );
  if (typeof id !== "string") return undefined;
  if (type === "join") {
    if (
      typeof address !== "string" || typeof incarnation !== "string" ||
      typeof cluster !== "string"
    ) return undefined;
    return { type, id, address, incarnation, cluster };
  }
  if (typeof prevIndex !== "string" || !/^\d{1,20}$/.test(prevIndex)) {
    return undefined;
  }
  if (type === "remove-server") {
    return { type, id, prevIndex: BigInt(prevIndex) };
  }
  if (type !== "add-voter" || typeof address !== "string") return undefined;
  return { type, id, address, prevIndex: BigInt(prevIndex) };
}

export function decodeAnswer(data: Uint8Array): AdminAnswer {
  const { type, text } = decodeJson(data);
  if (type === "ok") return ok;
  return error(
    typeof text === "string" ? text : "the leader's answer is unreadable",
  );
}
