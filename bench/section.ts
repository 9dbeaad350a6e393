// What each part of the benchmark hands to the report, and what these parts write in the same
// way: a figure over the rounds, the name of a node, a target.

import { range, short } from "./figures.ts";
import { peakMegabytesMax } from "./workloads.ts";

/** A figure that is to stay within something. */
export type Target = {
  readonly what: string;
  readonly found: string;
  readonly target: string;
  readonly isMet: boolean;
};

/** One rate by another of the same run: what can be compared with other runs and machines. */
export type Ratio = {
  readonly what: string;
  /** One of each round. */
  readonly rounds: readonly number[];
};

/** The figures of one server under one workload, for programs. */
export type Row = {
  readonly section: string;
  readonly workload: string;
  readonly server: string;
  /** One of each round. */
  readonly perSecond: readonly number[];
  /** Of all rounds together. */
  readonly latencyMicros: Readonly<Record<string, number>>;
  /** Of each process the median of the rounds, for a million numbers. */
  readonly cpuSeconds: readonly number[];
  /** Of each process in any round. */
  readonly peakMegabytes: readonly number[];
};

export type Section = {
  readonly title: string;
  readonly lines: readonly string[];
  readonly targets?: readonly Target[];
  readonly ratios?: readonly Ratio[];
  readonly rows?: readonly Row[];
};

/** Where there is nothing to say. */
export const nothing = "-";

/** Median, and least to most where there are several. */
export function ranged(
  values: readonly number[],
  text: (value: number) => string,
): string {
  if (values.length === 0) return nothing;
  const { median, least, most } = range(values);
  if (values.length === 1) return text(median);
  return `${text(median)} (${text(least)}-${text(most)})`;
}

/** `1 node`, or `1 of 3, leads`. */
export function nodeName(size: number, at: number): string {
  if (size === 1) return "1 node";
  return `${at + 1} of ${size}${at === 0 ? ", leads" : ""}`;
}

export function memoryTarget(what: string, megabytes: number): Target {
  return {
    what: `peak memory of a node ${what}`,
    found: `${Math.round(megabytes)} MB`,
    target: `<= ${peakMegabytesMax} MB`,
    isMet: megabytes <= peakMegabytesMax,
  };
}

/** As it is printed: 0.896 is 0.90. */
export function asPrinted(ratio: number): number {
  return Number(ratio.toFixed(2));
}

export function ratioTarget(
  { what, rounds }: Ratio,
  least: number,
): Target[] {
  if (rounds.length === 0) return [];
  const { median } = range(rounds);
  return [{
    what,
    found: ranged(rounds, (ratio) => ratio.toFixed(2)),
    target: `>= ${asPrinted(least)}`,
    isMet: asPrinted(median) >= asPrinted(least),
  }];
}

/** Numbers a second, at least; none where nothing was measured. */
export function rateTarget(
  what: string,
  { rates, least }: {
    /** One of each round. */
    readonly rates: readonly number[];
    readonly least: number;
  },
): Target[] {
  if (rates.length === 0) return [];
  return [{
    what: `${what}, numbers a second`,
    found: ranged(rates, short),
    target: `>= ${short(least)}`,
    isMet: range(rates).median >= least,
  }];
}
