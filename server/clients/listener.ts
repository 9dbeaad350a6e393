// Accepts the clients of an isolate, serves those that get a place (`client_places.ts`), tells the
// others that they are too many, and closes all of them gracefully. Goes on when file handles
// run out. Does not parse: each `connection.ts` does.

import { type Address, isLoopback } from "../../base/address.ts";
import type { Logger } from "../../base/logger.ts";
import { listenOn, type Port } from "../../base/port.ts";
import type { TcpSocket } from "../../base/socket.ts";
import { AdminLimit } from "../commands/admin_limit.ts";
import { KeySearches } from "../commands/key_searches.ts";
import { ClientCount } from "../client_count.ts";
import { lacksHandles } from "../file_handles.ts";
import { Connection, type ConnectionService } from "./connection.ts";
import { ClientMemory } from "./client_memory.ts";
import { lookMillis, SlowClients } from "./slow_clients.ts";
import { ClientPlaces } from "./client_places.ts";
import type { RaftLink } from "../tickets/raft_link.ts";
import { tooManyClientsText } from "../tickets/refusals.ts";
import { FairTurns } from "./fair_turns.ts";

/** Clients that are being told that they are too many; those told make way for the next. */
export const refusalsMaxDefault = 64;
/** Clients above that number that may wait to be told, before the oldest is closed without. */
const crowdMax = 1024;
/** Milliseconds from the end of a connection to a look for others. */
const acceptPauseMillis = 1;
/** Without --keepalive. */
const keepAliveSecondsDefault = 60;
/** File handles that clients give back when there are no more. */
const handlesReserved = 32;
/** Of these, those that clients get back each second. */
const handlesRegained = 8;
/** Milliseconds between two looks while there is no client: a deaf port hears again then. */
const quietLookMillis = 10_000;

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
  /** Seconds of silence after which the system asks a client's host whether it lives; 0: never. */
  readonly keepAliveSeconds?: number;
  readonly log?: Logger;
};

/**
 * Opens the port for clients.
 *
 * @throws {Error} with one sentence for the user when it cannot be listened on.
 */
export function listen(address: Address, earlyMax?: number): Promise<Port> {
  return listenOn(address, { whom: "clients", flag: "--saddr", earlyMax });
}

/** All clients of an isolate, from accept to close. */
export class Listener {
  readonly #port: Port;
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
  readonly #keepAliveMillis: number;
  readonly #refusalsMax: number;
  /** Of those that are refused, the ones that had been told when last looked at. */
  readonly #told = new WeakSet<Connection>();
  #acceptTimer: ReturnType<typeof setTimeout> | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isLookingOften = false;
  /** The most sessions while file handles run out. */
  #sessionsMax = Infinity;
  #closing = false;
  #empty: (() => void) | undefined;

