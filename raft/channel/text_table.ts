// Sizes and texts in the bytes of groups and outcomes (`operation_codec.ts`). A text that occurs
// often is written once: an EXEC takes many times from few sequences, and thousands of groups
// may fail for one reason. Both sides number the texts in the order of their first use.
//
//   size = 7 bits a byte, the lowest first, the top bit set in all but the last byte
//   text = size, its number · if that is the next unused one: length u8 · UTF-8

import type { Reader, Writer } from "../../base/bytes.ts";
import { assert } from "../../base/assert.ts";

/** The largest size: seven bytes of seven bits. */
export const sizeMax = 2 ** 49 - 1;

/** Bytes of the longest size. */
export const sizeBytesMax = 7;

/** Appends `size`, an integer from 0 to {@linkcode sizeMax}. */
export function writeSize(writer: Writer, size: number): void {
  assert(Number.isInteger(size) && size >= 0 && size <= sizeMax, "a size");
  let rest = size;
  while (rest > 0x7f) {
    writer.u8((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  writer.u8(rest);
}

/**
 * Inverts {@linkcode writeSize}.
 *
 * @throws {DecodeError} also on a size with bytes that it does not need
 */
export function readSize(reader: Reader): number {
  let byte = reader.u8();
  if (byte < 0x80) return byte;
  let size = byte & 0x7f;
  let scale = 0x80;
  while (byte >= 0x80) {
    if (scale > sizeMax) reader.fail(`a size above ${sizeMax}`);
    byte = reader.u8();
    size += (byte & 0x7f) * scale;
    scale *= 0x80;
  }
  if (byte === 0) reader.fail("a size with a byte too many");
  return size;
}

/** The texts of one message, as it is written or read. */
export class Texts {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [];

  /** Appends `text`, of at most 255 bytes in UTF-8. Returns whether this is its first use. */
  write(writer: Writer, text: string): boolean {
    const known = this.#numbers.get(text);
    if (known !== undefined) {
      writeSize(writer, known);
      return false;
    }
    writeSize(writer, this.#numbers.size);
    writer.text(text);
    this.#numbers.set(text, this.#numbers.size);
    return true;
  }

  /**
   * Inverts `write`. `isSound` is asked about a text at its first use.
   *
   * @throws {DecodeError} also on a text that is not sound, or has a number already
   */
  read(reader: Reader, isSound: (text: string) => boolean = always): string {
    const number = readSize(reader);
    const known = this.#texts[number];
    if (known !== undefined) return known;
    if (number > this.#texts.length) reader.fail(`text ${number} is unknown`);
    const text = reader.text();
    if (this.#numbers.has(text)) reader.fail("a text with two numbers");
    if (!isSound(text)) reader.fail(`${JSON.stringify(text)} does not fit`);
    this.#numbers.set(text, number);
    this.#texts.push(text);
    return text;
  }
}

function always(): boolean {
  return true;
}
