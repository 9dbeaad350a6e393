// Splits the line of an inline command into words, as Redis's sdssplitargs does, in place:
// a word with quotes is decoded where it stands, so its bytes are no longer those that
// were received. Does not look for the end of the line: `resp_parser.ts` does.
//
//   word = plain | plain? quoted       ; a closing quote must end the word
//   quoted = '"' (byte | "\x" hex hex | "\" byte)* '"' | "'" (byte | "\'")* "'"
//
// Looser than Redis: NUL is a byte like any other.

import type { ArgumentOffsets } from "./argument_offsets.ts";

const CR = 13, LF = 10, SPACE = 32, TAB = 9;
const QUOTE = 34, APOSTROPHE = 39, BACKSLASH = 92, LETTER_X = 120;

/** The result for a line. After a fault, the words found before it mean nothing. */
export type Split =
  | "plain"
  /** Some quotes were decoded: the line has changed. */
  | "decoded"
  | "too many words"
  | "unbalanced quotes";

/**
 * Splits the line that lies in `bytes` from `from` to `to`, its end left out. Adds each
 * word to `words`, by its offsets from `start`. A quoted word may be empty.
 */
export function splitLine(
  bytes: Uint8Array,
  { from, to, start, words, wordsMax }: {
    readonly from: number;
    readonly to: number;
    readonly start: number;
    readonly words: ArgumentOffsets;
    readonly wordsMax: number;
  },
): Split {
  let decoded = false;
  for (let at = from;;) {
    while (at < to && isSpace(bytes[at])) at++;
    if (at === to) return decoded ? "decoded" : "plain";
    if (words.count === wordsMax) return "too many words";
    const begin = at;
    while (at < to && !endsWord(bytes[at]) && !isQuote(bytes[at])) at++;
    if (at === to || !isQuote(bytes[at])) {
      words.add(begin - start, at - start);
      continue;
    }
    const quoted = decodeQuoted(bytes, { quote: at, to });
    if (quoted === undefined) return "unbalanced quotes";
    words.add(begin - start, quoted.textTo - start);
    at = quoted.next;
    decoded = true;
  }
}

/**
 * Decodes from the opening quote at `quote` to the closing one, which must end the word.
 * The decoded text begins at `quote` and is never longer than its source. `undefined`: no
 * quote closes it.
 */
function decodeQuoted(
  bytes: Uint8Array,
  { quote, to }: { readonly quote: number; readonly to: number },
): { readonly textTo: number; readonly next: number } | undefined {
  const mark = bytes[quote];
  let put = quote;
  for (let at = quote + 1; at < to; at++) {
    let byte = bytes[at] ?? 0;
    if (byte === mark) {
      if (at + 1 < to && !isSpace(bytes[at + 1])) return undefined;
      return { textTo: put, next: at + 1 };
    }
    if (byte === BACKSLASH && at + 1 < to) {
      const escaped = bytes[at + 1] ?? 0;
      if (mark === APOSTROPHE) {
        if (escaped === APOSTROPHE) {
          byte = escaped;
          at++;
        }
      } else if (escaped === LETTER_X && isHex(bytes, { from: at + 2, to })) {
        byte = hexValue(bytes[at + 2]) * 16 + hexValue(bytes[at + 3]);
        at += 3;
      } else {
        byte = unescaped(escaped);
        at++;
      }
    }
    bytes[put++] = byte;
  }
  return undefined;
}

/** C's isspace. */
function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || (byte !== undefined && byte >= TAB && byte <= CR);
}

/** Narrower than isspace, as in sdssplitargs: VT and FF may stand within a word. */
function endsWord(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB || byte === LF || byte === CR;
}

function isQuote(byte: number | undefined): boolean {
  return byte === QUOTE || byte === APOSTROPHE;
}

/** Whether two hexadecimal digits begin at `from`. */
function isHex(
  bytes: Uint8Array,
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  return from + 2 <= to && hexValue(bytes[from]) >= 0 &&
    hexValue(bytes[from + 1]) >= 0;
}

/** Of one digit; negative if it is none. */
function hexValue(byte = 0): number {
  return "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase());
}

/** The byte that `byte` stands for after a backslash, within double quotes. */
function unescaped(byte: number): number {
  const which = "nrtba".indexOf(String.fromCharCode(byte));
  return which < 0 ? byte : "\n\r\t\b\x07".charCodeAt(which);
}
