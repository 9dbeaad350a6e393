// Sends the replies of one connection. One write is under way at most, and takes along all
// that may leave by then; what is answered meanwhile joins the next. Not here: the order of
// replies (`replies.ts`), and when the connection ends (`connection.ts`).

import type { Socket } from "../../base/socket.ts";
import type { Replies } from "../resp/replies.ts";

/** The connection that the replies go to. */
export type ReplySenderOptions = {
  readonly socket: Pick<Socket, "write">;
  readonly replies: Replies;
};

/** The writing half of one connection. */
export class ReplySender {
  readonly #options: ReplySenderOptions;
  #isWriting = false;
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

  /** Sends all that may leave now, or after the write that is under way. */
  send(): void {
    const { replies, socket } = this.#options;
    if (this.#isWriting || this.#closed || replies.ready === 0) return;
    while (replies.ready > 0) {
      if (!socket.write(replies.next())) {
        this.#isWriting = true;
        return replies.setAside();
      }
      replies.left();
      this.#writesDone++;
    }
    replies.rest();
  }

  /** The write that was under way has ended. */
  taken(): void {
    this.#isWriting = false;
    this.#writesDone++;
    if (this.#options.replies.ready > 0) this.send();
    else this.#options.replies.rest();
  }

  /** Begins no further write. */
  close(): void {
    this.#closed = true;
  }
}
