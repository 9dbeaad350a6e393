// The memory of a take box (`take_box.ts`), which its two ends share: slots, each for the
// requests of one sequence, and for each direction a ring of the slots that have something to
// say, with one bell, so that one wake serves all of them.
//
//   word  0 requests announced so far   1 answers announced so far   2-15 unused
//         then the ring of requests, the ring of answers, the slots, the names
//   slot: 0 tickets that a take asks for   1 `aTake` or `aRefill`   2 whether it is capped
//         3 numbers that come back with it   4 tickets offered × 2, + 1 if some are capped
//         5 answers so far   6 answers seen   7 the name's version × 256 + its length
//         8-11, 12-15 the even and the odd answer:
//             0-1 the last ticket   2 how many   3 `aTake` or `aRefill`
//
// Both ends wait for words 0 and 1 to change; what these announce is written before them. A
// slot is announced once for each request, and twice at most for answers that were not seen, so
// neither ring can run full.

/**
 * Sequences whose requests may be under way at one time; a power of two. As many as an isolate keeps
 * lanes of: a slot that changes hands costs more than a take. Memory that is not used is not there.
 */
export const boxSlots = 2 ** 14;

/** Places of words in a slot. */
export const word = {
  wanted: 0,
  kind: 1,
  isCapped: 2,
  rest: 3,
  offered: 4,
  answers: 5,
  seen: 6,
  name: 7,
  answer: 8,
} as const;

export const aTake = 1;
export const aRefill = 2;

const slotWords = 16;
const answerWords = 4;
const nameBytes = 128;
const headWords = 16;
const requestRing = headWords;
const answerRing = requestRing + boxSlots;
const slotsFrom = answerRing + 2 * boxSlots;
const namesFrom = 4 * (slotsFrom + boxSlots * slotWords);
const memoryBytes = namesFrom + boxSlots * nameBytes;

/** The two directions: their counters, their rings, and the mask of a place in the ring. */
const directions = {
  requests: { counter: 0, ring: requestRing, mask: boxSlots - 1 },
  answers: { counter: 1, ring: answerRing, mask: 2 * boxSlots - 1 },
} as const;

type Direction = keyof typeof directions;

/**
 * Both counters begin here and pass the end of 31 bits within the first requests of every
 * run, so that a mistake at that border shows in every test and not after weeks.
 */
const begin = 2 ** 31 - 2;

/** One end's view of the memory. */
export class BoxMemory {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #longs: BigUint64Array<SharedArrayBuffer>;
  readonly #names: Uint8Array<SharedArrayBuffer>;
  /** How many announcements this end has written; they count when the bell has rung. */
  readonly #written = { requests: begin, answers: begin };
  /** The bell has rung in this turn: it rings again at its end. */
  #hasRung = false;

