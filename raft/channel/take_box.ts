// The fast lane through the door of `messages.ts`: one take and its answer as numbers in
// shared memory, for a message is an object to build, to copy and to collect, twice a
// batch. Only what is answered in full passes here; all else is a message.
//
// The box holds one take, because one is in flight at most: whoever asks again has seen
// the last answer, so nothing in here is overwritten before it was read.
//
//   word  0 asked  takes, counted    1 answered  answers, counted
//         2 tickets asked for        3 tickets given       4-5 the last of them

import { assert } from "../../base/assert.ts";

const askedWord = 0;
const answeredWord = 1;
const wantedWord = 2;
const givenWord = 3;
const lastLong = 2;
const boxBytes = 24;
/**
 * Both counters begin here, and pass the end of 32 bits within the first takes of every
 * run: what would go wrong there after weeks goes wrong in every test.
 */
const begin = 2 ** 31 - 2;

export class TakeBox {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #longs: BigUint64Array<SharedArrayBuffer>;

  /** An empty box, or the other end of the one in `memory`. */
  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(boxBytes);
    this.#words = new Int32Array(this.memory);
    this.#longs = new BigUint64Array(this.memory);
    if (memory === undefined) {
      this.#words[askedWord] = this.#words[answeredWord] = begin;
    }
  }

  // The dispenser's end.

  ask(count: number): void {
    this.#words[wantedWord] = count;
    this.#ring(askedWord);
  }

  /**
   * Calls `taken` with each answer, in a turn of its own, or in the call of what it returns,
   * which is to be called where a message means that there may be one.
   */
  onAnswer(taken: (last: bigint, count: number) => void): () => void {
    return this.#watch(
      answeredWord,
      () => taken(this.#longs[lastLong]!, this.#words[givenWord]!),
    );
  }

  // The node's end.

  /** Calls `asked` with each take, in a turn of its own. */
  onTake(asked: (count: number) => void): void {
    this.#watch(askedWord, () => asked(this.wanted));
  }

  /** How many tickets the take in flight asks for. */
  get wanted(): number {
    return this.#words[wantedWord]!;
  }

  /** Gives the tickets of a `Range`, no fewer than were asked for. */
  answer(last: bigint, count: number): void {
    assert(count >= this.wanted, "half an answer in the box");
    this.#longs[lastLong] = last;
    this.#words[givenWord] = count;
    this.#ring(answeredWord);
  }

  #ring(word: number): void {
    Atomics.add(this.#words, word, 1);
    Atomics.notify(this.#words, word);
  }

  #watch(word: number, changed: () => void): () => void {
    // Not what stands there now: a take may have come before anybody listened.
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
