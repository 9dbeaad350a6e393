// The clients of a torture run that use many sequences: blocks, INCR, GET, raises, groups and
// WATCH, in pipelines that mix names. Each sequence has a checker of its own; that of `ticket`
// is shared with the clients that want tickets only (`clients.ts`), which give the load.
//
// They stay with their node and ask again when it serves again. A reply that breaks a promise
// ends them, and the run when it next looks.

import { Client, encode } from "../lib/client.ts";
import type { Random } from "../lib/random.ts";
import { until, within } from "../lib/until.ts";
import { isGone } from "./clients.ts";
import { RangeChecker } from "./range_checker.ts";
import {
  Connection,
  countMax,
  type Request,
  Requests,
  type Sequence,
} from "./sequence_requests.ts";

/** The names, beside `ticket`. The first is asked for most. */
const names = [
  "orders",
  "invoices",
  "epoch:billing",
  "a",
  "b",
  "n".repeat(128),
];

/** Milliseconds between two pipelines of each connection of a node: one takes no pause. */
const pauses = [0, 30, 150];
/** Requests in a pipeline, at most. */
const depthMax = 8;
const retryMillis = 50;

type Placement = {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  avoided: boolean;
  readonly open: Set<Client>;
};

/** How many of these clients each node has. */
export const sequenceClientsOfNode = pauses.length;

/** The most numbers of a named sequence for which the clients of one node wait at once. */
export const namedWaitingMax = pauses.length * depthMax * countMax;

export class SequenceClients {
  /** All sequences that they use, but for `ticket`. */
  readonly sequences: readonly Sequence[];
  readonly #requests: Requests;
  readonly #random: Random;
  readonly #places: Map<string, Placement>;
  readonly #tasks: Promise<void>[];
  readonly #busiest = new Map<string, number>();
  readonly #timer: ReturnType<typeof setInterval>;
  #stopping = false;
  #error: unknown;

  /** `tickets` is the checker of the sequence `ticket`. */
  constructor(
    servers: readonly { id: string; host: string; port: number }[],
    { tickets, random }: {
      readonly tickets: RangeChecker;
      readonly random: Random;
    },
  ) {
    this.#random = random;
    this.sequences = names.map((name) => ({
      name,
      checker: new RangeChecker(),
    }));
    const busy = { name: "ticket", checker: tickets };
    this.#requests = new Requests(this.sequences, { random, busy });
    this.#places = new Map(servers.map(({ id, host, port }) => [
      id,
      { id, host, port, avoided: false, open: new Set() },
    ]));
    this.#timer = setInterval(() => this.#measure(), 50);
    this.#tasks = [...this.#places.values()].flatMap((place) =>
      pauses.map((pause) =>
        this.#run(place, pause).catch((error) => void (this.#error ??= error))
      )
    );
  }

  /** What was done, for the report. */
  get told(): string {
    const { single, group, failed, watched } = this.#requests.counts;
    return `${single} commands and ${group} groups of ${names.length} sequences, ` +
      `${failed} groups that failed, ${watched} behind WATCH`;
  }

  /** Throws once a promise is broken, or if there is nothing that could have been broken. */
  check(): void {
    if (this.#error !== undefined) throw this.#error;
    for (const { name, checker } of this.sequences) {
      const [violation] = checker.violations;
      if (violation === undefined) continue;
      throw new Error(`${name}: ${violation.join(": ")}`);
    }
  }

  /** Waits until each sequence has given a number: later faults may lose those that have not. */
  async begun(): Promise<void> {
    await until("every sequence has given a number", () => {
      this.check();
      return this.sequences.every(({ checker }) => checker.answered > 0);
    });
  }

  /**
   * Numbers that `elections` changes of leader may have used up: those that were asked for anew, and
   * those in the hands of the leaders, as for tickets.
   */
  burn({ elections, size }: {
    readonly elections: number;
    readonly size: number;
  }): void {
    for (const { name, checker } of this.sequences) {
      const inHand = 3 * (this.#busiest.get(name) ?? 0);
      checker.unanswered(elections * (size * namedWaitingMax + inHand));
    }
  }

  /** Keeps away from node `id`, and waits until its connections have ended. */
  async avoid(id: string): Promise<void> {
    const place = this.#places.get(id)!;
    place.avoided = true;
    for (const client of place.open) client.close();
    await until(
      `node ${id} has no clients of many sequences`,
      () => place.open.size === 0,
    );
  }

  /** Waits until every connection has ended, as it must when all nodes have. */
  async gone(): Promise<void> {
    await until(
      "no client of many sequences is connected",
      () => [...this.#places.values()].every(({ open }) => open.size === 0),
    );
  }

  comeBack(id: string): void {
    this.#places.get(id)!.avoided = false;
  }

  /** Ends all of them after the requests under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await within(
      "the clients of many sequences have ended",
      Promise.all(this.#tasks),
    );
    this.abort();
    this.check();
  }

  /** Looks at nothing any more. */
  abort(): void {
    this.#stopping = true;
    clearInterval(this.#timer);
  }

  readonly #before = new Map<string, number>();

  /** The most numbers of each sequence that were answered, or left unread, in 50 ms. */
  #measure(): void {
    for (const { name, checker } of this.sequences) {
      const asked = checker.answered + checker.unknown;
      const more = asked - (this.#before.get(name) ?? 0);
      this.#busiest.set(name, Math.max(this.#busiest.get(name) ?? 0, more));
      this.#before.set(name, asked);
    }
  }

  async #run(place: Placement, pauseMillis: number): Promise<void> {
    while (!this.#stopping) {
      if (!place.avoided) await this.#visit(place, pauseMillis);
      if (!this.#stopping) await pause(retryMillis);
    }
  }

  /** Asks until the connection ends. */
  async #visit(place: Placement, pauseMillis: number): Promise<void> {
    let client: Client | undefined;
    try {
      client = await Client.connect(place.port, place.host);
      place.open.add(client);
      const connection = new Connection();
      while (!this.#stopping && !place.avoided) {
        if (this.#random(20) === 0) await this.#watch(client, connection);
        const depth = 1 + this.#random(depthMax);
        await ask(
          client,
          Array.from({ length: depth }, () => this.#requests.draw(connection)),
        );
        if (pauseMillis > 0) await pause(pauseMillis);
      }
    } catch (error) {
      if (!isGone(error) && !(error instanceof Deno.errors.UnexpectedEof)) {
        throw error;
      }
    } finally {
      client?.close();
      if (client !== undefined) place.open.delete(client);
    }
  }

  async #watch(client: Client, connection: Connection): Promise<void> {
    const { sequences } = this;
    const sequence = sequences[this.#random(sequences.length)]!;
    const isWatched = await client.ask("WATCH", sequence.name) === "OK";
    const seen = await client.ask("GET", sequence.name);
    if (!isWatched || seen instanceof Error) {
      await client.ask("UNWATCH");
      return;
    }
    await ask(client, [this.#requests.watched(connection, { sequence, seen })]);
  }
}

/** Sends `requests` in one packet and judges the replies, in their order. */
async function ask(
  client: Client,
  requests: readonly Request[],
): Promise<void> {
  const waiting = [...requests];
  try {
    await client.send(
      requests.flatMap(({ commands }) => commands.map(encode)).join(""),
    );
    for (const request of requests) {
      const replies = [];
      for (const _ of request.commands) replies.push(await client.reply());
      waiting.shift();
      request.answered(replies);
    }
  } finally {
    for (const request of waiting) request.unanswered();
  }
}

async function pause(millis: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, millis));
}
