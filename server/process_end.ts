// How the process ends: a stop, which it was asked for and which takes its time, or a fault,
// which ends it at once. Says why in the log, hangs up on the clients, exits with the code
// (`base/exit_codes.ts`). Not here: the steps of a stop (`main.ts`), and the signals that
// ask for one (`signals.ts`).

import { exitCodes } from "../base/exit_codes.ts";
import { type Fields, lastWords, type Logger } from "../base/logger.ts";
import type { UsageError } from "../base/usage_error.ts";

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
  #isRemoved = false;

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

  /**
   * Begins a stop. Its exit code tells a supervisor whether the node was removed: then another
   * start would not bring it back. A stop that takes too long is a fault.
   */
  stop({ removed = false } = {}): void {
    if (this.signal.aborted) return;
    this.#isRemoved = removed;
    this.#asked.resolve();
    this.#stopping.abort();
    this.#log("info", "stopping");
    setTimeout(() => this.fail("could not stop in time"), stopMillis);
  }

  /** Exits at the end of a stop. */
  exitStopped(): Promise<never> {
    return this.#isRemoved
      ? this.#exit(exitCodes.removed, "stopped, for this node was removed")
      : this.#exit(exitCodes.done, "stopped");
  }

  /** Exits before anything has begun, for a fault in what the user wrote. */
  refuse({ message }: UsageError): Promise<never> {
    return this.#exit(exitCodes.usage, message);
  }

  /** Exits with the code of a fault; logs `reason`. */
  fail(reason: string, fields?: Fields): Promise<never> {
    return this.#exit(exitCodes.fault, reason, fields);
  }

  /** Exits with `code`; logs `text`, as an error unless it is the end of a stop. */
  async #exit(code: number, text: string, fields?: Fields): Promise<never> {
    // The first end counts: another that comes meanwhile may be its consequence.
    if (this.#isOver) return await new Promise<never>(() => {});
    this.#isOver = true;
    this.clients?.abandon();
    const isStop = code === exitCodes.done || code === exitCodes.removed;
    this.#log(isStop ? "info" : "error", text, fields);
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
