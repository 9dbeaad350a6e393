// The tails of a connection's slots (`replies.ts`): replies that are known and must not leave
// yet, because one before them waits. All tails lie in one buffer, one after the other: a
// buffer each would cost half a kilobyte for the seven bytes of a PONG.
//
// A place in a tail is counted from the first byte ever held, so it stays good when bytes
// before it are cut off.

import { RespWriter } from "./resp_writer.ts";

/** All tails of one connection. */
export class ReplyTails {
  /** The bytes from `#cut` on. */
  readonly writer = new RespWriter();
  /** Bytes that were cut off. */
  #cut = 0;

  /** Where the next byte will lie. */
  get end(): number {
    return this.#cut + this.writer.length;
  }

  /** Bytes that it keeps in memory, whatever of them is in use. */
  get reservedBytes(): number {
    return this.writer.reservedBytes;
  }

  /** Moves the bytes from `from` to `to` into `out`; none before `to` is asked for again. */
  move(out: RespWriter, { from, to }: { from: number; to: number }): void {
    const bytes = this.writer.bytes();
    out.append(bytes.subarray(from - this.#cut, to - this.#cut));
    const done = to - this.#cut;
    // Only ever the larger half: to move the rest for each slot would be quadratic.
    if (done * 2 < bytes.length) return;
    this.#cut = to;
    if (done < bytes.length) this.writer.drop(done);
    else this.writer.rest();
  }

  /** Forgets all bytes. */
  rest(): void {
    this.writer.rest();
  }
}
