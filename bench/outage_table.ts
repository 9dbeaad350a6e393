// The outage benchmark's figures as a markdown table: one row for each kind of event, in
// milliseconds. With fewer than a hundred samples the 99th percentile is the worst one.

import type { Measured } from "./outage_events.ts";

const head = [
  "| event | n | outage: median | p99 | worst | longest wait: median | p99 | worst " +
  "| errors | broken | terms |",
  "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
];

export function table(measured: readonly Measured[]): string[] {
  const rows = Map.groupBy(measured, ({ name }) => name);
  return [
    ...head,
    ...[...rows].map(([name, all]) => {
      const sum = (key: "errors" | "broken" | "terms") =>
        all.reduce((total, one) => total + one[key], 0);
      const cells = [
        name,
        all.length,
        ...quantiles(all.map(({ outageMillis }) => outageMillis)),
        ...quantiles(all.map(({ waitMillis }) => waitMillis)),
        ...[sum("errors"), sum("broken"), sum("terms")],
      ];
      return `| ${cells.join(" | ")} |`;
    }),
  ];
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
