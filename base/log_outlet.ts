// Where the log lines of an isolate leave it: a bounded queue before standard error, which
// may be a pipe that nobody reads. A write that waits there holds a thread of Deno's pool
// and nothing else: the isolate goes on, lines gather up to a limit, further ones are
// dropped and counted, and the count is written where they would have stood.
//
// - One write at a time, so lines keep their order. Several lines share a write, up to
//   what a pipe takes whole: those of two isolates never mix, unless a line is longer.
// - A write that fails (a full disk, a reader that is gone) is tried again a little later
//   from the byte at which it ended: no line is torn, and none is written twice.
// - What has not left when the process exits is lost; `drained` waits for it.

/** Some thousand lines; a process has as many such queues as isolates. */
export const waitingBytesMax = 256 * 1024;
/** For lines that tell why the process ends, when the queue is full. */
export const urgentBytesMax = waitingBytesMax + 16 * 1024;
/** PIPE_BUF: as much is written to a pipe whole or not at all. */
const writeBytesMax = 4096;
/** Before another try after a failed write. */
const retryMillis = 250;

export type OutletOptions = {
  /** May take less than it is given, and as long as it likes. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** The line, with its end, that stands for so many dropped ones. */
  readonly gap: (dropped: number) => string;
  /** Runs a task some time later, unless the process has ended before. */
  readonly later?: (task: () => void) => void;
};

const utf8 = new TextEncoder();

export class Outlet {
  readonly #options: OutletOptions;
  /** Oldest first: lines, and how many were dropped between two of them. */
  readonly #waiting: (Uint8Array | number)[] = [];
  #waitingBytes = 0;
  /** What is left of the write under way, or of the one that failed. */
  #rest = new Uint8Array();
  #state: "idle" | "writing" | "failed" = "idle";
  #onceDrained: (() => void)[] = [];

  constructor(options: OutletOptions) {
    this.#options = options;
  }

  /** Takes a whole line, or counts it as dropped; never waits. */
  push(line: string, { urgent = false } = {}): void {
    const bytes = utf8.encode(line);
    const max = urgent ? urgentBytesMax : waitingBytesMax;
    if (this.#waitingBytes + bytes.length > max) this.#drop();
    else {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
    }
    if (this.#state === "idle") this.#writeAll();
  }

  /** Waits until all has left, at most for so long. */
  async drained(millis: number): Promise<void> {
    if (this.#state === "idle") return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, millis);
    this.#onceDrained.push(resolve);
    await promise;
    clearTimeout(timer);
  }

  #drop(): void {
    const last = this.#waiting.at(-1);
    if (typeof last === "number") this.#waiting.pop();
    this.#waiting.push(typeof last === "number" ? last + 1 : 1);
  }

  async #writeAll(): Promise<void> {
    this.#state = "writing";
    try {
      while (this.#rest.length > 0 || this.#waiting.length > 0) {
        if (this.#rest.length === 0) this.#rest = this.#nextBatch();
        const count = await this.#options.write(this.#rest);
        this.#rest = this.#rest.subarray(count);
      }
    } catch {
      // Whoever could be told reads the log.
      this.#state = "failed";
      const { later = laterUnlessOver } = this.#options;
      return later(() => this.#writeAll());
    }
    this.#state = "idle";
    const drained = this.#onceDrained;
    this.#onceDrained = [];
    for (const resolve of drained) resolve();
  }

  /** The oldest lines, as many as fit into a write; one at least. */
  #nextBatch(): Uint8Array<ArrayBuffer> {
    const batch = new Uint8Array(
      Math.max(writeBytesMax, this.#oldest().length),
    );
    let length = 0;
    while (this.#waiting.length > 0) {
      const line = this.#oldest();
      if (length + line.length > batch.length) break;
      batch.set(line, length);
      length += line.length;
      if (typeof this.#waiting.shift() === "object") {
        this.#waitingBytes -= line.length;
      }
    }
    return batch.subarray(0, length);
  }

  #oldest(): Uint8Array {
    const [oldest = 0] = this.#waiting;
    return typeof oldest === "number"
      ? utf8.encode(this.#options.gap(oldest))
      : oldest;
  }
}

/** Nothing is to stay alive for the sake of its log. */
function laterUnlessOver(task: () => void): void {
  Deno.unrefTimer(setTimeout(task, retryMillis));
}
