// Accepts the clients of an isolate, serves those that get a place (`client_places.ts`), tells the
// others that they are too many, and closes all of them gracefully. Outlives a failing
// accept, as when file handles run out. Does not parse: each `connection.ts` does.

import { type Address, isLoopback } from "../../base/address.ts";
import type { Logger } from "../../base/logger.ts";
import { hungUp, openPort } from "../../base/listen.ts";
import { AdminLimit } from "../commands/admin_limit.ts";
import { ClientCount } from "../client_count.ts";
import { Connection, type ConnectionService } from "./connection.ts";
import { ClientMemory } from "./client_memory.ts";
import { lookMillis, SlowClients } from "./slow_clients.ts";
import { ClientPlaces } from "./client_places.ts";
import type { RaftLink } from "../tickets/raft_link.ts";
import { tooManyClientsText } from "../tickets/refusals.ts";
import { FairTurns } from "./fair_turns.ts";

/** Clients that are being told that they are too many; the oldest, told by then, makes way. */
export const refusalsMaxDefault = 64;
/** File handles that clients give back when there are no more. */
const handlesReserved = 32;
/** Of these, those that clients get back each second. */
const handlesRegained = 8;
/**
 * Clients accepted in one turn: the connected ones must be served meanwhile, and a handle
 * that was closed is not free before the turn ends.
 */
const acceptsPerTurn = 8;
/** Milliseconds from a failed accept to the next: handles come back when clients leave. */
const acceptPauseMillis = 100;

/** How the clients of one socket are served. */
export type ListenerOptions = {
  readonly link: RaftLink;
  /** The version that HELLO and INFO tell. */
  readonly version: string;
  /** Counts all clients of the process; left out if this is the only listener. */
  readonly clientCount?: ClientCount;
  readonly refusalsMax?: number | undefined;
  /** Seconds for which a client may do nothing; Infinity, or left out: for ever. */
  readonly idleSeconds?: number;
  readonly log?: Logger;
};

/**
 * Opens the port for clients.
 *
 * @throws {Error} with one sentence for the user when it cannot be listened on.
 */
export function listen(address: Address): Deno.TcpListener {
  return openPort(address, { whom: "clients", flag: "--saddr" });
}

/** All clients of an isolate, from accept to close. */
export class Listener {
  readonly #socket: Deno.TcpListener;
  readonly #options: ListenerOptions;
  readonly #log: Logger;
  readonly #clientCount: ClientCount;
  readonly #service: ConnectionService;
  readonly #places: ClientPlaces<Connection>;
  /** The clients that are served. One that makes way for another has no place. */
  readonly #sessions = new Set<Connection>();
  /** The clients that are being told that there is no place for them, the oldest first. */
  readonly #refused = new Set<Connection>();
  readonly #turns = new FairTurns();
  readonly #admins: AdminLimit;
  readonly #slowClients: SlowClients;
  readonly #memory: ClientMemory;
  /** Runs while there is anything to look at: to be woken is most of what rest costs. */
  #timer: ReturnType<typeof setInterval> | undefined;
  /** The most sessions while file handles run out. */
  #sessionsMax = Infinity;
  #closing = false;
  #pause: (() => void) | undefined;
  #empty: (() => void) | undefined;

  /** Serves clients of `socket` at once, and owns it from now on. */
  constructor(socket: Deno.TcpListener, options: ListenerOptions) {
    this.#socket = socket;
    this.#options = options;
    const log = this.#log = options.log ?? (() => {});
    const clientCount = this.#clientCount = options.clientCount ??
      new ClientCount();
    const sessions = this.#sessions;
    this.#places = new ClientPlaces(
      clientCount,
      (client) => this.#tell(client),
    );
    const admins = this.#admins = new AdminLimit(clientCount);
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
    const idleLooks = options.idleSeconds ?? Infinity;
    this.#slowClients = new SlowClients({ sessions, idleLooks, log });
    this.#memory = new ClientMemory({ sessions, clientCount, log });
    this.#acceptAll();
  }

  get port(): number {
    return this.#socket.addr.port;
  }

  /** How many clients are served. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** Once a second: closes clients that are waited for too long, or hold too much. */
  look(): void {
    this.#slowClients.look();
    this.#memory.look();
    this.#sessionsMax += handlesRegained;
    if (this.#sessionsMax >= this.#sessions.size + 2 * handlesReserved) {
      this.#sessionsMax = Infinity;
    }
    if (this.#isQuiet) this.#stopLooking();
  }

  #startLooking(): void {
    this.#timer ??= setInterval(() => this.look(), lookMillis);
  }

  #stopLooking(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Whether a look would change nothing before the next client comes. */
  get #isQuiet(): boolean {
    return this.#sessions.size === 0 && this.#sessionsMax === Infinity &&
      this.#memory.isSettled;
  }

  /**
   * Stops accepting, runs no further command, sends the replies that wait and closes all
   * connections: those that are not done after `millis` are cut off.
   */
  async close(millis: number): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#socket.close();
    this.#pause?.();
    this.#stopLooking();
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

  /** Out of file handles: closes clients, or log and peers find none and the process ends. */
  #shed(error: unknown): void {
    const kept = this.#sessions.size - handlesReserved;
    if (kept < handlesReserved) return; // clients have hardly any: others have them
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

  /** Ends early when the listener closes. */
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
      return socket.close(); // the client is gone already
    }
    const id = this.#clientCount.nextId();
    const connection = new Connection(socket, { id, service: this.#service });
    const isFull = this.#sessions.size >= this.#sessionsMax;
    const hasPlace = !isFull && this.#places.enter(connection) ||
      this.#isNear(connection) && this.#places.enterKept(connection);
    if (hasPlace) this.#serve(connection);
    else this.#refuse(connection);
  }

  /** Whether it comes from this host or from a member's. */
  #isNear({ host }: Connection): boolean {
    return isLoopback(host) ||
      this.#options.link.status.memberHosts.includes(host);
  }

  async #serve(connection: Connection): Promise<void> {
    this.#sessions.add(connection);
    this.#startLooking();
    await connection.serve();
    this.#sessions.delete(connection);
    this.#refused.delete(connection);
    this.#places.leave(connection);
    this.#noteEmpty();
  }

  async #refuse(connection: Connection): Promise<void> {
    this.#tell(connection);
    await connection.serve();
    this.#refused.delete(connection);
    this.#noteEmpty();
  }

  /** Tells it that there is no place. */
  #tell(connection: Connection): void {
    this.#refused.add(connection);
    connection.refuse(tooManyClientsText);
  }

  /** Whether one more may be told so; the oldest that has been told makes way. */
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
