// Many clients that ask for tickets without pause and write down what they get, for the
// checker. A client whose server is gone or does not lead tries the next one, as a
// user's would; what it asked for and was not told is burnt.

import type { Ticket } from "../lib/checker.ts";
import { Client, ReplyError, ticketOf, ticketRequest } from "../lib/client.ts";
import { pause, until } from "../lib/until.ts";

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

  constructor(
    ports: readonly number[],
    { connections = 20, pipeline = 3 }: LoadOptions = {},
  ) {
    this.#ports = ports;
    this.#pipeline = pipeline;
    this.#clients = Array.from({ length: connections }, (_, i) => this.#run(i));
  }

  /** The largest number that was seen. */
  get largest(): bigint {
    return this.tickets.reduce(
      (most, { number }) => number > most ? number : most,
      0n,
    );
  }

  /** Waits until `count` more tickets are answered. */
  async more(count: number): Promise<void> {
    const goal = this.tickets.length + count;
    await until(`${count} more tickets`, () => this.tickets.length >= goal);
  }

  /** Ends after the requests under way; all tickets of all clients. */
  async stop(): Promise<readonly Ticket[]> {
    this.#stopping = true;
    await Promise.all(this.#clients);
    return this.tickets;
  }

  /** Ends at once. */
  async abort(): Promise<void> {
    this.#stopping = true;
    for (const client of this.#open) client.close();
    await Promise.all(this.#clients);
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
        if (error instanceof TypeError) throw error; // a bug of this file
        await pause(); // its server is down: no need to hammer
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
