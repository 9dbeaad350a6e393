// Appends to a file, durably, in an isolate of its own, so that nobody waits for the disk
// but that isolate. This is the asking side: requests queue here, one is in the box
// (`syncer_box.ts`) at a time. What is done there: `aligned_file.ts`.

import {
  answeredWord,
  askedWord,
  dataBytesMax,
  type Fault,
  type Operation,
  operations,
  SyncerBox,
  textOf,
} from "./syncer_box.ts";

const workerUrl = new URL("./syncer_worker.ts", import.meta.url);

type Request = {
  readonly operation: Operation;
  readonly bytes: Uint8Array;
  readonly done: (fault: Fault | undefined) => void;
};

/**
 * Starts the isolate of a syncer, which serves the `Syncer` on `memory`. To be called in the
 * main isolate: a worker that starts a worker waits half a second for it (Deno 2.9.6).
 */
export function startSyncer(died: (reason: string) => void): {
  readonly worker: Worker;
  readonly memory: SharedArrayBuffer;
} {
  const { memory } = new SyncerBox();
  const worker = new Worker(workerUrl, { type: "module", name: "syncer" });
  worker.onerror = (event) => {
    event.preventDefault();
    died(event.message);
  };
  worker.postMessage(memory);
  return { worker, memory };
}

export class Syncer {
  readonly #box: SyncerBox;
  readonly #requests: Request[] = [];
  #asked = 0;
  #ended = false;

  constructor(memory: SharedArrayBuffer) {
    this.#box = new SyncerBox(memory);
  }

  /** What is appended from now on goes to the end of the file at `path`. */
  open(path: string, done: (fault: Fault | undefined) => void): void {
    const bytes = new TextEncoder().encode(path);
    this.#ask({ operation: operations.open, bytes, done });
  }

  /** `bytes` are not to change before `done` runs: then they are durable. */
  append(bytes: Uint8Array, done: (fault: Fault | undefined) => void): void {
    const rest = bytes.subarray(dataBytesMax);
    this.#ask({
      operation: operations.append,
      bytes: bytes.subarray(0, dataBytesMax),
      done: (fault) => {
        if (fault === undefined && rest.length > 0) this.append(rest, done);
        else done(fault);
      },
    });
  }

  close(): void {
    const bytes = new Uint8Array();
    this.#ask({ operation: operations.close, bytes, done: () => {} });
  }

  /** What waits is never answered. */
  end(): void {
    this.#ended = true;
  }

  #ask(request: Request): void {
    this.#requests.push(request);
    if (this.#requests.length === 1) this.#put(request);
  }

  #put({ operation, bytes }: Request): void {
    const { words } = this.#box;
    this.#box.handOver(askedWord, bytes, operation);
    const wait = Atomics.waitAsync(words, answeredWord, this.#asked++);
    const answered = () => {
      const text = textOf(this.#box.content);
      this.#answered(text === "" ? undefined : JSON.parse(text));
    };
    if (wait.async) wait.value.then(answered);
    else queueMicrotask(answered);
  }

  #answered(fault: Fault | undefined): void {
    if (this.#ended) return;
    const request = this.#requests.shift();
    const [next] = this.#requests;
    if (next !== undefined) this.#put(next);
    request?.done(fault);
  }
}
