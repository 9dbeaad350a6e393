// Visitors of one port of a node, which come again and again, many at once, and count what the
// node does about them: a visitor to which nothing ever happens proves nothing. `guests.ts` and
// `strangers.ts` say what they do there. A visit may wait for anything: the end of the party
// closes its connection.

import assert from "node:assert/strict";
import type { Server } from "../lib/server.ts";
import { until, within } from "../lib/until.ts";
import { close, connect, isGone } from "./clients.ts";

const retryMillis = 20;

/** The node has ended the visit. */
export class Parted extends Error {
  override readonly name = "Parted";
}

/** All visitors of one port; each of `Bite` is something that the node does about one. */
export class Party<Bite extends string> {
  readonly #owner: Server;
  readonly #port: number;
  readonly #bites = new Map<Bite, number>();
  readonly #open = new Set<Deno.TcpConn>();
  readonly #tasks: Promise<void>[] = [];
  readonly #end = Promise.withResolvers<void>();
  #over = false;
  #error: unknown;

  /** `port` is the client port or the raft port of `owner`. */
  constructor(owner: Server, port: number) {
    this.#owner = owner;
    this.#port = port;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Counts that the node did something about a visitor. */
  bit(bite: Bite): void {
    this.#bites.set(bite, (this.#bites.get(bite) ?? 0) + 1);
  }

  /**
   * Invites `count` visitors, each of which comes again `againMillis` milliseconds after a visit.
   * A visit ends when `visit` does or when the node closes the connection.
   */
  invite(
    visit: (conn: Deno.TcpConn) => Promise<void>,
    { count = 1, againMillis = retryMillis } = {},
  ): void {
    for (let i = 0; i < count; i++) {
      const visits = this.#comeAgain(visit, againMillis);
      this.#tasks.push(
        visits.catch((error) => void (this.#error ??= error)),
      );
    }
  }

  /** Waits until each of `bites` was counted `times` times. */
  async bitten(bites: readonly Bite[], times: number): Promise<void> {
    for (const bite of bites) {
      const { id } = this.#owner;
      await until(`${times} visitors of node ${id} were ${bite}`, () => {
        if (this.#error !== undefined) throw this.#error;
        assert.ok(this.#owner.running, `node ${id} ended`);
        return (this.#bites.get(bite) ?? 0) >= times;
      });
    }
  }

  /** All leave at once. Says how often each bite was counted. */
  async end(): Promise<string> {
    this.#over = true;
    this.#end.resolve();
    for (const conn of this.#open) close(conn);
    await within(
      `all visitors of node ${this.#owner.id} have left`,
      Promise.all(this.#tasks),
    );
    if (this.#error !== undefined) throw this.#error;
    return [...this.#bites].map(([bite, times]) => `${times} ${bite}`)
      .join(", ");
  }

  async #comeAgain(
    visit: (conn: Deno.TcpConn) => Promise<void>,
    againMillis: number,
  ): Promise<void> {
    while (!this.#over) {
      const { raftPort, raftHost, host: clientHost } = this.#owner;
      const host = this.#port === raftPort ? raftHost : clientHost;
      const conn = await connect({ host, port: this.#port });
      if (conn !== undefined) await this.#receive(conn, visit);
      if (!this.#over) await this.#pause(againMillis);
    }
  }

  async #receive(
    conn: Deno.TcpConn,
    visit: (conn: Deno.TcpConn) => Promise<void>,
  ): Promise<void> {
    this.#open.add(conn);
    try {
      if (!this.#over) await visit(conn);
    } catch (error) {
      if (!isGone(error) && !(error instanceof Parted)) throw error;
    } finally {
      close(conn);
      this.#open.delete(conn);
    }
  }

  /** Visitors must not keep the machine busy with coming. */
  async #pause(millis: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, millis);
    await Promise.race([promise, this.#end.promise]);
    clearTimeout(timer);
  }
}
