// Durations as people read them in a log line: milliseconds as long as they matter, then larger
// units. Not here: durations as flags spell them (`server/flags.ts`), or as the original shows
// them in RAFT.STATS (`raft/stats/hashicorp_stats.ts`).

/**
 * `millis` milliseconds in words, rounded: a whole number of one unit.
 *
 * @example
 * ```ts
 * spanText(812.4); //     "812 ms"
 * spanText(65_000); //    "65 s"
 * spanText(7_500_000); // "125 min"
 * ```
 */
export function spanText(millis: number): string {
  if (millis < 10_000) return `${Math.round(millis)} ms`;
  if (millis < 10 * 60_000) return `${Math.round(millis / 1000)} s`;
  if (millis < 10 * 3_600_000) return `${Math.round(millis / 60_000)} min`;
  return `${Math.round(millis / 3_600_000)} h`;
}
