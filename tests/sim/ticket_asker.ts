// Some tickets of one sequence that a simulated client asks for at once: a run of single ones, or
// a block. Checks what it is given: it rises, a block is in a row, and all of it is above what
// had been received when it was asked for. Not here: when a client asks (`clients.ts`).

import assert from "node:assert/strict";
import type {
  TicketClient,
  TicketRequest,
} from "../../server/tickets/ticket_request.ts";
import type { Line } from "../torture/range_checker.ts";
import type { World } from "./world.ts";

export type TicketsAsked = {
  readonly name: string;
  readonly request: TicketRequest;
};

export type TicketsTold = {
  readonly refused: (text: string, count: number) => void;
  /** All are answered. */
  readonly done: () => void;
};

/** A name of the run's, and how tickets of it are asked for. */
export function drawTickets(world: World): TicketsAsked {
  const { random, options: { pipelineMax, names, blocks } } = world;
  const name = nameOf(names === 1 ? 0 : random(names));
  const isBlock = blocks > 0 && random(blocks) === 0;
  const isCapped = blocks > 0 && random(3) === 0;
  const count = 1 + random(pipelineMax);
  return { name, request: { count, isBlock, isCapped } };
}

/** The name of the `at`th sequence of a run. */
export function nameOf(at: number): string {
  return at === 0 ? "ticket" : `s${at}`;
}

export class TicketAsker implements TicketClient {
  /** Tickets that are not answered. */
  left: number;
  readonly #world: World;
  readonly #name: string;
  readonly #isBlock: boolean;
  readonly #line: Line;
  readonly #told: TicketsTold;
  /** The highest number that any client had received when this was asked: answers are larger. */
  readonly #floor: number;
  /** The least number that may come next, once the first has come. */
  #next: number | undefined;
  #isAbandoned = false;

  constructor(
    world: World,
    { name, request, line }: TicketsAsked & { readonly line: Line },
    told: TicketsTold,
  ) {
    this.#world = world;
    this.#name = name;
    this.#line = line;
    this.#told = told;
    this.#isBlock = request.isBlock;
    this.left = request.count;
    this.#floor = world.tickets.of(name).asks();
  }

  granted(lastGiven: bigint, count: number): void {
    if (this.#isAbandoned) return;
    const { tickets, counts } = this.#world;
    const last = Number(lastGiven);
    const first = last - count + 1;
    assert(count <= this.left, "an answer that nobody waits for");
    assert(!this.#isBlock || count === this.left, "a block in parts");
    assert(first >= (this.#next ?? first), "what is asked at once rises");
    this.#next = last + 1;
    const floor = this.#floor;
    tickets.of(this.#name).answers(this.#line, { first, last, floor });
    assert.equal(tickets.violation, undefined);
    if (this.#isBlock && count > 1) counts.blocks++;
    this.#answered(count);
  }

  refused(count: number, text: string): void {
    if (this.#isAbandoned) return;
    this.#told.refused(text, count);
    this.#answered(count);
  }

  /** Nobody reads what comes from now on. */
  abandoned(): void {
    this.#isAbandoned = true;
  }

  #answered(count: number): void {
    this.left -= count;
    assert(this.left >= 0, "more answers than requests");
    if (this.left === 0) this.#told.done();
  }
}
