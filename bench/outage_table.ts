// The outage benchmark's figures as a markdown table: one row for each kind of event, in
// milliseconds. With fewer than a hundred samples the 99th percentile is the worst one.

import { sum } from "./figures.ts";
import { table } from "./markdown.ts";
import type { Measured } from "./outage_events.ts";

const head = [
  ...["event", "n", "outage: median", "p99", "worst"],
  ...["longest wait: median", "p99", "worst", "errors", "broken", "terms"],
];

export function outageTable(measured: readonly Measured[]): string[] {
  const events = Map.groupBy(measured, ({ name }) => name);
  const rows = [...events].map(([name, all]) => [
    ...[name, `${all.length}`],
    ...quantiles(all.map(({ outageMillis }) => outageMillis)),
    ...quantiles(all.map(({ waitMillis }) => waitMillis)),
    ...(["errors", "broken", "terms"] as const).map((key) =>
      `${sum(all.map((one) => one[key]))}`
    ),
  ]);
  return table(head, rows);
}

/** Median, 99th percentile (nearest rank) and the largest. */
function quantiles(millis: readonly number[]): string[] {
  const sorted = millis.toSorted((a, b) => a - b);
  return [0.5, 0.99, 1].map((share) => {
    const rank = Math.max(1, Math.ceil(share * sorted.length));
    const value = sorted[rank - 1]!;
    return value < 100 ? value.toFixed(1) : value.toFixed(0);
  });
}
