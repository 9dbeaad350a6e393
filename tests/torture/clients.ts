// The clients of a torture run: some connections to each node, in pipelines of several depths,
// that ask for tickets without pause and give everything that they read to the checker. They
// stay with their node whatever happens to it, and ask again when it serves again: the nodes
// decide among themselves which of them answers.

import { ticketRequest } from "../lib/client.ts";
import { until, within } from "../lib/until.ts";
import type { RangeChecker } from "./range_checker.ts";
import { ReplyParser } from "./reply_parser.ts";

/** One node as its clients see it. */
type Placement = {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** Tickets that its clients got. */
  given: number;
  /** When the newest of the refused requests was sent, by `performance.now()`. */
  refusedSince: number;
  /** Its clients keep away from it. */
  avoided: boolean;
  readonly open: Set<Deno.TcpConn>;
  /** The open connections that were given a ticket. */
  readonly served: Set<Deno.TcpConn>;
};

/** Each connection to a node sends so many TICKETs in one packet. */
const depths = [1, 1, 16, 16, 1000, 1000];
const retryMillis = 20;
const readBytes = 64 * 1024;

/** The replies of a node without a leader, and of one that ends. Either may burn numbers. */
const refusals = /^(CLUSTERDOWN |ERR the node is stopping$)/;

/** The most tickets for which the clients of one node wait at once. */
export const waitingMax = depths.reduce((sum, depth) => sum + depth, 0);

export class Clients {
  readonly #checker: RangeChecker;
  readonly #places: Map<string, Placement>;
  readonly #tasks: Promise<void>[];
  #stopping = false;
  readonly #timer: ReturnType<typeof setInterval>;
  /** The most tickets that were answered, or left unread, in 50 ms, a tick of the nodes. */
  busiestTick = 0;
  #lastAnswerMillis = performance.now();
  #longestOutageMillis = 0;
  #error: unknown;

