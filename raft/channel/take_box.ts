// The fast lane beside the door of `messages.ts`: takes and refills and their answers as numbers
// in shared memory (`box_memory.ts`). A message would be an object to build, to copy and to
// collect, twice a batch. A refusal is a message all the same. Here stands the end of the
// isolate that serves clients; `take_door.ts` is the node's.
//
// A slot holds one request of a sequence; the isolate sends the next when it has seen the
// answer. Meanwhile it offers what waits for the next take. The node may take that along when it
// answers, which spares both ends a wake; but only if all former answers have been seen: so
// at most two wait in a slot, and nothing is overwritten before it is read.
//
// A sequence is given a slot when it asks, and keeps it until another one needs it and nothing
// of its own is under way. If no slot is found, the request is a message.

import { aRefill, aTake, BoxMemory, boxSlots, word } from "./box_memory.ts";
import type {
  TakeAnswers,
  TakeOffers,
  TakeRequest,
  TakeRequests,
} from "./messages.ts";

/** Slots that are looked at before a request goes as a message. */
const triesMax = 8;

/** How requests pass when the box has no room for them, and which slots may be given away. */
export type TakeBoxOptions = {
  readonly messages: TakeRequests;
  /** Whether a request of the sequence `name` is under way. */
  readonly isAsking: (name: string) => boolean;
};

/** The isolate's end of the box. */
export class TakeBox implements TakeRequests, TakeOffers {
  readonly #box: BoxMemory;
  #options: TakeBoxOptions | undefined;
  readonly #slots = new Map<string, number>();
  readonly #names: (string | undefined)[] = [];
  /** The slot to look at first when one is needed. */
  #nextSlot = 0;
  /** The bell rings for all requests of a task, at its end. */
  #isGathering = false;

  /** An empty box, or the one in `memory`, which no other isolate that asks may have. */
  constructor(memory?: SharedArrayBuffer) {
    this.#box = new BoxMemory(memory);
  }

  get memory(): SharedArrayBuffer {
    return this.#box.memory;
  }

  /** To be called before the first request. */
  begin(options: TakeBoxOptions): void {
    this.#options = options;
  }

  /** Asks for tickets. */
  take(request: TakeRequest): void {
    const slot = this.#slotFor(request.name);
    if (slot === undefined) return this.#options?.messages.take(request);
    this.#box.set(slot, word.wanted, request.count);
    this.#box.set(slot, word.isCapped, request.isCapped ? 1 : 0);
    this.#box.set(slot, word.rest, request.rest);
    this.#request(slot, aTake);
  }

  /** Asks for numbers to be lent. */
  refill(name: string): void {
    const slot = this.#slotFor(name);
    if (slot === undefined) return this.#options?.messages.refill(name);
    this.#request(slot, aRefill);
  }

  /** The requests that `task` makes wake the node once. */
  together(task: () => void): void {
    this.#isGathering = true;
    try {
      task();
    } finally {
      this.#isGathering = false;
      this.#box.ringBell("requests");
    }
  }

  offer(
    { name, count, isCapped }: Pick<TakeRequest, "name" | "count" | "isCapped">,
  ): boolean {
    const slot = this.#slots.get(name);
    if (slot === undefined) return false;
    this.#box.offer(slot, count, isCapped);
    return true;
  }

  /** A message follows: it must overtake no request. */
  flush(): void {
    this.#box.flush("requests");
  }

  withdraw(name: string): number {
    const slot = this.#slots.get(name);
    return slot === undefined ? 0 : this.#box.takeOffer(slot) >> 1;
  }

  /**
   * Calls `answers` with each answer, in a turn of its own, or in the call of the function
   * that it returns. Call that one where a message means that there may be an answer.
   */
  onAnswer(answers: TakeAnswers): () => void {
    return this.#box.listen("answers", (slot) => {
      const before = this.#box.get(slot, word.seen);
      const last = this.#box.lastOf(slot, before);
      const count = this.#box.countOf(slot, before);
      const kind = this.#box.kindOf(slot, before);
      const name = this.#names[slot] ?? "";
      this.#box.store(slot, word.seen, (before + 1) | 0);
      if (kind === aTake) answers.taken(name, last, count);
      else answers.lent(name, last, count);
    });
  }

  #request(slot: number, kind: number): void {
    this.#box.set(slot, word.kind, kind);
    this.#box.announce("requests", slot);
    if (!this.#isGathering) this.#box.ringBell("requests");
  }

  /** The slot of a sequence; a new one if it has none, and one is found. */
  #slotFor(name: string): number | undefined {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    for (let tries = 0; tries < triesMax; tries++) {
      const slot = this.#nextSlot++ & boxSlots - 1;
      const owner = this.#names[slot];
      if (owner !== undefined) {
        if (this.#options?.isAsking(owner) !== false) continue;
        this.#slots.delete(owner);
      }
      this.#names[slot] = name;
      this.#slots.set(name, slot);
      this.#box.setName(slot, name);
      return slot;
    }
    return undefined;
  }
}