  /** Serves clients of `port` at once, and owns it from now on. */
  constructor(port: Port, options: ListenerOptions) {
    this.#port = port;
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
      searches: new KeySearches(),
      turns: this.#turns,
      failed: (error, { name, client }) => {
        clientCount.failed();
        const text = `${name} of client ${client.id} at ${client.address} ` +
          `failed, and the client was closed: ${reasonOf(error)}`;
        log("error", text, { command: name });
      },
    };
    this.#refusalsMax = options.refusalsMax ?? refusalsMaxDefault;
    this.#keepAliveMillis = 1000 *
      (options.keepAliveSeconds ?? keepAliveSecondsDefault);
    const idleLooks = options.idleSeconds ?? Infinity;
    this.#slowClients = new SlowClients({ sessions, idleLooks, log });
    this.#memory = new ClientMemory({ sessions, clientCount, log });
    this.#lookOften(false);
    this.#port.start((socket) => this.#welcome(socket));
  }

  get port(): number {
    return this.#port.address.port;
  }

  /** How many clients are served. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** Once a second: closes clients that are waited for too long, or hold too much. */
  look(): void {
    this.#slowClients.look();
    this.#memory.look();
    this.#port.wake();
    if (this.#lacksHandles) this.#shed();
    this.#sessionsMax += handlesRegained;
    if (this.#sessionsMax >= this.#sessions.size + 2 * handlesReserved) {
      this.#sessionsMax = Infinity;
    }
    if (this.#isQuiet) this.#lookOften(false);
  }

  /** Seldom while there is nothing to look at: to be woken is most of what rest costs. */
  #lookOften(isOften: boolean): void {
    if (this.#timer !== undefined && isOften === this.#isLookingOften) return;
    clearInterval(this.#timer);
    this.#isLookingOften = isOften;
    const millis = isOften ? lookMillis : quietLookMillis;
    this.#timer = setInterval(() => this.look(), millis);
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
    this.#port.close();
    clearInterval(this.#timer);
    clearTimeout(this.#acceptTimer);
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

  /**
   * Whether there is no file handle left, though clients have many and no crowd holds those of
   * the next milliseconds.
   */
  get #lacksHandles(): boolean {
    return this.#sessions.size >= 2 * handlesReserved &&
      this.#refused.size <= this.#refusalsMax && lacksHandles();
  }

  /** Out of file handles: closes clients, or log and peers find none and the process ends. */
  #shed(): void {
    const kept = this.#sessions.size - handlesReserved;
    if (this.#sessionsMax === Infinity) {
      this.#log(
        "warning",
        `cannot accept a client: there are no file handles; closes ${handlesReserved} ` +
          "clients: allow more file handles, or choose a lower --max-clients",
      );
    }
    this.#sessionsMax = Math.min(this.#sessionsMax, kept);
    for (const newest of [...this.#sessions].slice(kept)) {
      if (newest.isIdle) this.#tell(newest);
      else newest.close();
    }
  }

  #welcome(socket: TcpSocket): void {
    if (this.#closing || socket.remote.port === 0) return socket.close();
    socket.keepAlive(this.#keepAliveMillis);
    const id = this.#clientCount.nextId();
    const connection = new Connection(socket, {
      id,
      service: this.#service,
      over: (connection) => this.#left(connection),
    });
    const isFull = this.#sessions.size >= this.#sessionsMax;
    const hasPlace = !isFull && this.#places.enter(connection) ||
      this.#isNear(connection) && this.#places.enterKept(connection);
    if (hasPlace) {
      this.#sessions.add(connection);
      this.#lookOften(true);
    } else this.#tell(connection);
    connection.start();
  }

  /** Whether it comes from this host or from a member's. */
  #isNear({ host }: Connection): boolean {
    return isLoopback(host) ||
      this.#options.link.status.memberHosts.includes(host);
  }

  #left(connection: Connection): void {
    this.#sessions.delete(connection);
    this.#refused.delete(connection);
    this.#places.leave(connection);
    if (this.#sessions.size + this.#refused.size === 0) this.#empty?.();
    this.#acceptSoon();
  }

  /** Tells it that there is no place; the oldest that has been told makes way. */
  #tell(connection: Connection): void {
    this.#refused.add(connection);
    connection.refuse(tooManyClientsText);
    if (this.#refused.size > this.#refusalsMax) this.#acceptSoon();
    const [oldest] = this.#refused;
    if (this.#refused.size > this.#refusalsMax + crowdMax) oldest?.close();
  }

  /** A handle is free again: the next client may be one that was refused for want of it. */
  #acceptSoon(): void {
    if (this.#closing || this.#acceptTimer !== undefined) return;
    this.#acceptTimer = setTimeout(() => {
      this.#acceptTimer = undefined;
      this.#makeWay();
      this.#port.wake();
    }, acceptPauseMillis);
  }

  /**
   * Closes those that are above their number and have been told. Not those that were told just
   * now: what they have sent must be read first, or it resets the connection.
   */
  #makeWay(): void {
    for (const connection of this.#refused) {
      if (this.#refused.size <= this.#refusalsMax) return;
      if (this.#told.has(connection)) connection.close();
      else if (connection.hasFinished) this.#told.add(connection);
    }
    if (this.#refused.size > this.#refusalsMax) this.#acceptSoon();
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