  constructor(
    servers: readonly { id: string; host: string; port: number }[],
    checker: RangeChecker,
  ) {
    this.#checker = checker;
    this.#places = new Map(servers.map(({ id, host, port }) => [
      id,
      {
        id,
        host,
        port,
        given: 0,
        refusedSince: 0,
        avoided: false,
        open: new Set(),
        served: new Set(),
      },
    ]));
    let before = 0;
    this.#timer = setInterval(() => {
      const asked = checker.answered + checker.unknown;
      this.busiestTick = Math.max(this.busiestTick, asked - before);
      before = asked;
    }, 50);
    this.#tasks = [...this.#places.values()].flatMap((place) =>
      depths.map((depth) =>
        this.#run(place, depth).catch((error) => void (this.#error ??= error))
      )
    );
  }

  /** Tickets that `id` has given to these clients. */
  givenBy(id: string): number {
    return this.#place(id).given;
  }

  /** Waits until the clients of nodes `ids` have got `count` more tickets together. */
  async more(count: number, ids: readonly string[] = [...this.#places.keys()]) {
    const given = () => ids.reduce((sum, id) => sum + this.givenBy(id), 0);
    const goal = given() + count;
    await until(
      `the clients of nodes ${ids} get ${count} more tickets`,
      () => this.#ok && given() >= goal,
    );
  }

  /** Waits until `id` refuses a request that is sent from now on. */
  async refusedBy(id: string): Promise<void> {
    const place = this.#place(id);
    const now = performance.now();
    await until(
      `node ${id} refuses`,
      () => this.#ok && place.refusedSince > now,
    );
  }

  /** Waits until all of `id`'s clients are served; returns their connections. */
  async all(id: string): Promise<readonly Deno.TcpConn[]> {
    const { served } = this.#place(id);
    await until(
      `node ${id} serves all of its clients`,
      () => this.#ok && served.size === depths.length,
    );
    return [...served];
  }

  /** How many of `conns`, which `all` has returned, have ended. */
  goneOf(id: string, conns: readonly Deno.TcpConn[]): number {
    const { served } = this.#place(id);
    return conns.filter((conn) => !served.has(conn)).length;
  }

  /** Adds a client of node `id` on `conn`, in pipelines of `depth`, until the connection ends. */
  async join(id: string, conn: Deno.TcpConn, depth: number): Promise<void> {
    // It must not count among the clients that `all` returns.
    const place = { ...this.#place(id), served: new Set<Deno.TcpConn>() };
    await this.#askAll(conn, { place, depth });
  }

  /** The longest time without any answer since the last call, in milliseconds. */
  takeLongestOutage(): number {
    this.#measure();
    const longest = this.#longestOutageMillis;
    this.#longestOutageMillis = 0;
    return longest;
  }

  /** Keeps all clients away from node `id`, and waits until its connections have ended. */
  async avoid(id: string): Promise<void> {
    const place = this.#place(id);
    place.avoided = true;
    for (const conn of place.open) close(conn);
    const isEmpty = () => place.open.size === 0;
    await until(`node ${id} has no connections of clients`, isEmpty);
  }

  /** Lets clients go to node `id` again. */
  comeBack(id: string): void {
    this.#place(id).avoided = false;
  }

  /** Ends all clients after the requests under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const ids = [...this.#places.keys()];
    await within(
      `nodes ${ids} have answered all requests under way`,
      Promise.all(this.#tasks),
    );
    clearInterval(this.#timer);
    if (this.#error !== undefined) throw this.#error;
  }

  /** True, or throws once a promise is broken: whatever waits for more tickets then ends. */
  get #ok(): true {
    if (this.#error !== undefined) throw this.#error;
    const [violation] = this.#checker.violations;
    if (violation !== undefined) throw new Error(violation.join(": "));
    return true;
  }

  #place(id: string): Placement {
    return this.#places.get(id)!;
  }

  async #run(place: Placement, depth: number): Promise<void> {
    while (!this.#stopping) {
      const conn = place.avoided ? undefined : await connect(place);
      if (conn !== undefined) {
        place.open.add(conn);
        await this.#askAll(conn, { place, depth });
        close(conn);
        place.open.delete(conn);
        place.served.delete(conn);
      }
      if (!this.#stopping) await rest();
    }
  }

  /** Asks until the connection ends. */
  async #askAll(
    conn: Deno.TcpConn,
    { place, depth }: { place: Placement; depth: number },
  ): Promise<void> {
    const line = this.#checker.line();
    let floor = 0;
    let sentAt = 0;
    let waiting = 0;
    let refused = false;
    const parser = new ReplyParser({
      given: (first, last) => {
        const count = last - first + 1;
        if (count > waiting) {
          throw new SyntaxError("an answer nobody asked for");
        }
        waiting -= count;
        place.given += count;
        place.served.add(conn);
        this.#measure();
        this.#checker.answers(line, { first, last, floor });
      },
      refused: (text) => {
        if (!refusals.test(text)) throw new SyntaxError(text);
        this.#checker.unanswered(1);
        waiting--;
        place.refusedSince = Math.max(place.refusedSince, sentAt);
        refused = true;
      },
    });
    const chunk = new Uint8Array(readBytes);
    try {
      while (!this.#stopping) {
        // A client that was refused sends single requests until it is served.
        const count = refused ? 1 : depth;
        refused = false;
        waiting = count;
        sentAt = performance.now();
        floor = this.#checker.asks();
        await writeAll(conn, requests(count));
        while (waiting > 0) {
          const length = await conn.read(chunk);
          if (length === null) return;
          parser.feed(chunk.subarray(0, length));
        }
        if (refused && !this.#stopping) await rest();
      }
    } catch (error) {
      if (!isGone(error)) throw error;
    } finally {
      this.#checker.unanswered(waiting);
    }
  }

  #measure(): void {
    const now = performance.now();
    const outage = now - this.#lastAnswerMillis;
    this.#longestOutageMillis = Math.max(this.#longestOutageMillis, outage);
    this.#lastAnswerMillis = now;
  }
}

const requestsOf = new Map<number, Uint8Array<ArrayBuffer>>();

function requests(count: number): Uint8Array<ArrayBuffer> {
  let bytes = requestsOf.get(count);
  if (bytes === undefined) {
    bytes = new TextEncoder().encode(ticketRequest.repeat(count));
    requestsOf.set(count, bytes);
  }
  return bytes;
}

/** A connection, or `undefined` if nobody listens there. */
export async function connect(
  place: Pick<Placement, "host" | "port">,
): Promise<Deno.TcpConn | undefined> {
  try {
    const { host: hostname, port } = place;
    const conn = await Deno.connect({ hostname, port });
    conn.setNoDelay(true);
    return conn;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

export async function writeAll(
  conn: Deno.TcpConn,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await conn.write(bytes.subarray(at));
  }
}

/** Closes `conn` unless it is closed already. */
export function close(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Whether the node or the client has ended the connection, as torture makes them do. */
export function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionRefused ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.TimedOut;
}

/** Longer than `pause()`: clients that wait must not keep the machine busy. */
async function rest(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, retryMillis));
}
