// What tests of the dispenser stand at: its turns end, and its takes are answered, by hand;
// clients write down what they are told. Decides nothing.

import {
  Dispenser,
  type TicketClient,
} from "../../../../server/tickets/dispenser.ts";

/** A dispenser whose turns end, and whose takes are answered, by hand. */
export class Desk {
  /** What was asked of the node: takes by their counts, and refills. */
  readonly posted: (number | "refill")[] = [];
  readonly told: string[] = [];
  readonly faults: unknown[] = [];
  readonly #tasks: (() => void)[] = [];
  readonly dispenser: Dispenser;

  constructor({ asksAgain = true } = {}) {
    this.dispenser = new Dispenser({
      requests: {
        take: (count) => this.posted.push(count),
        refill: () => this.posted.push("refill"),
      },
      defer: (task) => this.#tasks.push(task),
      asksAgain,
      timeoutMillis: 10_000,
      broken: (error) => this.faults.push(error),
    });
  }

  ticks(count: number): void {
    for (let i = 0; i < count; i++) this.dispenser.tick();
  }

  endTurn(): void {
    for (const task of this.#tasks.splice(0)) task();
  }

  client(name: string): TicketClient {
    return {
      granted: (last: bigint, count: number) =>
        this.told.push(`${name} ${last - BigInt(count - 1)}-${last}`),
      refused: (count: number, text: string) =>
        this.told.push(`${name} ${count} x ${text}`),
    };
  }
}
