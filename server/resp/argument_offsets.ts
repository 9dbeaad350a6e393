// Where the arguments of one command lie: for each, where it begins and where it ends, in
// bytes from the first byte of the command, so that moving the command leaves them good.
// Does not know the bytes.

/** Bytes of memory that one argument takes. */
const argumentBytes = 16;
/** The memory for more arguments than this is given back after the command. */
const argumentsKept = 64;

/** The arguments of the current command of one parser. */
export class ArgumentOffsets {
  #from: number[] = [];
  #to: number[] = [];
  #count = 0;

  /** How many arguments there are. */
  get count(): number {
    return this.#count;
  }

  /** Bytes that it keeps in memory, whatever of them is in use. */
  get reservedBytes(): number {
    return this.#from.length * argumentBytes;
  }

  /** Where argument `index` begins; NaN when there is none. */
  from(index: number): number {
    return index < this.#count ? this.#from[index] ?? NaN : NaN;
  }

  /** Where argument `index` ends; NaN when there is none. */
  to(index: number): number {
    return index < this.#count ? this.#to[index] ?? NaN : NaN;
  }

  add(from: number, to: number): void {
    this.#from[this.#count] = from;
    this.#to[this.#count] = to;
    this.#count++;
  }

  /** Forgets all arguments. */
  clear(): void {
    this.#count = 0;
    // Or 10,000 clients that once sent a long command would keep 160 MB for ever.
    if (this.#from.length > argumentsKept) this.release();
  }

  /** Gives all memory back. */
  release(): void {
    this.#from = [];
    this.#to = [];
    this.#count = 0;
  }
}
