// The node's end of a take box (`take_box.ts`): hears requests, answers them, and takes along
// what is offered. A slot is known here by the name that was in it when its last request came.
// Not here: what does not fit into the box (`take_door.ts`).

import { assert } from "../../base/assert.ts";
import { aRefill, aTake, BoxMemory, word } from "./box_memory.ts";
import type { TakeRequest, TakeRequests } from "./messages.ts";

/** What a slot belongs to, and what is under way in it. */
type Place = {
  readonly slot: number;
  /** Of the name, as `box_memory.ts` writes it. */
  readonly version: number;
  readonly name: string;
  /** The request that is not answered: `aTake`, `aRefill`, or 0 for none. */
  kind: number;
};

/** The node's end of the box in another isolate's memory. */
export class NodeBox {
  readonly #box: BoxMemory;
  readonly #places: (Place | undefined)[] = [];
  readonly #byName = new Map<string, Place>();
  /** The one that was looked for last: it often is again. */
  #found: Place | undefined;

  constructor(memory: SharedArrayBuffer) {
    this.#box = new BoxMemory(memory);
  }

  /**
   * Calls `requests` with each take and refill, in a turn of its own, or in the call of the
   * function that it returns. Those of one wake are heard in one call of `together`.
   */
  onRequest(
    requests: TakeRequests,
    together?: (task: () => void) => void,
  ): () => void {
    return this.#box.listen("requests", (slot) => {
      const place = this.#placeOf(slot);
      assert(place.kind === 0, `a second request of ${place.name}`);
      place.kind = this.#box.get(slot, word.kind);
      if (place.kind === aRefill) return requests.refill(place.name);
      requests.take(this.#request(place, this.#box.get(slot, word.rest)));
    }, together);
  }

  /** Whether a request of `name` came through the box, and is not answered. */
  isAsked(name: string): boolean {
    const place = this.#find(name);
    return place !== undefined && place.kind !== 0;
  }

  /** A message follows: it must overtake no answer. */
  flush(): void {
    this.#box.flush("answers");
  }

  /** The request of `name` is answered by a message. */
  refuse(name: string): void {
    const place = this.#find(name);
    if (place !== undefined) place.kind = 0;
  }

  /**
   * Gives the tickets of a `Range`, no fewer than the take asks for. Returns the next take, if
   * this takes it along.
   */
  answerTake(
    name: string,
    last: bigint,
    count: number,
  ): TakeRequest | undefined {
    const place = this.#find(name);
    assert(place?.kind === aTake, "no take waits in the box for this answer");
    const { slot } = place;
    assert(count >= this.#box.get(slot, word.wanted), "half an answer");
    // Before the answer counts: the dispenser then withdraws what is left of its offer.
    const along = this.#takeAlong(slot, count);
    if (along > 0) {
      this.#box.set(slot, word.wanted, along >> 1);
      this.#box.set(slot, word.isCapped, along & 1);
    } else place.kind = 0;
    this.#answer(slot, { last, count, kind: aTake });
    return along > 0 ? this.#request(place, 0) : undefined;
  }

  /** Lends the tickets of a `Range`. */
  answerRefill(name: string, last: bigint, count: number): void {
    const place = this.#find(name);
    assert(place?.kind === aRefill, "no refill waits in the box");
    place.kind = 0;
    this.#answer(place.slot, { last, count, kind: aRefill });
  }

  /**
   * Takes along what is offered, if that is as much as the answered take had: smaller batches
   * would cost more rounds of confirmations than the wakes that they spare. Returns the word of
   * the offer, or 0.
   */
  #takeAlong(slot: number, count: number): number {
    const box = this.#box;
    const isLoan = count > box.get(slot, word.wanted); // which is dealt to all that wait first
    const isSeen = box.load(slot, word.seen) === box.get(slot, word.answers);
    const offered = box.load(slot, word.offered) >> 1;
    return isLoan || !isSeen || offered < count ? 0 : box.takeOffer(slot);
  }

  #answer(
    slot: number,
    answer: {
      readonly last: bigint;
      readonly count: number;
      readonly kind: number;
    },
  ): void {
    const before = this.#box.get(slot, word.answers);
    this.#box.setAnswer(slot, before, answer);
    this.#box.set(slot, word.answers, (before + 1) | 0);
    this.#box.announce("answers", slot);
    this.#box.ringBell("answers");
  }

  #find(name: string): Place | undefined {
    if (this.#found?.name === name) return this.#found;
    return this.#found = this.#byName.get(name);
  }

  #request({ slot, name }: Place, rest: number): TakeRequest {
    return {
      name,
      count: this.#box.get(slot, word.wanted),
      isCapped: this.#box.get(slot, word.isCapped) === 1,
      rest,
    };
  }

  #placeOf(slot: number): Place {
    const version = this.#box.get(slot, word.name);
    const known = this.#places[slot];
    if (known?.version === version) return known;
    // Its former owner may have another slot by now.
    if (known !== undefined && this.#byName.get(known.name) === known) {
      this.#byName.delete(known.name);
      this.#found = undefined;
    }
    const name = this.#box.nameOf(slot);
    const place = { slot, version, name, kind: 0 };
    this.#places[slot] = place;
    this.#byName.set(name, place);
    this.#found = place;
    return place;
  }
}
