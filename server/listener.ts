// Accepts clients as long as the census lets them in, and closes them gracefully; one too
// many is told so. Outlives a failing accept, as when file handles run out. Does not
// parse: that is each `connection.ts`'s own.

import type { Address } from "../raft/address.ts";
import { hungUp, openPort } from "../raft/port.ts";
import { Census } from "./census.ts";
import type { Service } from "./command.ts";
import { Connection } from "./connection.ts";
import type { RaftLink } from "./raft_link.ts";

/** Clients that are being told that they are too many; past it they are just closed. */
const refusalsMax = 100;
/** Given back by clients when handles run out, and from then on not taken. */
const handlesReserved = 32;
/** Before another accept after one failed, as it does when file handles run out. */
const acceptPauseMillis = 100;

export type ListenerOptions = {
  readonly link: RaftLink;
  /** What HELLO and INFO say. */
  readonly version: string;
  /** Of all clients of the process; one of its own unless others listen as well. */
  readonly census?: Census;
};

/** Opens the port for clients; fails with a text for the user. */
export function listen(address: Address): Deno.TcpListener {
  return openPort(address, { whom: "clients", flag: "--saddr" });
}

export class Listener {
  readonly #socket: Deno.TcpListener;
  readonly #census: Census;
  readonly #service: Service;
  readonly #sessions = new Set<Connection>();
  readonly #refused = new Set<Connection>();
  /** Of those here, once file handles have run out. */
  #sessionsMax = Infinity;
  #closing = false;
  #pause: (() => void) | undefined;
  #empty: (() => void) | undefined;

  /** Serves at once whoever comes to `socket`, which it owns from now on. */
  constructor(socket: Deno.TcpListener, options: ListenerOptions) {
    this.#socket = socket;
    const census = this.#census = options.census ?? new Census();
    this.#service = {
      link: options.link,
      version: options.version,
      sessions: this.#sessions,
      clients: () => census.clients,
    };
    this.#acceptAll();
  }

  get port(): number {
    return this.#socket.addr.port;
  }

  /** How many clients are served. */
  get connections(): number {
    return this.#sessions.size;
  }

  /**
   * Accepts nobody, runs no further command, sends the replies that wait, closes. What
   * is not done after `millis` is cut off.
   */
  async close(millis: number): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#socket.close();
    this.#pause?.();
    const all = [...this.#sessions, ...this.#refused];
    if (all.length === 0) return;
    const empty = new Promise<void>((resolve) => this.#empty = resolve);
    const timer = setTimeout(() => {
      for (const connection of all) connection.close();
    }, millis);
    for (const connection of all) connection.finish();
    await empty;
    clearTimeout(timer);
  }

  async #acceptAll(): Promise<void> {
    while (!this.#closing) {
      let socket: Deno.TcpConn;
      try {
        socket = await this.#socket.accept();
      } catch (error) {
        if (this.#closing || hungUp(error)) continue;
        this.#shed();
        await this.#pauseAfterFailure();
        continue;
      }
      this.#welcome(socket);
    }
  }

  /** Out of file handles: log and peers must find some, or the process would end. */
  #shed(): void {
    const kept = this.#sessions.size - handlesReserved;
    if (kept < handlesReserved) return; // others have them all, not the clients
    this.#sessionsMax = Math.min(this.#sessionsMax, kept);
    for (const newest of [...this.#sessions].slice(kept)) newest.finish();
  }

  /** Out of file handles, say: they come back when clients leave. */
  async #pauseAfterFailure(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, acceptPauseMillis);
    this.#pause = resolve;
    await promise;
    clearTimeout(timer);
    this.#pause = undefined;
  }

  #welcome(socket: Deno.TcpConn): void {
    if (this.#closing || this.#refused.size >= refusalsMax) {
      return socket.close();
    }
    try {
      socket.setNoDelay(true);
      socket.setKeepAlive(true);
    } catch {
      return socket.close(); // gone before it was greeted
    }
    const id = this.#census.nextId();
    const connection = new Connection(socket, { id, service: this.#service });
    const full = this.#sessions.size >= this.#sessionsMax ||
      !this.#census.enter();
    if (full) connection.refuse("ERR max number of clients reached");
    this.#serve(connection, full ? this.#refused : this.#sessions);
  }

  async #serve(
    connection: Connection,
    place: Set<Connection>,
  ): Promise<void> {
    place.add(connection);
    await connection.serve();
    place.delete(connection);
    if (place === this.#sessions) this.#census.leave();
    if (this.#sessions.size + this.#refused.size === 0) this.#empty?.();
  }
}
