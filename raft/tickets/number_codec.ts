// Commands about the numbers that one node forwards to another, and the answers, as bytes: the
// `data` of Forward and ForwardResponse. Both are rare, so they are JSON objects in UTF-8;
// numbers are decimal texts:
//
//   {"type":"raise","to":"7"}   {"type":"last"}   {"type":"backup"}
//   {"type":"ok"}   {"type":"number","number":"7"}   {"type":"pairs","pairs":[["a","b"]]}
//   {"type":"error","text":"…"}   {"type":"not-leader"}
//
// Input is checked field by field, for another node may be newer, older, or broken. Changes of
// members travel in the same messages, and have types of their own (`members/change_codec.ts`).

import { decodeJson, encodeJson } from "../../base/json_fields.ts";
import type { AdminAnswer, NumberCommand } from "../channel/messages.ts";
import { forwardBytesMax } from "../core/message_codec.ts";
import { lastTicket } from "./machine.ts";

/** An answer to a client. */
export type NumberAnswer = Extract<
  AdminAnswer,
  { readonly type: "ok" | "error" | "number" | "pairs" }
>;

/** The answer to a node that forwarded a command; `not-leader`: it is to ask elsewhere. */
export type ForwardedAnswer = NumberAnswer | { readonly type: "not-leader" };

type Pair = readonly [string, string];

/** The `data` of a Forward. */
export function encodeNumberCommand(command: NumberCommand): Uint8Array {
  return encodeJson(command);
}

/** The `data` of a ForwardResponse. */
export function encodeNumberAnswer(answer: ForwardedAnswer): Uint8Array {
  const data = encodeJson(answer);
  if (data.length <= forwardBytesMax) return data;
  const text = "the answer is too long to be forwarded: ask the leader itself";
  return encodeJson({ type: "error", text });
}

/** Inverts {@linkcode encodeNumberCommand}; `undefined`: it is no command about numbers. */
export function decodeNumberCommand(
  data: Uint8Array,
): NumberCommand | undefined {
  const { type, to } = decodeJson(data);
  if (type === "last" || type === "backup") return { type };
  const number = type === "raise" ? numberIn(to) : undefined;
  return number === undefined ? undefined : { type: "raise", to: number };
}

/** Inverts {@linkcode encodeNumberAnswer}; an answer of type `error` if it cannot be read. */
export function decodeNumberAnswer(data: Uint8Array): ForwardedAnswer {
  const { type, text, number, pairs } = decodeJson(data);
  if (type === "ok" || type === "not-leader") return { type };
  if (type === "error" && typeof text === "string") return { type, text };
  const found = type === "number" ? numberIn(number) : undefined;
  if (found !== undefined) return { type: "number", number: found };
  if (type === "pairs" && Array.isArray(pairs) && pairs.every(isPair)) {
    return { type, pairs };
  }
  return { type: "error", text: "the leader's answer is unreadable" };
}

/** A number of a sequence; `undefined` for anything else. */
function numberIn(field: unknown): bigint | undefined {
  if (typeof field !== "string" || !/^\d{1,20}$/.test(field)) return undefined;
  const number = BigInt(field);
  return number <= lastTicket ? number : undefined;
}

function isPair(value: unknown): value is Pair {
  return Array.isArray(value) && value.length === 2 &&
    value.every((text) => typeof text === "string");
}
