// A bounded queue of log lines in front of standard error, which may be a pipe that nobody
// reads (PITFALLS 38). A write that waits there holds a thread of Deno's pool and nothing
// else: the isolate goes on, and lines gather up to a limit. Further lines are dropped and
// counted, and the count is written where they would have stood.
//
// - One write at a time, so that lines keep their order. Several lines share a write, up to
//   what a pipe takes whole: lines of two isolates never mix, unless one is longer than that.
// - A failed write (a full disk, a reader that is gone) is repeated a little later from the
//   byte at which it ended: no line is torn, and none is written twice.
// - Lines that have not left when the process exits are lost; `drained` waits for them.

/** Bytes of waiting lines: some thousand lines. Each isolate has such a queue. */
export const waitingBytesMax = 256 * 1024;
/** The same limit for lines that say why the process ends. */
export const urgentBytesMax = waitingBytesMax + 16 * 1024;
/** PIPE_BUF of Linux: a pipe takes as much whole or not at all. */
const writeBytesMax = 4096;
/** From a failed write to the next try. */
const retryMillis = 250;

/** Where the lines go. A test brings its own. */
export type LogOutletOptions = {
  /** Writes some of `bytes` and returns how many; it may take any time. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** The line, with its end, that stands for `dropped` lines. */
  readonly gap: (dropped: number) => string;
  /** Runs a task some time later, without keeping the process alive for it. */
  readonly later?: (task: () => void) => void;
};

const utf8 = new TextEncoder();

/** The queue of one isolate's log lines. */
export class LogOutlet {
  readonly #options: LogOutletOptions;
  /** Oldest first: lines, and numbers of lines that were dropped between them. */
  readonly #waiting: (Uint8Array | number)[] = [];
  #waitingBytes = 0;
  /** The rest of the write under way, or of the one that failed. */
  #rest = new Uint8Array();
  #state: "idle" | "writing" | "failed" = "idle";
  #onceDrained: (() => void)[] = [];

  constructor(options: LogOutletOptions) {
    this.#options = options;
  }

  /** Takes a line with its end, or counts it as dropped. Never waits. */
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

  /** Waits until all lines have left, `millis` milliseconds at most. */
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
      // It cannot be reported: this is the log.
      this.#state = "failed";
      const { later = laterUnlessOver } = this.#options;
      return later(() => this.#writeAll());
    }
    this.#state = "idle";
    const drained = this.#onceDrained;
    this.#onceDrained = [];
    for (const resolve of drained) resolve();
  }

  /** The oldest lines, as many as fit into a write, and at least one. */
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

/** A process must not stay alive for the sake of its log. */
function laterUnlessOver(task: () => void): void {
  Deno.unrefTimer(setTimeout(task, retryMillis));
}
