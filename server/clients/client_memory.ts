// Keeps the buffers of all clients together within --client-memory: once a second it closes
// the largest clients if all hold too much, and has memory given back to the system when many
// clients have left. Before that, `connection.ts` reads no further from a client that holds
// too much. `client_count.ts` counts the bytes.

import type { ClientCount } from "../client_count.ts";
import type { ClientInfo } from "../commands/command.ts";
import { pressCollector, slabBytesHeld, trim } from "../resp/slabs.ts";
import { type ClientsLog, closeClients } from "./close_clients.ts";

/** The part of a connection that is used here. */
export interface SizedClient {
  readonly client: ClientInfo;
  /** Bytes that its buffers take. */
  readonly memoryBytes: number;
  close(): void;
  /** Goes on, if it was held back for memory and need not be any more. */
  resume(): void;
}

/** Looks at which too much memory was held before the largest clients are closed. */
const excessLooks = 2;
/** Clients that must have left before the collector is called for their memory. */
const departedMin = 500;
/** Looks in a row at which the collector is called then: each gives back a little more. */
const collections = 10;

/** The clients that are watched. */
export type ClientMemoryOptions = {
  /** The clients of this isolate. */
  readonly sessions: ReadonlySet<SizedClient>;
  readonly clientCount: ClientCount;
  readonly log: ClientsLog;
};

/** Keeps one isolate's clients within the memory that all clients may take. */
export class ClientMemory {
  readonly #options: ClientMemoryOptions;
  #looksOverMemory = 0;
  /** The most clients since the collector was called. */
  #most = 0;
  /** Calls of the collector that are still due. */
  #collectionsLeft = 0;

  constructor(options: ClientMemoryOptions) {
    this.#options = options;
  }

  /** Nothing is to be given back to the system. */
  get isSettled(): boolean {
    return this.#collectionsLeft === 0 && slabBytesHeld() === 0;
  }

  /** To be called once a second. */
  look(): void {
    this.#relieve();
    if (trim()) this.#collectionsLeft = collections;
    this.#collect();
  }

  #relieve(): void {
    const { clientCount, sessions } = this.#options;
    if (clientCount.isOverMemory) {
      if (++this.#looksOverMemory >= excessLooks) this.#closeLargest();
      return;
    }
    this.#looksOverMemory = 0;
    // Between two looks it may have been over: a client that was held back waits for this.
    for (const session of sessions) session.resume();
  }

  #closeLargest(): void {
    const { clientCount, sessions, log } = this.#options;
    const held = clientCount.memoryBytes;
    let excess = clientCount.excessBytes;
    const largest: SizedClient[] = [];
    const largestFirst = Array.from(sessions).toSorted((a, b) =>
      b.memoryBytes - a.memoryBytes
    );
    for (const session of largestFirst) {
      // Those that hold more may be another isolate's clients, which closes them itself.
      if (excess <= 0 || session.memoryBytes <= clientCount.evenShareBytes) {
        break;
      }
      excess -= session.memoryBytes;
      largest.push(session);
    }
    if (largest.length === 0) return;
    const why = ", which held most, because the buffers of all " +
      `clients took ${held} bytes: more than --client-memory`;
    closeClients(largest, { log, level: "warning", why });
  }

  /** Calls the collector after many clients or bytes have gone: an idle isolate never would. */
  #collect(): void {
    const here = this.#options.sessions.size;
    this.#most = Math.max(this.#most, here);
    if (this.#most - here >= departedMin && here < this.#most / 2) {
      this.#most = here;
      this.#collectionsLeft = collections;
    }
    if (this.#collectionsLeft === 0) return;
    this.#collectionsLeft--;
    pressCollector();
  }
}
