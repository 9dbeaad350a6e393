// The fast lane beside the door of `messages.ts`: a take or a refill and its answer as numbers
// in shared memory. A message would be an object to build, to copy and to collect, twice a
// batch. An answer in several parts, or without numbers, is a message all the same.
//
// The box holds one request of an isolate, which sends the next when it has seen the answer.
// Meanwhile it offers what waits for the next take. The node may take that along when it
// answers, which spares both ends a wake; but only if all former answers have been seen: so
// at most two wait in here, and nothing is overwritten before it is read.
//
//   word  0 requests sent   1 answers so far   2 tickets that a take asks for
//         3 `aTake` or `aRefill`   4 tickets offered   5 answers seen   6-7 unused
//         8-11, 12-15 the even and the odd answer:
//             0-1 the last ticket   2 how many   3 `aTake` or `aRefill`
//
// Both ends wait for words 0 and 1 to change; what these announce is written before them.

import { assert } from "../../base/assert.ts";
import type { TakeAnswers, TakeOffers, TakeRequests } from "./messages.ts";

const requestsWord = 0;
const answersWord = 1;
const wantedWord = 2;
const kindWord = 3;
const offeredWord = 4;
const seenWord = 5;
const slotsWord = 8;
const slotWords = 4;
const boxBytes = 64;

const aTake = 1;
const aRefill = 2;

/**
 * Both counters begin here and pass the end of 31 bits within the first requests of every
 * run, so that a mistake at that border shows in every test and not after weeks.
 */
const begin = 2 ** 31 - 2;

/** One end of the box; the memory is shared with the other end. */
export class TakeBox implements TakeRequests, TakeOffers {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #longs: BigUint64Array<SharedArrayBuffer>;

  /** An empty box, or the other end of the one in `memory`. */
  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(boxBytes);
    this.#words = new Int32Array(this.memory);
    this.#longs = new BigUint64Array(this.memory);
    if (memory === undefined) {
      for (const word of [requestsWord, answersWord, seenWord]) {
        this.#words[word] = begin;
      }
    }
  }

  // The dispenser's end.

  /** Asks for `count` tickets. */
  take(count: number): void {
    this.#words[wantedWord] = count;
    this.#request(aTake);
  }

  /** Asks for numbers to be lent. */
  refill(): void {
    this.#request(aRefill);
  }

  offer(count: number): void {
    Atomics.add(this.#words, offeredWord, count);
  }

  withdraw(): number {
    return Atomics.exchange(this.#words, offeredWord, 0);
  }

  /**
   * Calls `answers` with each answer, in a turn of its own, or in the call of the function
   * that it returns. Call that one where a message means that there may be an answer.
   */
  onAnswer(answers: TakeAnswers): () => void {
    return this.#watch(answersWord, (answersBefore) => {
      const slot = slotOf(answersBefore);
      const last = this.#longs[slot / 2] ?? 0n;
      const count = this.#word(slot + 2);
      const kind = this.#word(slot + 3);
      Atomics.store(this.#words, seenWord, answersBefore + 1);
      if (kind === aTake) answers.taken(last, count);
      else answers.lent(last, count);
    });
  }

  // The node's end.

  /** Calls `requests` with each take and refill, in a turn of its own. */
  onRequest(requests: TakeRequests): void {
    this.#watch(requestsWord, () => {
      if (this.#kind === aTake) requests.take(this.wanted);
      else requests.refill();
    });
  }

  /** How many tickets the take under way asks for. */
  get wanted(): number {
    return this.#word(wantedWord);
  }

  /**
   * Gives the tickets of a `Range`, no fewer than the take asks for. Returns how many tickets
   * the next take asks for if this takes it along, or 0.
   */
  answerTake(last: bigint, count: number): number {
    assert(this.#kind === aTake, "a refill is answered as a take");
    assert(count >= this.wanted, "half an answer in the box");
    // Before the answer counts: the dispenser then withdraws what is left of its offer.
    const along = this.#takeAlong(count);
    if (along > 0) this.#words[wantedWord] = along;
    this.#answer(last, count);
    return along;
  }

  /**
   * Takes along what is offered, if that is as much as the answered take had: smaller batches
   * would cost more rounds of confirmations than the wakes that they spare.
   */
  #takeAlong(count: number): number {
    const isLoan = count > this.wanted; // which is dealt to all that wait first
    const isSeen = Atomics.load(this.#words, seenWord) ===
      Atomics.load(this.#words, answersWord);
    const offered = Atomics.load(this.#words, offeredWord);
    return isLoan || !isSeen || offered < count ? 0 : this.withdraw();
  }

  /** Lends the tickets of a `Range`. */
  answerRefill(last: bigint, count: number): void {
    assert(this.#kind === aRefill, "a take is answered as a refill");
    this.#answer(last, count);
  }

  get #kind(): number {
    return this.#word(kindWord);
  }

  #word(at: number): number {
    return this.#words[at] ?? 0; // every word there is lies in the box
  }

  #request(kind: number): void {
    this.#words[kindWord] = kind;
    this.#ring(requestsWord);
  }

  #answer(last: bigint, count: number): void {
    const slot = slotOf(this.#word(answersWord));
    this.#longs[slot / 2] = last;
    this.#words[slot + 2] = count;
    this.#words[slot + 3] = this.#kind;
    this.#ring(answersWord);
  }

  #ring(word: number): void {
    Atomics.add(this.#words, word, 1);
    Atomics.notify(this.#words, word);
  }

  /** Calls `changed` at each step of a counter, with its value before that. */
  #watch(word: number, changed: (before: number) => void): () => void {
    // Not what the word says now: a request may have come before anybody listened.
    let seen = begin;
    const look = () => {
      while (Atomics.load(this.#words, word) !== seen) {
        const before = seen;
        seen = (seen + 1) | 0; // as the word wraps around
        changed(before);
      }
    };
    const wait = () => {
      for (;;) {
        look();
        const { async, value } = Atomics.waitAsync(this.#words, word, seen);
        if (async) return void value.then(wait);
      }
    };
    wait();
    return look;
  }
}

/** The word at which the answer lies that raises the counter from `answersBefore`. */
function slotOf(answersBefore: number): number {
  return slotsWord + slotWords * (answersBefore & 1);
}
