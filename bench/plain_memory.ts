// The memory of nodes that an operator starts without the flag of V8 that `deno task start`
// gives them, under the workloads that take most. One section of the report.

import { v8Flag } from "./contenders.ts";
import {
  costCells,
  costHead,
  loadCells,
  loadHead,
  peakMegabytes,
  row,
} from "./load_rows.ts";
import { table } from "./markdown.ts";
import { compare, type Effort } from "./measure.ts";
import { memoryTarget, type Section } from "./section.ts";
import { plainContenders, plainWorkloads } from "./workloads.ts";

/** One round says it: a peak is no rate, which a neighbour could halve. */
export async function plainMemory(effort: Effort): Promise<Section> {
  const results = await compare({
    workloads: plainWorkloads,
    contenders: plainContenders,
    effort: { ...effort, rounds: 1 },
  });
  const title = "Without V8's flag";
  const found = plainWorkloads.flatMap(({ name: workload }) =>
    plainContenders.map(({ name: server }) => ({
      workload,
      server,
      measured: results.of(workload, server),
    }))
  );
  const peaks = found.flatMap(({ measured }) => peakMegabytes(measured));
  return {
    title,
    lines: [
      `Nodes without \`${v8Flag}\`, which \`deno task start\` and the executable have; columns as above, one round.`,
      "",
      ...table(
        ["workload", "server", ...loadHead, ...costHead],
        found.map(({ workload, server, measured }) => [
          ...[workload, server],
          ...loadCells(measured),
          ...costCells(measured),
        ]),
      ),
    ],
    targets: [memoryTarget("without V8's flag", Math.max(...peaks))],
    rows: found.map(({ workload, server, measured }) =>
      row({ section: title, workload, server }, measured)
    ),
  };
}
