// The report of a torture run: a line for each fault as it happens, and at the end a table, the
// tickets and the measurements. It also decides whether the run proved anything.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { type Fault, kinds } from "./fault.ts";
import { faults } from "./faults.ts";
import { Figures } from "./figures.ts";
import type { RangeChecker } from "./range_checker.ts";

type Row = { times: number; outage: number };

/** A run with fewer tickets for each of its faults had no load. */
const ticketsPerFaultMin = 500;

/** The report of one run, over all of its clusters. */
export class Report {
  readonly figures = new Figures();
  elections = 0;
  readonly #startMillis = performance.now();
  readonly #rows = new Map<Fault, Row>();
  #checked = 0;
  #repeated = 0;
  #lost = 0;
  #unknown = 0;
  #intervals = 0;

  /** The time since the beginning, for the beginning of a line. */
  get clock(): string {
    const seconds = (performance.now() - this.#startMillis) / 1000;
    return `${seconds.toFixed(1).padStart(7)} s`;
  }

  /** Prints and counts a fault: what `run` said, and the longest outage in milliseconds. */
  add(fault: Fault, { seen, outage }: { seen: string; outage: number }): void {
    const row = this.#rows.get(fault) ?? { times: 0, outage: 0 };
    row.times++;
    row.outage = Math.max(row.outage, outage);
    this.#rows.set(fault, row);
    const told = `${fault.name.padEnd(15)} ${seen}; ` +
      `longest outage ${outage.toFixed(0)} ms`;
    console.log(`${this.clock} ${told}`);
  }

  /** Adds the tickets of a cluster that has ended. */
  count(checker: RangeChecker): void {
    this.#checked += checker.answered;
    this.#repeated += checker.repeated;
    this.#lost += checker.lost;
    this.#unknown += checker.unknown;
    this.#intervals = Math.max(this.#intervals, checker.intervals);
  }

  /** The table and the counts. */
  get text(): string {
    const rows = faults.flatMap((fault) => {
      const row = this.#rows.get(fault);
      return row === undefined ? [] : [[
        fault.name,
        `${row.times}`,
        `${row.outage.toFixed(0)} ms`,
        fault.expected,
      ]];
    });
    const counts = kinds.map((kind) => `${kind} ${this.#times(kind)}`);
    const seconds = (performance.now() - this.#startMillis) / 1000;
    return [
      "",
      ...table([
        ["fault", "times", "longest outage", "expected, and seen"],
        ...rows,
      ]),
      "",
      `${counts.join(", ")}; elections ${this.elections}`,
      ...this.figures.lines,
      `tickets checked ${this.#checked} in ${seconds.toFixed(0)} s ` +
      `(${(this.#checked / seconds / 1e6).toFixed(2)} M/s, ` +
      `${this.#intervals} gaps); asked and perhaps burnt ${this.#unknown}`,
      `acknowledged and lost ${this.#lost}, repeated ${this.#repeated}`,
    ].join("\n");
  }

  /** Throws if too little happened to prove anything; a run that was cut short may be empty. */
  mustProve(isCutShort: boolean): void {
    const done = [...this.#rows].reduce((sum, [, { times }]) => sum + times, 0);
    if (done === 0 && !isCutShort) throw new Error("proves nothing: no fault");
    if (this.#checked < done * ticketsPerFaultMin) {
      throw new Error(`proves nothing: only ${this.#checked} tickets`);
    }
    const elected = [...this.#rows.keys()].some(({ elects }) => elects);
    if (elected && this.elections === 0) {
      throw new Error("proves nothing: no election");
    }
  }

  #times(kind: Fault["kind"]): number {
    return [...this.#rows].filter(([fault]) => fault.kind === kind)
      .reduce((sum, [, { times }]) => sum + times, 0);
  }
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => row[column]!.length))
  );
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()
  );
}
