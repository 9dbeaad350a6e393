// Variants of the same nodes side by side, such as levels of durability or disks of different
// speed, under the same workloads: each compared with the first of its group. One section of
// the report.

import { loadCells, loadHead, rates, ratios, row } from "./load_rows.ts";
import { table } from "./markdown.ts";
import { compare, type Effort } from "./measure.ts";
import {
  ranged,
  rateTarget,
  type Ratio,
  ratioTarget,
  type Section,
} from "./section.ts";
import type { Contender, Workload } from "./workloads.ts";

/** The least that a variant is to reach: of the first one's rate, or in numbers a second. */
export type VariantTarget = {
  readonly workload: string;
  readonly server: string;
  readonly least: number;
};

export async function sideBySide(
  { title, lines, workloads, groups, first, effort, ...wanted }: {
    readonly title: string;
    readonly lines: readonly string[];
    readonly workloads: readonly Workload[];
    readonly groups: readonly (readonly Contender[])[];
    /** What the first of each group is called beside the others. */
    readonly first: string;
    readonly targets?: readonly VariantTarget[];
    readonly rateTargets?: readonly VariantTarget[];
    readonly effort: Effort;
  },
): Promise<Section> {
  const { targets = [], rateTargets = [] } = wanted;
  const contenders = groups.flat();
  const results = await compare({ workloads, contenders, effort });
  const found = groups.flatMap((group) =>
    workloads.flatMap(({ name: workload }) =>
      group.map(({ name: server }, at) => ({
        workload,
        server,
        measured: results.of(workload, server),
        /** None of the first one to itself. */
        ratio: at === 0 ? undefined : {
          what: `${workload}: ${server} / ${first}`,
          rounds: ratios(results, { workload, of: server, by: group[0]!.name }),
        },
      }))
    )
  );
  const ratio = (workload: string, server: string): Ratio | undefined =>
    found.find((one) => one.workload === workload && one.server === server)
      ?.ratio;
  return {
    title,
    lines: [
      ...lines,
      "",
      ...table(
        ["workload", "server", `/ ${first}`, ...loadHead],
        found.map(({ workload, server, measured, ratio }) => [
          ...[workload, server],
          ratio === undefined
            ? "1"
            : ranged(ratio.rounds, (times) => times.toFixed(2)),
          ...loadCells(measured),
        ]),
      ),
    ],
    targets: [
      ...targets.flatMap(({ workload, server, least }) => {
        const reached = ratio(workload, server);
        return reached === undefined ? [] : ratioTarget(reached, least);
      }),
      ...rateTargets.flatMap(({ workload, server, least }) =>
        rateTarget(`${workload}: ${server}`, {
          rates: rates(results, workload, server),
          least,
        })
      ),
    ],
    ratios: found.flatMap(({ ratio }) => ratio ?? []),
    rows: found.map(({ workload, server, measured }) =>
      row({ section: title, workload, server }, measured)
    ),
  };
}
