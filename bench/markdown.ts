// A table in markdown, for all that benchmarks print.

/** The first column to the left, numbers to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  return [
    `| ${head.join(" | ")} |`,
    `|---|${"--:|".repeat(head.length - 1)}`,
    ...rows.map((cells) => `| ${cells.join(" | ")} |`),
  ];
}
