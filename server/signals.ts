// What the system may tell the process: to stop, or something that means nothing here and
// must not end it. A signal that nobody listens to ends a process by default, which for a
// leader is as good as a power loss; so each of them that Deno lets one hear is heard.
//
// Not here: SIGPIPE, which Deno ignores, and with a listener would come again from the very
// line that told of it; SIGKILL, SIGSTOP and the real-time signals, which Deno lets nobody
// hear; SIGABRT, SIGSYS and their like, which tell of faults in the process itself.

import type { Logger } from "../base/logger.ts";

/** Two signals within this are one. */
const sameSignalMillis = 500;
/** How often is looked whether the parent process is still there. */
const parentMillis = 1000;

/** Those that stop the process, and their numbers. There is nothing that SIGHUP could reload. */
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
  // The write then fails, and with it the node, with the reason.
  "SIGXFSZ",
] as const;

export type SignalOptions = {
  readonly log: Logger;
  /** At the first signal that says so. */
  readonly stop: () => void;
};

/**
 * Calls `stop` at the first signal that asks for it; a second one ends the process at once,
 * unless it comes so soon that it is the same: Ctrl-C reaches a process under `deno task`
 * both from the terminal and from the task.
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
 * Calls `orphaned` when the parent process ends: a node of `deno task` is not to live on,
 * with its ports and without a terminal, when the task was killed.
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
    // Not every system has all of them.
    if (!(error instanceof TypeError)) throw error;
  }
}
