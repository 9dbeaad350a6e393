// Many clients that ask for tickets without pause and record what they get, for the checker.
// A client whose server is gone or refuses it tries the next one, as a user's would. Tickets
// that it asked for and was not told count as burnt. A server that stays silent fails the
// test.

import type { Ticket } from "../lib/checker.ts";
import { Client, ReplyError, ticketOf, ticketRequest } from "../lib/client.ts";
import { DeadlineError, pause, until, within } from "../lib/until.ts";

export type LoadOptions = {
  readonly connections?: number;
  /** TICKETs in one packet. */
  readonly pipeline?: number;
};

let connections = 0;

export class Load {
  readonly tickets: Ticket[] = [];
  /** How often each error was answered. */
  readonly refusals = new Map<string, number>();
  readonly #ports: readonly number[];
  readonly #pipeline: number;
  readonly #clients: Promise<void>[];
  readonly #open = new Set<Client>();
  #stopping = false;
  /** A bug here, or a server that stayed silent. */
  #error: unknown;

  constructor(
    ports: readonly number[],
    { connections = 20, pipeline = 3 }: LoadOptions = {},
  ) {
    this.#ports = ports;
    this.#pipeline = pipeline;
    this.#clients = Array.from(
      { length: connections },
      (_, i) => this.#run(i).catch((error) => void (this.#error ??= error)),
    );
  }

  /** The largest number that was given. */
  get largest(): bigint {
    return this.tickets.reduce(
      (most, { number }) => number > most ? number : most,
      0n,
    );
  }

  /** Waits until `count` more tickets are answered. */
  async more(count: number): Promise<void> {
    const goal = this.tickets.length + count;
    await until(`ports ${this.#ports} give ${count} more tickets`, () => {
      if (this.#error !== undefined) throw this.#error;
      return this.tickets.length >= goal;
    });
  }

  /** Ends after the requests under way, and returns all tickets of all clients. */
  async stop(): Promise<readonly Ticket[]> {
    await this.#end();
    if (this.#error !== undefined) throw this.#error;
    return this.tickets;
  }

  /** Ends at once. */
  async abort(): Promise<void> {
    this.#stopping = true;
    for (const client of this.#open) client.close();
    await this.#end();
  }

  async #end(): Promise<void> {
    this.#stopping = true;
    const state = `all clients of ports ${this.#ports} have ended`;
    // Longer than a client waits for a silent server: its error says more.
    await within(state, Promise.all(this.#clients), { millisMax: 90_000 });
  }

  async #run(first: number): Promise<void> {
    for (let at = first; !this.#stopping; at++) {
      try {
        using client = await Client.connect(
          this.#ports[at % this.#ports.length]!,
        );
        this.#open.add(client);
        await this.#askAll(client).finally(() => this.#open.delete(client));
      } catch (error) {
        const isBug = error instanceof TypeError;
        if (isBug || error instanceof DeadlineError) throw error;
        await pause(); // its server is down: there is no hurry
      }
    }
  }

  /** Asks until this server refuses or is gone. */
  async #askAll(client: Client): Promise<void> {
    const connection = ++connections;
    for (let refused = false; !refused && !this.#stopping;) {
      const requestedAt = performance.now();
      await client.send(ticketRequest.repeat(this.#pipeline));
      for (let i = 0; i < this.#pipeline; i++) {
        const reply = await client.reply();
        if (reply instanceof ReplyError) {
          const { message } = reply;
          this.refusals.set(message, 1 + (this.refusals.get(message) ?? 0));
          refused = true;
          continue;
        }
        const number = ticketOf(reply);
        const receivedAt = performance.now();
        this.tickets.push({ connection, requestedAt, receivedAt, number });
      }
    }
    if (!this.#stopping) await pause();
  }
}
