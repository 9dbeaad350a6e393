// Many lanes against a model of the node: per sequence, first come, first served; blocks are
// contiguous; each request is answered exactly once; no number is given twice, or behind one
// that was known before it was asked for. Turns end, answers come, loans go and come back, in an
// order that a seed draws.

import assert from "node:assert/strict";
import { int64Max } from "../../../../base/range.ts";
import { Fifo } from "../../../../base/fifo.ts";
import type {
  Refusal,
  TakeRequest,
} from "../../../../raft/channel/messages.ts";
import { Dispenser } from "../../../../server/tickets/dispenser.ts";
import { overflowText } from "../../../../server/tickets/refusals.ts";
import { randomOf } from "../../../lib/random.ts";

const ticketMax = 2n ** 64n - 1n;

type Random = ReturnType<typeof randomOf>;

/** What the node knows of one sequence. */
class Sequence {
  readonly name: string;
  /** The last number given or lent. */
  last: bigint;
  /** Numbers lent to the isolate, as far as the node knows: they end with `last`. */
  lent = 0;
  asked: TakeRequest | "refill" | undefined;
  /** What the isolate offers for the next take. */
  offered = 0;
  isOfferCapped = false;
  /** The highest number that any client was told. */
  highest: bigint;
  /** Requests that are not answered, the oldest first. */
  readonly open = new Fifo<Request>();

  constructor(name: string, last: bigint) {
    this.name = name;
    this.last = this.highest = last;
  }
}

/** A request of a client. */
type Request = {
  readonly isBlock: boolean;
  readonly isCapped: boolean;
  readonly count: number;
  readonly floor: bigint;
  left: number;
};

class Scene {
  readonly dispenser: Dispenser;
  readonly sequences: readonly Sequence[];
  refusals = 0;
  blocks = 0;
  rests = 0;
  along = 0;
  #tasks: (() => void)[] = [];
  readonly #random: Random;

  constructor(random: Random, lasts: readonly bigint[]) {
    this.#random = random;
    this.sequences = lasts.map((last, at) => new Sequence(`s${at}`, last));
    this.dispenser = new Dispenser({
      requests: {
        take: (request) => {
          const sequence = this.#find(request.name);
          assert.equal(sequence.asked, undefined, "one take is under way");
          assert(request.count > 0);
          assert(request.rest <= sequence.lent, "more than was lent");
          if (request.rest > 0) this.rests++;
          // The isolate asks when it has given what it was lent, but for the rest.
          sequence.last -= BigInt(request.rest);
          sequence.lent = 0;
          sequence.asked = request;
        },
        refill: (name) => {
          const sequence = this.#find(name);
          assert.equal(sequence.asked, undefined, "one refill is under way");
          sequence.asked = "refill";
        },
      },
      offers: {
        offer: ({ name, count, isCapped }) => {
          const sequence = this.#find(name);
          assert(sequence.asked !== "refill");
          sequence.offered += count;
          sequence.isOfferCapped ||= isCapped;
          return true;
        },
        withdraw: (name) => this.#takeOffer(this.#find(name)),
      },
      defer: (task) => this.#tasks.push(task),
      asksAgain: true,
      timeoutMillis: 10_000,
    });
  }

