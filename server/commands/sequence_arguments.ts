// Reads the arguments of commands about sequences: names, numbers, and the options of a page.
// What is wrong with an argument is a text, with the code of the error; where Redis has the
// same fault, it is Redis' text. Not here: which arguments a command takes.

import { NameCache } from "../../base/name_cache.ts";
import { nameBytesMax } from "../../base/sequence_name.ts";
import type { RespParser } from "../resp/resp_parser.ts";

/** For an argument that cannot be the name of a sequence. */
export const badNameText =
  `ERR a sequence's name has 1 to ${nameBytesMax} bytes of printable ASCII ` +
  "without spaces, and is neither COUNT nor ONCE";

/** Redis' text for an argument that is no integer of 64 bits. */
export const noIntegerText = "ERR value is not an integer or out of range";

/** Redis' text for words in the wrong place. */
export const syntaxText = "ERR syntax error";

/** Redis' text for an argument that is no cursor. */
export const invalidCursorText = "ERR invalid cursor";

/** Numbers that one command takes at most. */
export const countMax = 1_000_000;

/** Names that one page looks at, at most. */
export const pageNamesMax = 1000;

/** Bytes of a pattern: a name has fewer, and each name of a page is compared with it. */
export const patternBytesMax = 1024;

/** For a pattern that is longer. */
export const longPatternText =
  `ERR a pattern has at most ${patternBytesMax} bytes`;

/** A page that no cursor of ours goes beyond: it is empty, and the last. */
const cursorMax = 2 ** 32 - 1;

const knownNames = new NameCache();

/** Argument `index` as a name; `undefined` if it cannot be one. */
export function nameAt(request: RespParser, index: number): string | undefined {
  return request.name(index, knownNames);
}

/** All arguments from `index` on, as names; `undefined` if one cannot be. */
export function namesFrom(
  request: RespParser,
  index: number,
): string[] | undefined {
  const names: string[] = [];
  for (let at = index; at < request.count; at++) {
    const name = nameAt(request, at);
    if (name === undefined) return undefined;
    names.push(name);
  }
  return names;
}

/** The digits of an integer as Redis reads it; its range is checked by the value. */
const integerPattern = /^(0|-?[1-9]\d{0,18})$/;

/** Argument `index` as an integer of 64 bits with a sign, as Redis reads it, or `undefined`. */
export function integerAt(
  request: RespParser,
  index: number,
): bigint | undefined {
  if (request.size(index) > 20) return undefined;
  const text = request.text(index);
  if (!integerPattern.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** Argument `index` as how many numbers `command` takes; a text says what is wrong with it. */
export function countAt(
  request: RespParser,
  { index, command }: { readonly index: number; readonly command: string },
): number | string {
  const usual = shortCountAt(request, index);
  if (usual !== undefined) return usual;
  const value = integerAt(request, index);
  if (value === undefined) return noIntegerText;
  if (value < 1n) return `ERR tickets only rise: ${command} takes 1 or more`;
  if (value > BigInt(countMax)) {
    return `ERR ${command} takes at most ${countMax} numbers at once; ` +
      "see TICKET.RAISE to skip more";
  }
  return Number(value);
}

/** Reads digits where they lie, without a text; `undefined` for anything else than 1 to 999,999. */
function shortCountAt(request: RespParser, index: number): number | undefined {
  const size = request.size(index);
  if (size === 0 || size > 6) return undefined;
  const bytes = request.bytes(index);
  let value = 0;
  for (const byte of bytes) {
    const digit = byte - 48;
    if (digit < 0 || digit > 9 || (value === 0 && digit === 0)) {
      return undefined;
    }
    value = value * 10 + digit;
  }
  return value;
}

/** What SCAN and its like are asked for. */
export type PageRequest = {
  readonly cursor: number;
  /** Names that the page looks at; fewer may match. */
  readonly count: number;
  /**
   * A glob; `undefined`: every name matches. It is read when the page has come: what is made of
   * it takes many times its bytes, and a MULTI may hold a thousand of them.
   */
  readonly pattern: string | undefined;
  /** Whether values of the type that was asked for are strings. */
  readonly isString: boolean;
};

/** Argument `index` as a cursor, or `undefined`. */
export function cursorAt(
  request: RespParser,
  index: number,
): number | undefined {
  const text = request.size(index) > 20 ? "" : request.text(index);
  return /^\d{1,20}$/.test(text)
    ? Math.min(Number(text), cursorMax)
    : undefined;
}

/** The options from argument `index` on: `MATCH glob`, `COUNT n` and, if `hasType`, `TYPE t`. */
export function pageOptions(
  request: RespParser,
  { index, cursor, hasType }: {
    readonly index: number;
    readonly cursor: number;
    readonly hasType: boolean;
  },
): PageRequest | string {
  let page: PageRequest = {
    cursor,
    count: 10,
    pattern: undefined,
    isString: true,
  };
  for (let at = index; at < request.count; at += 2) {
    if (at + 1 === request.count) return syntaxText;
    if (request.is(at, "count")) {
      const count = integerAt(request, at + 1);
      if (count === undefined) return noIntegerText;
      if (count < 1n) return syntaxText;
      page = { ...page, count: Math.min(Number(count), pageNamesMax) };
    } else if (request.is(at, "match")) {
      const pattern = patternAt(request, at + 1);
      if (pattern === undefined) return longPatternText;
      page = { ...page, pattern };
    } else if (hasType && request.is(at, "type")) {
      page = { ...page, isString: request.is(at + 1, "string") };
    } else return syntaxText;
  }
  return page;
}

/** Argument `index` as a pattern; `undefined` if it is too long. */
export function patternAt(
  request: RespParser,
  index: number,
): string | undefined {
  if (request.size(index) > patternBytesMax) return undefined;
  return request.text(index);
}
