// Accepts clients as long as the census lets them in, and closes them gracefully; one too
// many is told so. Outlives a failing accept, as when file handles run out. Does not
// parse: that is each `connection.ts`'s own.
//
// A few places are kept for connections from this host and from members, to look and to
// manage; there are no tickets in them. When those are
// full, too, the one that has them longest and asks nothing makes way: a crowd that holds
// them and does nothing cannot keep an operator out.

import { type Address, isLoopback } from "../../base/address.ts";
import type { Logger } from "../../base/logger.ts";
import { hungUp, openPort } from "../../base/listen.ts";
import { AdminGate } from "../commands/admin_gate.ts";
import { ClientCount } from "../client_count.ts";
import { Connection, type ConnectionService } from "./connection.ts";
import { lookMillis, Patience } from "./patience.ts";
import type { RaftLink } from "../tickets/raft_link.ts";
import { tooManyClientsText } from "../tickets/refusals.ts";
import { Turns } from "./turns.ts";

/** Clients that are being told that they are too many; the oldest, told by then, makes way. */
export const refusalsMaxDefault = 64;
/** Given back by clients when handles run out all the same, and how fast they come back. */
const handlesReserved = 32;
const handlesRegained = 8;
/**
 * Accepted in one turn: those who are connected get theirs, and a handle that was closed is
 * not free before the turn ends.
 */
const acceptsPerTurn = 8;
/** Before another accept after one failed, as it does when file handles run out. */
const acceptPauseMillis = 100;

export type ListenerOptions = {
  readonly link: RaftLink;
  /** What HELLO and INFO say. */
  readonly version: string;
  /** Of all clients of the process; one of its own unless others listen as well. */
  readonly clientCount?: ClientCount;
  readonly refusalsMax?: number | undefined;
  /** Seconds for which a client may do nothing; Infinity, or left out: for ever. */
  readonly idleSeconds?: number;
  readonly log?: Logger;
};

/** Opens the port for clients; fails with a text for the user. */
export function listen(address: Address): Deno.TcpListener {
  return openPort(address, { whom: "clients", flag: "--saddr" });
}

export class Listener {
  readonly #socket: Deno.TcpListener;
  readonly #options: ListenerOptions;
  readonly #log: Logger;
  readonly #clientCount: ClientCount;
  readonly #service: ConnectionService;
  readonly #sessions = new Set<Connection>();
  /** Their places; those that are kept, the oldest first. One that makes way has none. */
  readonly #ordinary = new Set<Connection>();
  readonly #kept = new Set<Connection>();
  /** Told that there is no place for them, the oldest first. */
  readonly #refused = new Set<Connection>();
  readonly #turns = new Turns();
  readonly #admins: AdminGate;
  readonly #patience: Patience;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Of those here, while file handles run out. */
  #sessionsMax = Infinity;
  #closing = false;
  #pause: (() => void) | undefined;
  #empty: (() => void) | undefined;

