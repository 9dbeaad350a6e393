// A writer that does not copy what is large: it keeps a view of it, and gives its bytes in pieces.
// A copy of a snapshot of 14 MB would hold up the event loop for tens of milliseconds, most of
// them for memory that is touched for the first time. What a view shows must not change before it
// is written to the disk.

import { Writer } from "../base/bytes.ts";

/** Bytes from which on a field is not copied. */
const borrowedBytesMin = 64 * 1024;

/** A {@linkcode Writer} whose bytes are read with `pieces`; `written` lacks the large ones. */
export class PieceWriter extends Writer {
  /** Each stands behind the first `at` bytes that were copied. */
  readonly #borrowed: { readonly at: number; readonly bytes: Uint8Array }[] =
    [];
  #borrowedBytes = 0;

  /** Bytes written, the large ones among them. */
  override get length(): number {
    return super.length + this.#borrowedBytes;
  }

  override raw(bytes: Uint8Array): void {
    if (bytes.length < borrowedBytesMin) return super.raw(bytes);
    this.#borrowed.push({ at: super.length, bytes });
    this.#borrowedBytes += bytes.length;
  }

  /** `from` must lie before the first large field. */
  override pieces(from = 0): Uint8Array[] {
    const { written } = this;
    const pieces: Uint8Array[] = [];
    let begin = from;
    for (const { at, bytes } of this.#borrowed) {
      pieces.push(written.subarray(begin, at), bytes);
      begin = at;
    }
    pieces.push(written.subarray(begin));
    return pieces;
  }
}
