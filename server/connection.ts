// One client: reads, runs all complete commands, writes once. Not here: what commands
// mean, the order of replies (`replies.ts`), who may connect (`listener.ts`).
//
// One read and one write are under way at most; what is answered meanwhile joins the
// next write. While too much waits, nothing is parsed or read, so a client that never
// reads costs a bounded amount of memory, and one that pipelines without end is served
// at the pace at which it reads.
//
// An end is gentle unless the client is gone: the replies are sent, then FIN, and what
// the client still sends is read and dropped for a while. To close with unread bytes
// would send RST, which can destroy the last reply on its way.

import { formatAddress } from "../raft/address.ts";
import type { Service, Session } from "./command.ts";
import { runCommand } from "./commands.ts";
import { Replies } from "./replies.ts";
import { RespParser } from "./resp_parser.ts";
import type { Protocol } from "./resp_writer.ts";

/** What of a socket is used here: a test needs no more. */
export type Socket = Pick<
  Deno.TcpConn,
  "read" | "write" | "closeWrite" | "close" | "remoteAddr"
>;

/** How long a client may keep its half open after ours was closed. */
const lingerMillis = 1000;

export class Connection implements Session {
  readonly id: number;
  readonly host: string;
  readonly address: string;
  name = "";
  protocol: Protocol = 2;
  readonly request = new RespParser();
  readonly replies = new Replies(() => this.#writeSoon());

  readonly #socket: Socket;
  readonly #service: Service;
  /** The end has begun: no command is run any more. */
  #ending: Promise<void> | undefined;
  #closed = false;
  #linger: ReturnType<typeof setTimeout> | undefined;
  #writing = false;
  #writeScheduled = false;
  /** Resolved when a write has ended; there only while somebody waits for it. */
  #progress: PromiseWithResolvers<void> | undefined;

  constructor(
    socket: Socket,
    options: { readonly id: number; readonly service: Service },
  ) {
    this.#socket = socket;
    this.id = options.id;
    this.#service = options.service;
    const { hostname, port } = socket.remoteAddr;
    // An IPv4 client of a socket on `::`: others must be able to dial what it is told.
    this.host = hostname.replace(/^::ffff:(?=\d+\.)/i, "");
    this.address = formatAddress({ host: this.host, port });
  }

  /** Serves the client to the end of the connection. Fails only with our own bugs. */
  async serve(): Promise<void> {
    for (;;) {
      const all = this.#runAll();
      const ending = this.#ending;
      if (ending !== undefined) await ending;
      if (this.#closed) break; // nothing makes progress any more
      if (!all && ending === undefined) {
        await this.#nextProgress();
        continue;
      }
      let count: number | null;
      try {
        count = await this.#socket.read(this.request.space());
      } catch {
        break; // reset by the client, or closed by us
      }
      if (count === null) {
        await this.finish(); // it may have closed only its own half: `printf … | nc`
        break;
      }
      if (this.#ending === undefined) this.request.filled(count);
    }
    this.close();
  }

  /** Runs no further command, sends the replies so far and FIN. */
  finish(): Promise<void> {
    return this.#ending ??= this.#finish();
  }

  /** Ends it at once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#linger);
    this.replies.forget();
    try {
      this.#socket.close();
    } catch {
      // The runtime has closed it already.
    }
    this.#progressed();
  }

  /** Tells a client that is not to be served why, and ends. */
  refuse(error: string): void {
    this.replies.writer.error(error);
    this.finish();
  }

  /** Runs what was received, and writes once; false if commands are left over. */
  #runAll(): boolean {
    let all = false;
    // The commands of a client that is gone must not take tickets.
    const over = () => this.#closed || this.#ending !== undefined;
    while (!all && !over() && !this.replies.congested) {
      const outcome = this.request.next();
      if (outcome === "command") runCommand(this, this.#service);
      else if (outcome === "error") this.refuse(`ERR ${this.request.error}`);
      else all = true;
    }
    this.#write();
    return all;
  }

  async #finish(): Promise<void> {
    this.#write();
    while (!this.#closed && (this.#writing || !this.replies.empty)) {
      await this.#nextProgress();
    }
    if (this.#closed) return;
    this.#linger = setTimeout(() => this.close(), lingerMillis);
    try {
      await this.#socket.closeWrite();
    } catch {
      this.close();
    }
  }

  /** At the end of the turn: one answer of the node may hold several of our replies. */
  #writeSoon(): void {
    if (this.#writeScheduled || this.#writing) return;
    this.#writeScheduled = true;
    queueMicrotask(() => {
      this.#writeScheduled = false;
      this.#write();
    });
  }

  #write(): void {
    if (!this.#writing && this.replies.ready > 0) this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    while (this.replies.ready > 0 && !this.#closed) {
      let bytes = this.replies.leave();
      try {
        while (bytes.length > 0) {
          bytes = bytes.subarray(await this.#socket.write(bytes));
        }
      } catch {
        this.close(); // the client is gone; what it waited for burns
      }
      this.#progressed();
    }
    this.#writing = false;
    this.replies.rest();
    this.#progressed();
  }

  #nextProgress(): Promise<void> {
    return (this.#progress ??= Promise.withResolvers<void>()).promise;
  }

  #progressed(): void {
    this.#progress?.resolve();
    this.#progress = undefined;
  }
}
