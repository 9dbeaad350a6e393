// Visitors of one port that come again and again, many at once, and count what its owner did
// about them: a visitor that nothing ever happened to proves nothing. What they do there
// is `guests.ts`' and `strangers.ts`' to say.

import assert from "node:assert/strict";
import type { Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";
import { close, connect, isGone } from "./clients.ts";

const retryMillis = 20;

/** The other side has ended the visit. */
export class Parted extends Error {
  override readonly name = "Parted";
}

export class Party<Bite extends string> {
  readonly #owner: Server;
  readonly #port: number;
  readonly #bites = new Map<Bite, number>();
  readonly #open = new Set<Deno.TcpConn>();
  readonly #tasks: Promise<void>[] = [];
  readonly #end = Promise.withResolvers<void>();
  #over = false;
  #error: unknown;

  /** At the `port` of `owner` for clients, or for nodes. */
  constructor(owner: Server, port: number) {
    this.#owner = owner;
    this.#port = port;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Something was done about a visitor. */
  bit(bite: Bite): void {
    this.#bites.set(bite, (this.#bites.get(bite) ?? 0) + 1);
  }

  /** `count` come at once, again and again; a visit ends when `visit` does, or the owner. */
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

  /** Waits until each of `bites` was seen so often. */
  async bitten(bites: readonly Bite[], times: number): Promise<void> {
    for (const bite of bites) {
      await until(`visitors are ${bite}`, () => {
        if (this.#error !== undefined) throw this.#error;
        assert.ok(this.#owner.running, `node ${this.#owner.id} ended`);
        return (this.#bites.get(bite) ?? 0) >= times;
      });
    }
  }

  /** They leave, all at once; how often what was done about them. */
  async end(): Promise<string> {
    this.#over = true;
    this.#end.resolve();
    for (const conn of this.#open) close(conn);
    await Promise.all(this.#tasks);
    if (this.#error !== undefined) throw this.#error;
    return [...this.#bites].map(([bite, times]) => `${times} ${bite}`)
      .join(", ");
  }

  async #comeAgain(
    visit: (conn: Deno.TcpConn) => Promise<void>,
    againMillis: number,
  ): Promise<void> {
    while (!this.#over) {
      const { host } = this.#owner;
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

  /** They must not keep the machine busy with coming. */
  async #pause(millis: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, millis);
    await Promise.race([promise, this.#end.promise]);
    clearTimeout(timer);
  }
}
