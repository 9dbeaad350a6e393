// Sequences with names: what names, blocks and groups cost beside a TICKET without a name, and
// INCR beside Redis. Two sections of the report; what is compared stands in
// `sequence_workloads.ts`.

import type { Effort } from "./measure.ts";
import type { Section } from "./section.ts";
import {
  incrementGroup,
  incrementTargets,
  numberTargets,
  sequenceGroups,
  sequenceTargets,
} from "./sequence_workloads.ts";
import { sideBySide } from "./side_by_side.ts";
import type { Workload } from "./workloads.ts";

export async function sequences(
  { workloads, increments, effort }: {
    readonly workloads: readonly Workload[];
    /** Empty where Redis is missing. */
    readonly increments: readonly Workload[];
    readonly effort: Effort;
  },
): Promise<Section[]> {
  const sections = [
    await sideBySide({
      title: "Sequences, blocks and groups",
      lines: [
        "Numbers a second: a block of 100 counts as 100, an EXEC of five TICKETs as five. Names are drawn at random",
        "for each request. Columns as above; latencies are those of a whole request.",
      ],
      workloads,
      groups: sequenceGroups,
      first: "TICKET",
      targets: sequenceTargets,
      rateTargets: numberTargets,
      effort,
    }),
  ];
  if (increments.length === 0) return sections;
  return [
    ...sections,
    await sideBySide({
      title: "INCR beside Redis",
      lines: ["The same command, `INCR n`, at both. Columns as above."],
      workloads: increments,
      groups: [incrementGroup],
      first: "Redis AOF always",
      targets: incrementTargets,
      effort,
    }),
  ];
}