  /** Serves at once whoever comes to `socket`, which it owns from now on. */
  constructor(socket: Deno.TcpListener, options: ListenerOptions) {
    this.#socket = socket;
    this.#options = options;
    const log = this.#log = options.log ?? (() => {});
    const clientCount = this.#clientCount = options.clientCount ??
      new ClientCount();
    const sessions = this.#sessions;
    const admins = this.#admins = new AdminGate(clientCount);
    this.#service = {
      link: options.link,
      version: options.version,
      sessions,
      clientCount,
      admins,
      turns: this.#turns,
      failed: (error, { name, client }) => {
        clientCount.failed();
        const text = `${name} of client ${client.id} at ${client.address} ` +
          `failed, and the client was closed: ${reasonOf(error)}`;
        log("error", text, { command: name });
      },
    };
    this.#patience = new Patience({
      sessions,
      clientCount,
      idleLooks: options.idleSeconds ?? Infinity,
      log,
    });
    this.#timer = setInterval(() => this.look(), lookMillis);
    this.#acceptAll();
  }

  get port(): number {
    return this.#socket.addr.port;
  }

  /** How many clients are served. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** Once a second: ends whoever has been waited for too long. */
  look(): void {
    this.#patience.look();
    this.#sessionsMax += handlesRegained;
    if (this.#sessionsMax >= this.#sessions.size + 2 * handlesReserved) {
      this.#sessionsMax = Infinity;
    }
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
    clearInterval(this.#timer);
    const all = [...this.#sessions, ...this.#refused];
    if (all.length > 0) {
      const empty = new Promise<void>((resolve) => this.#empty = resolve);
      const timer = setTimeout(() => {
        for (const connection of all) connection.close();
      }, millis);
      for (const connection of all) connection.finish();
      await empty;
      clearTimeout(timer);
    }
    this.#admins.close();
  }

  async #acceptAll(): Promise<void> {
    for (let accepted = 1; !this.#closing; accepted++) {
      if (accepted % acceptsPerTurn === 0) await this.#nextTurn();
      while (!this.#closing && !this.#mayRefuse()) await this.#nextTurn();
      let socket: Deno.TcpConn;
      try {
        socket = await this.#socket.accept();
      } catch (error) {
        if (this.#closing || hungUp(error)) continue;
        this.#shed(error);
        await this.#pauseAfterFailure();
        continue;
      }
      this.#welcome(socket);
    }
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => this.#turns.next(resolve));
  }

  /** Out of file handles: log and peers must find some, or the process would end. */
  #shed(error: unknown): void {
    const kept = this.#sessions.size - handlesReserved;
    if (kept < handlesReserved) return; // others have them all, not the clients
    if (this.#sessionsMax === Infinity) {
      this.#log(
        "warning",
        `cannot accept a client: ${
          reasonOf(error)
        }; closes ${handlesReserved} ` +
          "of them: allow more file handles, or choose a lower --max-clients",
      );
    }
    this.#sessionsMax = Math.min(this.#sessionsMax, kept);
    for (const newest of [...this.#sessions].slice(kept)) {
      if (newest.isIdle) this.#tell(newest);
      else newest.close();
    }
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
    if (this.#closing) return socket.close();
    try {
      socket.setNoDelay(true);
      socket.setKeepAlive(true);
    } catch {
      return socket.close(); // gone before it was greeted
    }
    const id = this.#clientCount.nextId();
    const connection = new Connection(socket, { id, service: this.#service });
    const isFull = this.#sessions.size >= this.#sessionsMax;
    if (!isFull && this.#clientCount.enter()) {
      this.#serve(connection, this.#ordinary);
    } else if (this.#isNear(connection) && this.#enterKept()) {
      connection.isVisitor = true;
      this.#serve(connection, this.#kept);
    } else this.#refuse(connection);
  }

  /** From this host, or from a member's. */
  #isNear({ host }: Connection): boolean {
    return isLoopback(host) ||
      this.#options.link.status.memberHosts.includes(host);
  }

  /** Takes one of the places that are kept, from whoever has it for nothing if need be. */
  #enterKept(): boolean {
    if (this.#clientCount.enterKept()) return true;
    for (const connection of this.#kept) {
      if (!connection.isIdle) continue;
      this.#leave(connection);
      this.#tell(connection);
      return this.#clientCount.enterKept();
    }
    return false;
  }

  async #serve(connection: Connection, place: Set<Connection>): Promise<void> {
    this.#sessions.add(connection);
    place.add(connection);
    await connection.serve();
    this.#sessions.delete(connection);
    this.#refused.delete(connection);
    this.#leave(connection);
    this.#noteEmpty();
  }

  #leave(connection: Connection): void {
    if (this.#kept.delete(connection)) return this.#clientCount.leaveKept();
    if (!this.#ordinary.delete(connection)) return;
    this.#clientCount.leave();
    // The places that are kept are better kept for others.
    const [oldest] = this.#kept;
    if (oldest === undefined || !this.#clientCount.enter()) return;
    this.#kept.delete(oldest);
    this.#ordinary.add(oldest);
    oldest.isVisitor = false;
    this.#clientCount.leaveKept();
  }

  async #refuse(connection: Connection): Promise<void> {
    this.#tell(connection);
    await connection.serve();
    this.#refused.delete(connection);
    this.#noteEmpty();
  }

  /** That there is no place. */
  #tell(connection: Connection): void {
    this.#refused.add(connection);
    connection.refuse(tooManyClientsText);
  }

  /** Whether one more may be told so; the oldest that was makes way. */
  #mayRefuse(): boolean {
    const { refusalsMax = refusalsMaxDefault } = this.#options;
    for (const connection of this.#refused) {
      if (this.#refused.size < refusalsMax) break;
      if (!connection.hasFinished) continue; // its last word has not left yet
      this.#refused.delete(connection);
      connection.close();
    }
    return this.#refused.size < refusalsMax;
  }

  #noteEmpty(): void {
    if (this.#sessions.size + this.#refused.size === 0) this.#empty?.();
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
