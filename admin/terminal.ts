// The terminal of a tool that an operator runs beside the service, as far as a tool needs it:
// lines out, and one question. Tests play it; `main.ts` hands in the process's own. Nothing of
// a node's is here.

/** Where a tool speaks, and asks. */
export type Terminal = {
  /** A line to standard output. */
  out(line: string): void;
  /** A line to standard error. */
  error(line: string): void;
  /** Whether somebody sits there to read and to answer. */
  readonly isTerminal: boolean;
  /** The answer to `question`; `undefined` if nobody answers. */
  ask(question: string): Promise<string | undefined>;
};
