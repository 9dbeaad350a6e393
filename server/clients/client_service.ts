// Serves the clients of one isolate: owns their port, counts the time that their requests
// may wait, and ends gracefully. The main isolate has one, and so has each further isolate of
// `--io-threads`. Neither starts nor stops the node behind it.

import type { Logger } from "../../base/logger.ts";
import type { Port } from "../../base/port.ts";
import type { ClientCount } from "../client_count.ts";
import { ticksPerTimeout } from "../tickets/dispenser.ts";
import { Listener } from "./listener.ts";
import type { RaftLink } from "../tickets/raft_link.ts";

/** Milliseconds of a stop in which requests are still answered; all of it may take 5 s. */
export const drainMillis = 2000;
/** Milliseconds at the end of those in which the requests that are left are refused. */
const refusalMillis = 200;

/** How the clients of an isolate are served. */
export type ClientServiceOptions = {
  readonly link: RaftLink;
  readonly clientCount: ClientCount;
  /** Milliseconds that a TICKET may wait to be answered. */
  readonly timeoutMillis: number;
  /** The version that HELLO and INFO tell. */
  readonly version: string;
  /** Clients that may be waiting to be told that they are too many. */
  readonly refusalsMax: number;
  /** Seconds for which a client may do nothing; Infinity: for ever. */
  readonly idleSeconds: number;
  /** Seconds of silence after which the system asks a client's host whether it lives; 0: never. */
  readonly keepAliveSeconds: number;
  readonly log: Logger;
};

/** The clients of one isolate, from its start to its end. */
export class ClientService {
  readonly #options: ClientServiceOptions;
  /** Counts the time of requests, while any wait: to be woken is most of what rest costs. */
  #timer: ReturnType<typeof setInterval> | undefined;
  /** No port is served any more. */
  #isClosing = false;
  #isClosed = false;
  #listener: Listener | undefined;

  constructor(options: ClientServiceOptions) {
    this.#options = options;
    options.link.dispenser.onWait(() => this.#countTime());
  }

  /** Serves the clients of `port`, and owns it from now on. */
  serve(port: Port): void {
    if (this.#isClosing) port.close();
    else this.#listener = new Listener(port, this.#options);
  }

  /** Closes all connections at once: the process ends because of a fault. */
  abandon(): void {
    this.#stopCounting();
    this.#listener?.close(0);
  }

  /** Stops accepting, answers pending requests until the deadline, closes all connections. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const { link } = this.#options;
    const timer = setTimeout(
      () => link.giveUp(),
      drainMillis - refusalMillis,
    );
    await this.#listener?.close(drainMillis);
    clearTimeout(timer);
    this.#stopCounting();
    link.giveUp();
  }

  #countTime(): void {
    if (this.#isClosed) return;
    const { link: { dispenser }, timeoutMillis } = this.#options;
    this.#timer ??= setInterval(() => {
      dispenser.tick();
      if (dispenser.waiting > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    }, timeoutMillis / ticksPerTimeout);
  }

  #stopCounting(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }
}
