// The exit codes of a ticketd process: a supervisor reads them to decide whether another
// start can help. A second signal that cuts a stop short ends with 128 + its number, which
// `server/signals.ts` computes. Not here: how a process ends (`server/process_end.ts`).

/** The codes by what they mean. After the last two, another start would end the same way. */
export const exitCodes = {
  /** It did what it was asked to do, or it was asked to stop. */
  done: 0,
  /** A fault; the last line of the log, or of standard error, says which. */
  fault: 1,
  /** The command line, a variable or a file of settings is wrong; nothing was begun. */
  usage: 2,
  /** The cluster removed this node. */
  removed: 3,
} as const;