  /** New memory, or the memory of another end. */
  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(memoryBytes);
    this.#words = new Int32Array(this.memory);
    this.#longs = new BigUint64Array(this.memory);
    this.#names = new Uint8Array(this.memory, namesFrom);
    if (memory !== undefined) return;
    this.#words[directions.requests.counter] = begin;
    this.#words[directions.answers.counter] = begin;
  }

  get(slot: number, at: number): number {
    return this.#words[slotsFrom + slot * slotWords + at] ?? 0; // all of them lie inside
  }

  set(slot: number, at: number, value: number): void {
    this.#words[slotsFrom + slot * slotWords + at] = value;
  }

  /** For a word that the other end may change, or must not see before what was set earlier. */
  load(slot: number, at: number): number {
    return Atomics.load(this.#words, slotsFrom + slot * slotWords + at);
  }

  store(slot: number, at: number, value: number): void {
    Atomics.store(this.#words, slotsFrom + slot * slotWords + at, value);
  }

  /** Adds to what a slot offers. */
  offer(slot: number, count: number, isCapped: boolean): void {
    const at = slotsFrom + slot * slotWords + word.offered;
    for (let before = Atomics.load(this.#words, at);;) {
      const after = (before + 2 * count) | (isCapped ? 1 : 0);
      const found = Atomics.compareExchange(this.#words, at, before, after);
      if (found === before) return;
      before = found;
    }
  }

  /** Takes away what a slot offers, and returns it: as the word says. */
  takeOffer(slot: number): number {
    const at = slotsFrom + slot * slotWords + word.offered;
    return Atomics.exchange(this.#words, at, 0);
  }

  /** Writes the answer that follows `before` others of a slot. */
  setAnswer(
    slot: number,
    before: number,
    answer: {
      readonly last: bigint;
      readonly count: number;
      readonly kind: number;
    },
  ): void {
    const at = answerAt(slot, before);
    this.#longs[at / 2] = answer.last;
    this.#words[at + 2] = answer.count;
    this.#words[at + 3] = answer.kind;
  }

  lastOf(slot: number, before: number): bigint {
    return this.#longs[answerAt(slot, before) / 2] ?? 0n;
  }

  countOf(slot: number, before: number): number {
    return this.#words[answerAt(slot, before) + 2] ?? 0;
  }

  kindOf(slot: number, before: number): number {
    return this.#words[answerAt(slot, before) + 3] ?? 0;
  }

  /** Gives a slot to the sequence `name`, which is ASCII. */
  setName(slot: number, name: string): void {
    const from = slot * nameBytes;
    for (let i = 0; i < name.length; i++) {
      this.#names[from + i] = name.charCodeAt(i);
    }
    const version = (this.get(slot, word.name) >> 8) + 1;
    this.set(slot, word.name, version << 8 | name.length);
  }

  /** The name of the sequence to which a slot belongs now. */
  nameOf(slot: number): string {
    const from = slot * nameBytes;
    const length = this.get(slot, word.name) & 0xff;
    let name = "";
    for (let i = from; i < from + length; i++) {
      name += String.fromCharCode(this.#names[i] ?? 0);
    }
    return name;
  }

  /** Writes that `slot` has something to say. The other end hears of it when the bell rings. */
  announce(direction: Direction, slot: number): void {
    const { ring, mask } = directions[direction];
    const written = this.#written[direction];
    this.#words[ring + (written & mask)] = slot;
    this.#written[direction] = (written + 1) | 0; // as the counter wraps around
  }

  /**
   * Wakes the other end, for all that was announced: at once for the first of a turn, and once
   * more at the end of the turn for all others. A wake for each would have the other end do its
   * work, and write to its sockets, in as many pieces.
   */
  ringBell(direction: Direction): void {
    if (this.#hasRung) return;
    this.#hasRung = true;
    this.flush(direction);
    queueMicrotask(() => {
      this.#hasRung = false;
      this.flush(direction);
    });
  }

  /** Wakes the other end now, if it has not heard all. */
  flush(direction: Direction): void {
    const { counter } = directions[direction];
    const written = this.#written[direction];
    if (this.#words[counter] === written) return; // which this end alone changes
    Atomics.store(this.#words, counter, written);
    Atomics.notify(this.#words, counter);
  }

  /**
   * Calls `heard` with each slot that is announced, in a turn of its own, or in the call of the
   * function that it returns. `around` is called with the task that does it for all of a turn.
   */
  listen(
    direction: Direction,
    heard: (slot: number) => void,
    around: (task: () => void) => void = runNow,
  ): () => void {
    const { counter, ring, mask } = directions[direction];
    // Not what the word says now: a request may have come before anybody listened.
    let seen = begin;
    const isNews = () => Atomics.load(this.#words, counter) !== seen;
    const hear = () => {
      while (isNews()) {
        const slot = this.#words[ring + (seen & mask)] ?? 0;
        seen = (seen + 1) | 0;
        heard(slot);
      }
    };
    const look = () => {
      if (isNews()) around(hear);
    };
    const wait = () => {
      for (;;) {
        look();
        hear(); // whatever `around` has not heard: nothing may be left
        const { async, value } = Atomics.waitAsync(this.#words, counter, seen);
        if (async) return void value.then(wait);
      }
    };
    wait();
    return look;
  }
}

function runNow(task: () => void): void {
  task();
}

/** The word at which the answer of a slot lies that follows `before` others. */
function answerAt(slot: number, before: number): number {
  return slotsFrom + slot * slotWords + word.answer +
    answerWords * (before & 1);
}
