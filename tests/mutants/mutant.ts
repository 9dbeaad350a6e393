// A mutant: one known mistake, put back into the service by replacing one piece of text.
// If neither the simulator nor a test notices, the proof has a hole. The lists stand in
// `core.ts`, `node.ts`, `storage.ts`, `peers.ts` and `server.ts`; `main.ts` runs them.
//
// Choose mistakes whose harm reaches a user: a number given twice, a promise forgotten, a
// cluster that stands still, memory that grows without end.

export type Mutant = {
  readonly name: string;
  /** In plain words, as one would own up to it. */
  readonly mistake: string;
  /** What speaks against it: a number of PITFALLS, a section of paper or thesis. */
  readonly source: string;
  /** The file it is made in, from the root on. */
  readonly file: string;
  /** Occurs exactly once there. */
  readonly find: string;
  readonly replace: string;
  /** Under tests/: which files catch it if the simulator does not, likeliest first. */
  readonly tests: readonly string[];
};

/** `source` with the mistake in it; an Error says why it cannot be put there. */
export function mutated(source: string, mutant: Mutant): string {
  const { name, file, find, replace } = mutant;
  const parts = source.split(find);
  if (parts.length !== 2) {
    throw new Error(
      `${name}: its text stands ${
        parts.length - 1
      } times in ${file}, not once; ` +
        `mend the mutant`,
    );
  }
  if (find === replace) throw new Error(`${name} changes nothing`);
  return parts.join(replace);
}
