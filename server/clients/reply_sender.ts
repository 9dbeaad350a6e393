// Sends the replies of one connection. One write is under way at most, and takes along all
// that may leave by then; what is answered meanwhile joins the next. Not here: the order of
// replies (`replies.ts`), and when the connection ends (`connection.ts`).

import type { Replies } from "../resp/replies.ts";

/** The connection that the replies go to. */
export type ReplySenderOptions = {
  readonly socket: Pick<Deno.TcpConn, "write">;
  readonly replies: Replies;
  /** A write has ended, or all of them for now. */
  readonly progressed: () => void;
  /** A write has failed: the client is gone. */
  readonly gone: () => void;
  /** A fault of ours, not the client's. */
  readonly failed: (error: unknown) => void;
};

/** The writing half of one connection. */
export class ReplySender {
  readonly #options: ReplySenderOptions;
  #isWriting = false;
  #isScheduled = false;
  #closed = false;
  #writesDone = 0;

  constructor(options: ReplySenderOptions) {
    this.#options = options;
  }

  /** Whether replies are on their way that the client has not taken yet. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** How often the client has taken bytes of replies. */
  get writesDone(): number {
    return this.#writesDone;
  }

  /** Sends at the end of the turn: one answer of the node may hold several replies. */
  sendSoon(): void {
    if (this.#isScheduled || this.#isWriting) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.send();
    });
  }

  /** Sends all that may leave now, or after the write that is under way. */
  send(): void {
    if (!this.#isWriting && this.#options.replies.ready > 0) this.#sendAll();
  }

  /** Begins no further write. */
  close(): void {
    this.#closed = true;
  }

  async #sendAll(): Promise<void> {
    const { replies, progressed, failed } = this.#options;
    this.#isWriting = true;
    try {
      while (replies.ready > 0 && !this.#closed) {
        await this.#write(replies.leave());
        progressed();
      }
    } catch (error) {
      failed(error);
    }
    this.#isWriting = false;
    replies.rest();
    progressed();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { socket, gone } = this.#options;
    for (let at = 0; at < bytes.length; this.#writesDone++) {
      try {
        at += await socket.write(bytes.subarray(at));
      } catch {
        return gone(); // the tickets that the client waited for burn
      }
    }
  }
}
