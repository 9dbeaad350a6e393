// Signals: those that stop the process, and those that mean nothing here and must not end it.
// A signal without a listener ends a process by default, which for a leader is as bad as a
// power loss. So every signal that Deno can listen to has a listener.
//
// Except: SIGPIPE, which Deno ignores, and which with a listener would be sent again by the
// very log line that reports it; SIGKILL, SIGSTOP and the real-time signals, which Deno
// cannot listen to; SIGABRT, SIGSYS and their like, which report faults in the process itself.

import type { Logger } from "../base/logger.ts";

/** Milliseconds within which two signals are one. */
const sameSignalMillis = 500;
/** Milliseconds between two looks whether the parent process is still there. */
const parentMillis = 1000;

/** Signals that stop the process, and their numbers. SIGHUP has nothing to reload. */
const stopSignals = [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGQUIT", 3],
  ["SIGTERM", 15],
] as const;

const ignoredSignals = [
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGVTALRM",
  "SIGPROF",
  "SIGIO",
  "SIGPWR",
  "SIGSTKFLT",
  "SIGXCPU",
  // The write fails then, and ends the node with its reason.
  "SIGXFSZ",
] as const;

/** The effects of signals. */
export type SignalOptions = {
  readonly log: Logger;
  /** Called at the first signal that stops the process. */
  readonly stop: () => void;
};

/**
 * Calls `stop` at the first signal that stops the process. A second one ends it at once with
 * code 128 + n, unless it comes so soon that it is the same one: Ctrl-C reaches a process
 * under `deno task` from the terminal and from the task.
 */
export function onSignals({ log, stop }: SignalOptions): void {
  let firstMillis: number | undefined;
  for (const [name, number] of stopSignals) {
    listen(name, () => {
      const now = performance.now();
      firstMillis ??= now;
      if (now - firstMillis > sameSignalMillis) Deno.exit(128 + number);
      stop();
    });
  }
  for (const name of ignoredSignals) {
    let told = false;
    listen(name, () => {
      // A CPU limit comes every second, an interval timer as often as it likes.
      log(told ? "debug" : "info", `ignores ${name}`);
      told = true;
    });
  }
}

/**
 * Calls `orphaned` when the parent process ends: a node of a `deno task` that was killed
 * must not run on without a terminal and keep its ports.
 */
export function onParentsEnd(orphaned: () => void): void {
  const parent = Deno.ppid;
  const timer = setInterval(() => {
    if (Deno.ppid === parent) return;
    clearInterval(timer);
    orphaned();
  }, parentMillis);
}

function listen(name: Deno.Signal, heard: () => void): void {
  try {
    Deno.addSignalListener(name, heard);
  } catch (error) {
    // Some systems lack some signals.
    if (!(error instanceof TypeError)) throw error;
  }
}
