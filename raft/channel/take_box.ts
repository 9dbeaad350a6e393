// The fast lane beside the door of `messages.ts`: a take or a refill and its answer as numbers
// in shared memory. A message would be an object to build, to copy and to collect, twice a
// batch. An answer in several parts, or without numbers, is a message all the same.
//
// The box holds one request: an isolate sends the next when it has seen the last answer, so
// nothing in here is overwritten before it is read.
//
//   word  0 requests so far        1 answers so far       2 tickets that a take asks for
//         3 tickets given or lent  4-5 the last of them   6 `aTake` or `aRefill`   7 unused
//
// Both ends wait for words 0 and 1 to change; each writes all other words before it counts.

import { assert } from "../../base/assert.ts";
import type { TakeAnswers, TakeRequests } from "./messages.ts";

const requestsWord = 0;
const answersWord = 1;
const wantedWord = 2;
const givenWord = 3;
const lastLong = 2;
const kindWord = 6;
const boxBytes = 32;

const aTake = 1;
const aRefill = 2;

/**
 * Both counters begin here and pass the end of 31 bits within the first requests of every
 * run, so that a mistake at that border shows in every test and not after weeks.
 */
const begin = 2 ** 31 - 2;

/** One end of the box; the memory is shared with the other end. */
export class TakeBox implements TakeRequests {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #longs: BigUint64Array<SharedArrayBuffer>;

  /** An empty box, or the other end of the one in `memory`. */
  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(boxBytes);
    this.#words = new Int32Array(this.memory);
    this.#longs = new BigUint64Array(this.memory);
    if (memory === undefined) {
      this.#words[requestsWord] = this.#words[answersWord] = begin;
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

  /**
   * Calls `answers` with each answer, in a turn of its own, or in the call of the function
   * that it returns. Call that one where a message means that there may be an answer.
   */
  onAnswer(answers: TakeAnswers): () => void {
    return this.#watch(answersWord, () => {
      const last = this.#longs[lastLong] ?? 0n;
      const count = this.#word(givenWord);
      if (this.#kind === aTake) answers.taken(last, count);
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

  /** Gives the tickets of a `Range`, no fewer than the take asks for. */
  answerTake(last: bigint, count: number): void {
    assert(this.#kind === aTake, "a refill is answered as a take");
    assert(count >= this.wanted, "half an answer in the box");
    this.#answer(last, count);
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
    this.#longs[lastLong] = last;
    this.#words[givenWord] = count;
    this.#ring(answersWord);
  }

  #ring(word: number): void {
    Atomics.add(this.#words, word, 1);
    Atomics.notify(this.#words, word);
  }

  #watch(word: number, changed: () => void): () => void {
    // Not what the word says now: a request may have come before anybody listened.
    let seen = begin;
    const look = () => {
      while (Atomics.load(this.#words, word) !== seen) {
        seen = (seen + 1) | 0; // as the word wraps around
        changed();
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
