// The memory that a syncer (`syncer.ts`) and its isolate (`syncer_worker.ts`) share: one
// request at a time, and its answer. Whoever has the turn owns the box; Atomics hand it
// over, which costs a tenth of a message with an object in it.
//
//   word  0 asked     requests so far      1 answered  answers so far
//         2 operation                      3 length    of `data` that is in use
//   data  open: the path · append: bytes · answer: nothing, or a fault as JSON

export const askedWord = 0;
export const answeredWord = 1;
const operationWord = 2;
const lengthWord = 3;
const headerBytes = 64;
/** Of one request; longer appends take several. */
export const dataBytesMax = 256 * 1024;

export const operations = { open: 1, append: 2, close: 3 } as const;
export type Operation = typeof operations[keyof typeof operations];

/** What went wrong, in which act; `code` as in `ENOSPC`. */
export type Fault = {
  readonly action: "open" | "write" | "sync";
  readonly code: string;
  readonly text: string;
};

export class SyncerBox {
  readonly memory: SharedArrayBuffer;
  /** For Atomics. */
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly #data: Uint8Array<SharedArrayBuffer>;

  constructor(memory = new SharedArrayBuffer(headerBytes + dataBytesMax)) {
    this.memory = memory;
    this.words = new Int32Array(memory, 0, headerBytes / 4);
    this.#data = new Uint8Array(memory, headerBytes);
  }

  get operation(): number {
    return this.words[operationWord]!;
  }

  /** What the other side put in: a view, until the turn is given back. */
  get content(): Uint8Array<SharedArrayBuffer> {
    return this.#data.subarray(0, this.words[lengthWord]);
  }

  /** Puts `bytes` in, and hands the box over to whoever waits on `word`. */
  handOver(
    word: typeof askedWord | typeof answeredWord,
    bytes: Uint8Array,
    operation?: Operation,
  ): void {
    if (operation !== undefined) this.words[operationWord] = operation;
    this.#data.set(bytes);
    this.words[lengthWord] = bytes.length;
    Atomics.add(this.words, word, 1);
    Atomics.notify(this.words, word);
  }
}

/** A copy: text decoders refuse shared memory. */
export function textOf(bytes: Uint8Array<SharedArrayBuffer>): string {
  return new TextDecoder().decode(new Uint8Array(bytes));
}
