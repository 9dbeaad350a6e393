// Changes that one node asks of another, and the answers, as bytes: the `data` of Forward
// and ForwardResponse. They are rare and for people: JSON, its bigints as decimal
// texts. What came is checked like any other input; a word that is left out is no.

import type { AdminAnswer } from "../channel/messages.ts";
import { type ChangeCommand, error, ok } from "./change_plan.ts";

/** `lost`: whom we asked led, began with it, and leads no more: it may be done or not. */
export type LeaderAnswer = AdminAnswer | { readonly type: "lost" };

export function encodeJson(
  value: ChangeCommand | LeaderAnswer,
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
  const { type, ...fields } = decodeJson(data);
  const { id, address, incarnation, cluster } = fields;
  const { nonvoter = false, force = false } = fields;
  if (typeof id !== "string") return undefined;
  if (type === "transfer") return { type, id };
  if (type === "join") {
    if (
      typeof address !== "string" || typeof incarnation !== "string" ||
      typeof cluster !== "string" || typeof nonvoter !== "boolean"
    ) return undefined;
    return { type, id, address, incarnation, cluster, nonvoter };
  }
  const prevIndex = decodeIndex(fields.prevIndex);
  if (prevIndex === undefined) return undefined;
  switch (type) {
    case "promote":
      return { type, id, prevIndex };
    case "demote":
    case "remove-server":
      if (typeof force !== "boolean") return undefined;
      return { type, id, prevIndex, force };
    case "add-voter":
    case "add-nonvoter":
      if (typeof address !== "string") return undefined;
      return { type, id, address, prevIndex };
    default:
      return undefined;
  }
}

function decodeIndex(field: unknown): bigint | undefined {
  const isIndex = typeof field === "string" && /^\d{1,20}$/.test(field);
  return isIndex ? BigInt(field) : undefined;
}

export function decodeAnswer(data: Uint8Array): LeaderAnswer {
  const { type, text } = decodeJson(data);
  if (type === "ok") return ok;
  if (type === "lost") return { type };
  return error(
    typeof text === "string" ? text : "the leader's answer is unreadable",
  );
}
