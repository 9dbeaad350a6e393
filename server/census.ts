// How many clients the process has, and what number the next one gets: counted in memory
// that all isolates share, so that the limit is that of the process and no number is given
// twice, whichever isolate a client came to. Does not know who they are.

export const connectionsMaxDefault = 10_000;

/** The words of the shared memory. */
const clients = 0;
const lastId = 1;

export class Census {
  /** For another isolate to count in. */
  readonly memory: SharedArrayBuffer;
  readonly #words: BigInt64Array;
  readonly #clientsMax: bigint;

  constructor({ memory, clientsMax = connectionsMaxDefault }: {
    readonly memory?: SharedArrayBuffer;
    readonly clientsMax?: number;
  } = {}) {
    this.memory = memory ??
      new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT);
    this.#words = new BigInt64Array(this.memory);
    this.#clientsMax = BigInt(clientsMax);
  }

  /** How many are in. */
  get clients(): number {
    return Number(Atomics.load(this.#words, clients));
  }

  /** Lets one more in, unless there are too many. Two at once cannot share one place. */
  enter(): boolean {
    if (Atomics.add(this.#words, clients, 1n) < this.#clientsMax) return true;
    this.leave();
    return false;
  }

  leave(): void {
    Atomics.sub(this.#words, clients, 1n);
  }

  /** 1, 2, 3 … */
  nextId(): number {
    return Number(Atomics.add(this.#words, lastId, 1n)) + 1;
  }
}
