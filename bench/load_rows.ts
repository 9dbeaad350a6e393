// The rows of what was measured under a load: rates and their ratios, latencies of all rounds
// together, what each process cost; as cells of a table, and for programs.

import { digits, median, millis, short, sum } from "./figures.ts";
import { type Histogram, merged } from "./histogram.ts";
import type { Measured, Results } from "./measure.ts";
import { ranged, type Row } from "./section.ts";

/** One of each round. */
export function rates(
  results: Results,
  workload: string,
  contender: string,
): number[] {
  return results.of(workload, contender).map(({ perSecond }) => perSecond);
}

/** Of the same round's, because a disk is not the same in the next. Empty without the other. */
export function ratios(
  results: Results,
  { workload, of, by }: {
    readonly workload: string;
    readonly of: string;
    readonly by: string;
  },
): number[] {
  const others = rates(results, workload, by);
  return rates(results, workload, of).flatMap((rate, round) => {
    const other = others[round];
    return other === undefined ? [] : [rate / other];
  });
}

export function latencyOf(measured: readonly Measured[]): Histogram {
  return merged(measured.map(({ latency }) => latency));
}

const shares = [["p50", 0.5], ["p99", 0.99], ["p99.9", 0.999]] as const;

/** Of `loadCells`. */
export const loadHead = [
  "a second",
  ...shares.map(([name]) => name),
  "max",
];

/** The rate, and latencies in milliseconds. */
export function loadCells(measured: readonly Measured[]): string[] {
  const latency = latencyOf(measured);
  return [
    ranged(measured.map(({ perSecond }) => perSecond), short),
    ...shares.map(([, share]) => millis(latency.quantile(share))),
    millis(latency.maxMicros),
  ];
}

/** Of `costCells`. */
export const costHead = ["CPU", "peak memory"];

/** Seconds for a million numbers, and megabytes, of each process. */
export function costCells(measured: readonly Measured[]): string[] {
  const cpu = cpuPerMillion(measured);
  const each = cpu.map(digits).join(" + ");
  return [
    cpu.length === 1 ? each : `${digits(sum(cpu))} = ${each}`,
    peakMegabytes(measured).map(Math.round).join(", "),
  ];
}

/** Of each process the median of the rounds. */
function cpuPerMillion(measured: readonly Measured[]): number[] {
  return measured[0]!.cpuPerMillion.map((_, at) =>
    median(measured.map((one) => one.cpuPerMillion[at]!))
  );
}

/** Of each process the most of any round. */
export function peakMegabytes(measured: readonly Measured[]): number[] {
  return measured[0]!.peakMegabytes.map((_, at) =>
    Math.max(...measured.map((one) => one.peakMegabytes[at]!))
  );
}

export function row(
  { section, workload, server }: Pick<Row, "section" | "workload" | "server">,
  measured: readonly Measured[],
): Row {
  const latency = latencyOf(measured);
  const latencyMicros = Object.fromEntries([
    ...shares.map(([name, share]) => [name, latency.quantile(share)]),
    ["max", latency.maxMicros],
  ]);
  return {
    ...{ section, workload, server },
    perSecond: measured.map(({ perSecond }) => Math.round(perSecond)),
    latencyMicros,
    cpuSeconds: cpuPerMillion(measured).map((each) => Number(digits(each))),
    peakMegabytes: peakMegabytes(measured).map(Math.round),
  };
}
