// Counts what `deno test` said of its run, line by line as it comes: how many tests passed,
// failed and were skipped, and which were, with their reasons. Distrusts it: a run that does
// not say how it ended has failed, and so has a test that is ignored for no reason given.

export type Skip = { readonly claim: string; readonly reason: string };

export type Tally = {
  readonly passed: number;
  readonly failed: number;
  readonly skips: readonly Skip[];
  /** Ignored for no reason given; counted in `failed`. */
  readonly unexplained: number;
};

const summary =
  /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored(?: \((\d+) steps?\))?)?/;
/** As `skippable()` names it; run in parallel, its file stands before it. */
const skip = /^(?:\S+ => )?(.+) \(skipped: (.+)\) \.\.\. ignored \(/;
// deno-lint-ignore no-control-regex
const colours = /\x1b\[[0-9;]*m/g;

/** Reads one process's output: its texts as they come, then how it ended. */
export class TallyReader {
  readonly #skips: Skip[] = [];
  #summary: RegExpExecArray | undefined;
  #line = "";

  read(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop()!;
    for (const line of lines) this.#take(line.replace(colours, ""));
  }

  end(success: boolean): Tally {
    this.read("\n");
    const [, ok = 0, bad = 0, ignored = 0, steps = 0] = this.#summary ?? [];
    const skips = this.#skips;
    // More reasons than ignored tests would be a test that prints such a line.
    const unexplained = Math.abs(
      Number(ignored) + Number(steps) - skips.length,
    );
    let failed = Number(bad) + unexplained;
    if (!success || this.#summary === undefined) failed = Math.max(1, failed);
    return { passed: Number(ok), failed, skips, unexplained };
  }

  #take(line: string): void {
    this.#summary = summary.exec(line) ?? this.#summary;
    const [, claim, reason] = skip.exec(line) ?? [];
    if (claim !== undefined && reason !== undefined) {
      this.#skips.push({ claim, reason });
    }
  }
}

/** Of several runs; together they must have counted something. */
export function total(tallies: readonly Tally[]): Tally {
  const sum = (of: (tally: Tally) => number) =>
    tallies.reduce((sum, tally) => sum + of(tally), 0);
  const passed = sum(({ passed }) => passed);
  const failed = sum(({ failed }) => failed);
  const skips = tallies.flatMap(({ skips }) => skips);
  const nothing = passed + failed + skips.length === 0;
  return {
    passed,
    failed: nothing ? 1 : failed,
    skips,
    unexplained: sum(({ unexplained }) => unexplained),
  };
}

/** The last line of `deno task test`, which machines read. */
export function closingLine({ passed, failed, skips }: Tally): string {
  const counts = `${passed} passed, ${failed} failed`;
  return skips.length === 0 ? counts : `${counts}, ${skips.length} skipped`;
}
