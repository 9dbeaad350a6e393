// What one isolate does for the clients that come to it, from the first to the last: their
// time, their port, their end. The main isolate has one, and so has each of
// `--io-threads`. What becomes of the node behind it is not its business.

import type { Logger } from "../../base/logger.ts";
import type { ClientCount } from "../client_count.ts";
import { ticksPerTimeout } from "../tickets/dispenser.ts";
import { Listener } from "./listener.ts";
import type { RaftLink } from "../tickets/raft_link.ts";

/** A stop, from the first signal to the exit, is done within 5 s; this part drains. */
export const drainMillis = 2000;
/** Of it, to tell those who still wait that they get nothing. */
const farewellMillis = 200;

export type ClientServiceOptions = {
  readonly link: RaftLink;
  readonly clientCount: ClientCount;
  /** How long a TICKET may wait to be answered. */
  readonly timeoutMillis: number;
  /** What HELLO and INFO say. */
  readonly version: string;
  /** Clients that are being told that they are too many. */
  readonly refusalsMax: number;
  /** Seconds for which a client may do nothing; Infinity: for ever. */
  readonly idleSeconds: number;
  readonly log: Logger;
};

export class ClientService {
  readonly #options: ClientServiceOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #listener: Listener | undefined;

  constructor(options: ClientServiceOptions) {
    this.#options = options;
    this.#timer = setInterval(
      () => options.link.dispenser.tick(),
      options.timeoutMillis / ticksPerTimeout,
    );
  }

  /** Serves whoever comes to `socket`, which it owns from now on. */
  serve(socket: Deno.TcpListener): void {
    this.#listener = new Listener(socket, this.#options);
  }

  /** Hangs up on everybody: the process is about to end because of a fault. */
  abandon(): void {
    clearInterval(this.#timer);
    this.#listener?.close(0);
  }

  /** Accepts nobody any more, answers who waits as far as there is time, hangs up. */
  async close(): Promise<void> {
    const { link } = this.#options;
    const timer = setTimeout(
      () => link.giveUp(),
      drainMillis - farewellMillis,
    );
    await this.#listener?.close(drainMillis);
    clearTimeout(timer);
    clearInterval(this.#timer);
    link.giveUp();
  }
}
