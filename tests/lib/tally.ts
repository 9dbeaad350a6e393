// Counts from the output of `deno test`, line by line as it comes, how many tests passed and
// failed, and which were skipped for which reasons. It is strict: a run that does not say how it
// ended has failed, and so has a test that is ignored without a reason.

/** A test that was skipped. */
export type Skip = { readonly claim: string; readonly reason: string };

/** The counts of one run. */
export type Tally = {
  readonly passed: number;
  readonly failed: number;
  readonly skips: readonly Skip[];
  /** How many were ignored without a reason; they count in `failed`, too. */
  readonly unexplained: number;
};

const summary =
  /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored(?: \((\d+) steps?\))?)?/;
/** The name that `skippable()` gives it; in parallel runs the file stands in front. */
const skip = /^(?:\S+ => )?(.+) \(skipped: (.+)\) \.\.\. ignored \(/;
// deno-lint-ignore no-control-regex
const colours = /\x1b\[[0-9;]*m/g;

/** Reads the output of one process. */
export class TallyReader {
  readonly #skips: Skip[] = [];
  #summary: RegExpExecArray | undefined;
  #line = "";

  /** Takes the next piece of its standard output. */
  read(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop()!;
    for (const line of lines) this.#take(line.replace(colours, ""));
  }

  /** The counts, once it has ended; `success` is that of its exit code. */
  end(success: boolean): Tally {
    this.read("\n");
    const [, ok = 0, bad = 0, ignored = 0, steps = 0] = this.#summary ?? [];
    const skips = this.#skips;
    // A test that prints such a line itself would make more reasons than ignored tests.
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

/** The sum of several runs. If they counted nothing at all, that is a failure. */
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

/** The last line of `deno task test`, for machines: `N passed, N failed, N skipped`. */
export function closingLine({ passed, failed, skips }: Tally): string {
  const counts = `${passed} passed, ${failed} failed`;
  return skips.length === 0 ? counts : `${counts}, ${skips.length} skipped`;
}
