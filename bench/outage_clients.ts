// The clients of the outage benchmark: on each connection one TICKET after the other, with
// nothing between them, and a window on what they see while something fails elsewhere.
// Every ticket goes to the checker. One thread, one monotonic clock (`performance.now()`).

import { ticketRequest } from "../tests/lib/client.ts";
import { close, connect, isGone, writeAll } from "../tests/torture/clients.ts";
import type { RangeChecker } from "../tests/torture/range_checker.ts";
import { ReplyParser } from "../tests/torture/reply_parser.ts";

/** Before a connection is made again, and before a node that does not serve is asked again. */
const reconnectMillis = 20;
const refusedMillis = 2;

const request = new TextEncoder().encode(ticketRequest);

/** What the clients of some nodes went through. */
export type Seen = {
  /** The longest time without a ticket for any of them. */
  readonly outageMillis: number;
  /** The longest that one request waited for its answer, or for the connection's end. */
  readonly waitMillis: number;
  readonly tickets: number;
  /** Error replies. */
  readonly errors: number;
  /** Connections that ended while a request waited. */
  readonly broken: number;
};

type Answer = "ticket" | "error" | "broken";

/** From when it is opened until it is closed, the clients of all nodes but those hit. */
class Window {
  readonly #hit: ReadonlySet<string>;
  readonly #counts = { ticket: 0, error: 0, broken: 0 };
  #ticketAt = performance.now();
  #outageMillis = 0;
  #waitMillis = 0;

  constructor(hit: ReadonlySet<string>) {
    this.#hit = hit;
  }

  /** The request that was sent at `sentAt` to `id` has its answer, or never gets one. */
  ended(id: string, sentAt: number, answer: Answer): void {
    if (this.#hit.has(id)) return;
    const now = performance.now();
    this.#counts[answer]++;
    this.#waitMillis = Math.max(this.#waitMillis, now - sentAt);
    if (answer !== "ticket") return;
    this.#outageMillis = Math.max(this.#outageMillis, now - this.#ticketAt);
    this.#ticketAt = now;
  }

  /** `waiting`: to whom requests are under way, and since when. */
  close(waiting: Iterable<{ id: string; sentAt: number }>): Seen {
    const now = performance.now();
    for (const { id, sentAt } of waiting) {
      if (this.#hit.has(id)) continue;
      this.#waitMillis = Math.max(this.#waitMillis, now - sentAt);
    }
    const { ticket: tickets, error: errors, broken } = this.#counts;
    return {
      outageMillis: Math.max(this.#outageMillis, now - this.#ticketAt),
      waitMillis: this.#waitMillis,
      tickets,
      errors,
      broken,
    };
  }
}

export type Placement = {
  readonly id: string;
  readonly host: string;
  readonly port: number;
};

export class OutageClients {
  readonly #checker: RangeChecker;
  readonly #tasks: Promise<void>[];
  readonly #open = new Set<Deno.TcpConn>();
  readonly #waiting = new Set<{ id: string; sentAt: number }>();
  #window: Window | undefined;
  #stopping = false;
  #error: unknown;

  constructor(
    places: readonly Placement[],
    { connections, checker }: { connections: number; checker: RangeChecker },
  ) {
    this.#checker = checker;
    this.#tasks = places.flatMap((place) =>
      Array.from(
        { length: connections },
        () => this.#run(place).catch((error) => void (this.#error ??= error)),
      )
    );
  }

  /** Watches, until `close`, the clients of all nodes but `hit`. */
  open(hit: readonly string[]): void {
    this.#window = new Window(new Set(hit));
  }

  close(): Seen {
    const seen = this.#window!.close(this.#waiting);
    this.#window = undefined;
    if (this.#error !== undefined) throw this.#error;
    return seen;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const conn of this.#open) close(conn);
    await Promise.all(this.#tasks);
  }

  async #run(place: Placement): Promise<void> {
    while (!this.#stopping) {
      const conn = await connect(place);
      if (conn !== undefined) {
        this.#open.add(conn);
        await this.#askOn(conn, place.id);
        this.#open.delete(conn);
        close(conn);
      }
      if (!this.#stopping) await pass(reconnectMillis);
    }
  }

  /** Asks until the connection ends. */
  async #askOn(conn: Deno.TcpConn, id: string): Promise<void> {
    const line = this.#checker.line();
    const asked = { id, sentAt: 0 };
    let floor = 0;
    let answer: Answer | undefined;
    const parser = new ReplyParser({
      given: (first, last) => {
        answer = "ticket";
        this.#checker.answers(line, { first, last, floor });
      },
      refused: () => {
        answer = "error";
        // Nothing is known of what was refused while it was being done.
        this.#checker.unanswered(1);
      },
    });
    const chunk = new Uint8Array(1024);
    try {
      while (!this.#stopping) {
        answer = undefined;
        floor = this.#checker.asks();
        asked.sentAt = performance.now();
        this.#waiting.add(asked);
        await writeAll(conn, request);
        while (answer === undefined) {
          const length = await conn.read(chunk);
          if (length === null) return;
          parser.feed(chunk.subarray(0, length));
        }
        this.#waiting.delete(asked);
        this.#window?.ended(id, asked.sentAt, answer);
        if (answer !== "ticket") await pass(refusedMillis);
      }
    } catch (error) {
      if (!isGone(error)) throw error;
    } finally {
      if (this.#waiting.delete(asked)) {
        this.#checker.unanswered(1);
        if (!this.#stopping) this.#window?.ended(id, asked.sentAt, "broken");
      }
    }
  }
}

export async function pass(millis: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, millis));
}