  #find(name: string): Sequence {
    return this.sequences.find((one) => one.name === name)!;
  }

  #takeOffer(sequence: Sequence): number {
    const { offered } = sequence;
    sequence.offered = 0;
    sequence.isOfferCapped = false;
    return offered;
  }

  pick(): Sequence {
    return this.sequences[this.#random(this.sequences.length)]!;
  }

  ask(sequence: Sequence): void {
    const random = this.#random;
    const isBlock = random(3) === 0;
    const isCapped = random(4) === 0;
    const count = 1 + random(isBlock ? 30 : 6);
    const floor = sequence.highest;
    const request = { isBlock, isCapped, count, floor, left: count };
    sequence.open.push(request);
    this.dispenser.take(sequence.name, {
      granted: (last, part) => this.#granted(sequence, request, last, part),
      refused: (part, text) => this.#refused(sequence, request, part, text),
    }, { count, isBlock, isCapped });
  }

  #granted(
    sequence: Sequence,
    request: Request,
    last: bigint,
    part: number,
  ): void {
    assert.equal(sequence.open.first, request, "first come, first served");
    const first = last - BigInt(part) + 1n;
    assert(first > request.floor, `${first} was passed by ${request.floor}`);
    assert(first > sequence.highest, `${first} after ${sequence.highest}`);
    assert(last <= sequence.last, `${last} was not taken`);
    if (request.isBlock) {
      assert.equal(part, request.count, "a whole block");
      this.blocks++;
    }
    if (request.isCapped) assert(last <= int64Max, `${last} is too high`);
    sequence.highest = last;
    this.#answered(sequence, request, part);
  }

  #refused(
    sequence: Sequence,
    request: Request,
    part: number,
    text: string,
  ): void {
    assert.equal(sequence.open.first, request, "first come, first told");
    this.refusals++;
    const isOver = request.isCapped && text === overflowText;
    const wanted = request.isBlock ? request.count : 1;
    const most = isOver ? int64Max : ticketMax;
    if (isOver || text.startsWith("ERR tickets are exhausted")) {
      // Exact: what it asked for is not to be had above all that was given.
      const free = most - sequence.highest;
      const own = BigInt(sequence.lent);
      assert(free - own < BigInt(wanted), `${free} are left: ${text}`);
    } else assert.match(text, /no sequence/);
    this.#answered(sequence, request, part);
  }

  #answered(sequence: Sequence, request: Request, part: number): void {
    request.left -= part;
    assert(request.left >= 0, "answered once");
    if (request.left === 0) sequence.open.shift();
  }

  endTurn(): void {
    for (const task of this.#tasks.splice(0)) task();
  }

  /** The node answers what is asked of a sequence. */
  answer(sequence: Sequence, { lends = false, loses = false } = {}): void {
    const { asked, name } = sequence;
    if (asked === undefined) return;
    if (asked === "refill") {
      sequence.asked = undefined;
      const spare = lends ? this.#spare(sequence) : 0;
      if (spare === 0) return this.dispenser.nothingLent(name);
      this.#lend(sequence, spare);
      return this.dispenser.lent(name, sequence.last, spare);
    }
    const count = BigInt(asked.count);
    const reason: Refusal | undefined = loses
      ? "leadership-lost"
      : sequence.last + count > ticketMax
      ? "exhausted"
      : asked.isCapped && sequence.last + count > int64Max
      ? "above-int64"
      : undefined;
    if (reason !== undefined) {
      if (loses) sequence.last += count; // it burns
      if (sequence.last > ticketMax) sequence.last = ticketMax;
      sequence.asked = undefined;
      return this.dispenser.refused(name, reason);
    }
    sequence.last += count;
    const spare = lends ? this.#spare(sequence) : 0;
    const isAlong = spare === 0 && sequence.offered >= asked.count;
    if (isAlong) {
      this.along++;
      const { isOfferCapped: isCapped } = sequence;
      const along = this.#takeOffer(sequence);
      sequence.asked = { name, count: along, isCapped, rest: 0 };
    } else sequence.asked = undefined;
    this.#lend(sequence, spare);
    this.dispenser.taken(name, sequence.last, asked.count + spare);
  }

  #spare(sequence: Sequence): number {
    const left = ticketMax - sequence.last;
    const spare = this.#random(20);
    return left < BigInt(spare) ? Number(left) : spare;
  }

  #lend(sequence: Sequence, count: number): void {
    sequence.last += BigInt(count);
    sequence.lent += count;
  }

  recall(sequence: Sequence): void {
    const { last, count } = this.dispenser.recall(sequence.name);
    assert(count <= sequence.lent, "more than was lent");
    if (count > 0) assert.equal(last, sequence.last, "the end of the loan");
    sequence.last -= BigInt(count);
    sequence.lent = 0;
    assert(sequence.last >= sequence.highest, "it was given to a client");
  }

  finish(): void {
    for (let round = 0; this.dispenser.waiting > 0; round++) {
      assert(round < 2000, "it never comes to rest");
      this.endTurn();
      for (const sequence of this.sequences) this.answer(sequence);
    }
    for (const { open } of this.sequences) assert.equal(open.size, 0);
  }
}

Deno.test("Lanes serve each sequence as if it were alone, whatever is lent, lost, refused and taken along", () => {
  const total = { refusals: 0, blocks: 0, rests: 0, along: 0 };
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomOf(seed);
    const lasts = [0n, int64Max - 40n, ticketMax - 40n, 0n];
    const scene = new Scene(random, lasts);
    const lends = seed % 2 === 0;
    for (let step = 0; step < 200; step++) {
      const kind = random(12);
      const sequence = scene.pick();
      if (kind < 5) scene.ask(sequence);
      else if (kind < 7) scene.endTurn();
      else if (kind < 10) scene.answer(sequence, { lends });
      else if (kind === 10) {
        const loses = sequence.last < 1000n && random(2) === 0;
        scene.answer(sequence, { lends, loses });
      } else if (lends) scene.recall(sequence);
    }
    scene.finish();
    const { refusals, blocks, rests, along } = scene;
    total.refusals += refusals;
    total.blocks += blocks;
    total.rests += rests;
    total.along += along;
  }
  for (const [what, count] of Object.entries(total)) {
    assert(count > 300, `${count} ${what}`);
  }
});
