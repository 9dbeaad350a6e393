// Counts clients, the bytes of their buffers, their admin commands under way, and failures,
// for all isolates that serve clients together, in memory that they share. So the limits
// are those of the process, and no client id is given twice, whichever isolate a client
// came to. Does not know the clients.
//
// `clientsMax` clients have ordinary places. `placesKept` more are for connections from
// this host and from members (`clients/client_places.ts`), so that operators and joining nodes get
// in when all others are taken.

/** Ordinary places, without --max-clients. */
export const connectionsMaxDefault = 10_000;
/** Kept places, when file handles are plenty. */
export const placesKeptDefault = 32;
/** Bytes of all clients' buffers, without --client-memory. */
export const memoryMaxDefault = 256 * 1024 * 1024;
/** Admin commands under way. */
export const adminsMax = 16;
/** Those of them that change members: a few are left to questions. */
export const changesMax = 12;

/** The words of the shared memory. */
const clients = 0;
const lastId = 1;
const kept = 2;
const memoryBytes = 3;
const admins = 4;
const changes = 5;
const failures = 6;
const wordCount = 7;

/** The limits, the same in all isolates of a process; left out: the defaults. */
export type ClientCountOptions = {
  /** That of another isolate, to count in together. */
  readonly memory?: SharedArrayBuffer;
  readonly clientsMax?: number;
  readonly placesKept?: number;
  /** Bytes that all clients' buffers may take, as `--client-memory` says. */
  readonly memoryMax?: number | undefined;
};

/**
 * The counters of a process. Each isolate has an instance; all count in the `memory` of the
 * first.
 */
export class ClientCount {
  /** For another isolate to count in. */
  readonly memory: SharedArrayBuffer;
  readonly #words: BigInt64Array;
  readonly #clientsMax: bigint;
  readonly #placesKept: bigint;
  readonly #memoryMax: bigint;

  constructor({
    memory,
    clientsMax = connectionsMaxDefault,
    placesKept = placesKeptDefault,
    memoryMax = memoryMaxDefault,
  }: ClientCountOptions = {}) {
    this.memory = memory ??
      new SharedArrayBuffer(wordCount * BigInt64Array.BYTES_PER_ELEMENT);
    this.#words = new BigInt64Array(this.memory);
    this.#clientsMax = BigInt(clientsMax);
    this.#placesKept = BigInt(placesKept);
    this.#memoryMax = BigInt(memoryMax);
  }

  /** How many have a place, ordinary or kept. */
  get clients(): number {
    return this.#count(clients) + this.#count(kept);
  }

  /** Takes an ordinary place; false if there is none. Two isolates never get the same one. */
  enter(): boolean {
    return this.#add(clients, this.#clientsMax);
  }

  leave(): void {
    Atomics.sub(this.#words, clients, 1n);
  }

  /** Takes a kept place; false if there is none. */
  enterKept(): boolean {
    return this.#add(kept, this.#placesKept);
  }

  leaveKept(): void {
    Atomics.sub(this.#words, kept, 1n);
  }

  /** An id for a client: 1, 2, 3 … */
  nextId(): number {
    return Number(Atomics.add(this.#words, lastId, 1n)) + 1;
  }

  /** Clients' buffers have grown by `bytes`, or shrunk if it is negative. */
  holds(bytes: number): void {
    Atomics.add(this.#words, memoryBytes, BigInt(bytes));
  }

  /** Bytes that clients' buffers take. */
  get memoryBytes(): number {
    return this.#count(memoryBytes);
  }

  /** Whether clients' buffers take more than they may. */
  get isOverMemory(): boolean {
    return Atomics.load(this.#words, memoryBytes) > this.#memoryMax;
  }

  /** Bytes that must go before all is well again, with some to spare; 0 when all is well. */
  get excessBytes(): number {
    return this.isOverMemory
      ? this.memoryBytes - Number(this.#memoryMax - this.#spareBytes)
      : 0;
  }

  /**
   * Bytes that each client may hold whatever others do: as long as none holds more, all
   * together hold no more than they may. So one that holds less is never at fault.
   */
  get evenShareBytes(): number {
    const most = Number(this.#memoryMax - this.#spareBytes);
    return Math.floor(most / Math.max(1, this.clients));
  }

  /** Begins an admin command; false if too many are under way. */
  enterAdmin({ isChange }: { readonly isChange: boolean }): boolean {
    if (isChange && !this.#add(changes, BigInt(changesMax))) return false;
    if (this.#add(admins, BigInt(adminsMax))) return true;
    if (isChange) Atomics.sub(this.#words, changes, 1n);
    return false;
  }

  leaveAdmin({ isChange }: { readonly isChange: boolean }): void {
    Atomics.sub(this.#words, admins, 1n);
    if (isChange) Atomics.sub(this.#words, changes, 1n);
  }

  /** A command has failed by a fault of ours. */
  failed(): void {
    Atomics.add(this.#words, failures, 1n);
  }

  get failures(): number {
    return this.#count(failures);
  }

  get #spareBytes(): bigint {
    return this.#memoryMax / 16n;
  }

  #count(word: number): number {
    return Number(Atomics.load(this.#words, word));
  }

  #add(word: number, most: bigint): boolean {
    if (Atomics.add(this.#words, word, 1n) < most) return true;
    Atomics.sub(this.#words, word, 1n);
    return false;
  }
}
