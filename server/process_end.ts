// How the process ends: a stop, which it was asked for and which takes its time, or a fault,
// which ends it at once. Says why in the log, hangs up on the clients, exits. Not here:
// the steps of a stop (`main.ts`), and the signals that ask for one (`signals.ts`).

import { type Fields, lastWords, type Logger } from "../base/logger.ts";

/** Milliseconds that a stop may take: from the first signal to the exit 5 s may pass. */
const stopMillis = 4500;

/** The one end of this process. */
export class ProcessEnd {
  /** Hung up on before the process exits. */
  clients: { abandon(): void } | undefined;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  readonly #asked = Promise.withResolvers<void>();
  #isOver = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Aborted when a stop begins. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Resolved when a stop begins. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  /** The process is about to exit. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Begins a stop. That it takes too long is a fault. */
  stop(): void {
    if (this.signal.aborted) return;
    this.#asked.resolve();
    this.#stopping.abort();
    this.#log("info", "stopping");
    setTimeout(() => this.fail("could not stop in time"), stopMillis);
  }

  /** Exits with code 1; logs `reason`. */
  fail(reason: string, fields?: Fields): Promise<never> {
    return this.exit(1, reason, fields);
  }

  /** Exits with `code`; logs `text`, as an error unless the code is 0. */
  async exit(code: number, text: string, fields?: Fields): Promise<never> {
    // The first end counts: another that comes meanwhile may be its consequence.
    if (this.#isOver) return await new Promise<never>(() => {});
    this.#isOver = true;
    this.clients?.abandon();
    this.#log(code === 0 ? "info" : "error", text, fields);
    await lastWords();
    Deno.exit(code);
  }
}

/**
 * Calls `fail` with each uncaught error of this isolate. Deno would write it to standard
 * error synchronously: where nobody reads that, the process would hang, with its node still
 * leading (PITFALLS 38).
 */
export function onUncaught(fail: (error: unknown) => void): void {
  addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error ?? event.message);
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
}
