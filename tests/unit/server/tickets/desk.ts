// What tests of the dispenser stand at: its turns end, and its takes are answered, by hand;
// clients write down what they are told. Decides nothing. What names no sequence is about the
// default one.

import { defaultSequence } from "../../../../base/sequence_name.ts";
import type { Range } from "../../../../base/range.ts";
import type {
  Refusal,
  TakeRequest,
} from "../../../../raft/channel/messages.ts";
import { Dispenser } from "../../../../server/tickets/dispenser.ts";
import type {
  TicketClient,
  TicketRequest,
} from "../../../../server/tickets/ticket_request.ts";

type Asked = Partial<TicketRequest> & { readonly name?: string };

/** A dispenser whose turns end, and whose takes are answered, by hand. */
export class Desk {
  /** What was asked of the node: takes by their counts, and refills. */
  readonly posted: (number | "refill")[] = [];
  /** The same takes. */
  readonly takes: TakeRequest[] = [];
  readonly told: string[] = [];
  readonly faults: unknown[] = [];
  readonly #tasks: (() => void)[] = [];
  readonly dispenser: Dispenser;

  constructor({ asksAgain = true } = {}) {
    this.dispenser = new Dispenser({
      requests: {
        take: (request) => {
          this.posted.push(request.count);
          this.takes.push(request);
        },
        refill: () => this.posted.push("refill"),
      },
      defer: (task) => this.#tasks.push(task),
      asksAgain,
      timeoutMillis: 10_000,
      broken: (error) => this.faults.push(error),
    });
  }

  /** A client asks. */
  take(client: TicketClient, count: number, asked: Asked = {}): void {
    const { name = defaultSequence, isBlock = false, isCapped = false } = asked;
    this.dispenser.take(name, client, { count, isBlock, isCapped });
  }

  hasRoom(count: number): boolean {
    return this.dispenser.hasRoom(defaultSequence, { count, isBlock: false });
  }

  taken(last: bigint, count: number, name: string = defaultSequence): void {
    this.dispenser.taken(name, last, count);
  }

  refused(reason: Refusal, name: string = defaultSequence): void {
    this.dispenser.refused(name, reason);
  }

  lent(last: bigint, count: number): void {
    this.dispenser.lent(defaultSequence, last, count);
  }

  nothingLent(): void {
    this.dispenser.nothingLent(defaultSequence);
  }

  recall(): Range {
    return this.dispenser.recall(defaultSequence);
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
