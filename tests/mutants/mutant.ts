// A mutant: one known mistake, put back by replacing one piece of text. If neither the simulator
// nor a test notices, the proof has a hole. The lists stand beside this file, by layer; `all.ts`
// joins them, `main.ts` runs them.
//
// Choose mistakes whose harm reaches a user: a number given twice, a promise forgotten, a
// cluster that stands still, memory that grows without end.

export type Mutant = {
  readonly name: string;
  /** In plain words, as its author would admit it. */
  readonly mistake: string;
  /**
   * The rule that it breaks: a number of docs/PITFALLS.md, a section of the Raft paper or thesis,
   * a promise or section of README, ARCHITECTURE or CONTRIBUTING.
   */
  readonly source: string;
  /** The file in which it is made, from the root on. */
  readonly file: string;
  /** Occurs exactly once there. */
  readonly find: string;
  readonly replace: string;
  /** The files under tests/ that catch it if the simulator does not, likeliest first. */
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
