// ticketd beside Redis under every workload: rates and their ratios, latencies, and what each
// process cost. Two sections of the report.

import { short } from "./figures.ts";
import {
  costCells,
  costHead,
  latencyOf,
  loadCells,
  loadHead,
  peakMegabytes,
  rates,
  ratios,
  row,
} from "./load_rows.ts";
import { table } from "./markdown.ts";
import { compare, type Effort, type Results } from "./measure.ts";
import {
  memoryTarget,
  ranged,
  type Ratio,
  ratioTarget,
  type Section,
  type Target,
} from "./section.ts";
import {
  bareEcho,
  comparisons,
  type Contender,
  oneNode,
  redisAlways,
  redisMemory,
  redisWait,
  tails,
  threeNodes,
  type Workload,
} from "./workloads.ts";

type Compared = {
  readonly workloads: readonly Workload[];
  readonly contenders: readonly Contender[];
  readonly effort: Effort;
};

export async function besideRedis(compared: Compared): Promise<Section[]> {
  const results = await compare(compared);
  return [rateSection(results, compared), costSection(results, compared)];
}

function ratioOf(
  results: Results,
  workload: Workload,
  { of, by }: typeof comparisons[number],
): Ratio {
  return {
    what: `${workload.name}: ${of.name} / ${by.name}`,
    rounds: ratios(results, {
      workload: workload.name,
      of: of.name,
      by: by.name,
    }),
  };
}

function rateSection(
  results: Results,
  { workloads }: Compared,
): Section {
  const rate = (workload: string, { name }: Contender) =>
    ranged(rates(results, workload, name), short);
  const rows = workloads.map((workload) => {
    const [one, three, wait] = comparisons.map((comparison) =>
      ranged(
        ratioOf(results, workload, comparison).rounds,
        (ratio) => ratio.toFixed(2),
      )
    );
    const { name } = workload;
    return [
      ...[name, rate(name, oneNode), one!, rate(name, threeNodes)],
      ...[three!, wait!],
      ...[redisAlways, redisWait, redisMemory, bareEcho].map((other) =>
        rate(name, other)
      ),
    ];
  });
  const all = workloads.flatMap((workload) =>
    comparisons.map((comparison, at) => ({
      ratio: ratioOf(results, workload, comparison),
      target: workload.targets?.[at],
    }))
  );
  return {
    title: "Numbers a second, beside Redis",
    lines: [
      "A ratio is to Redis in the same round: to one that syncs its log for every write (AOF always), or to one that",
      "also waits until one of two such replicas has the write (`INCR`, `WAIT 1 0`). Clients are at the leader, but in",
      "the last row: there 17, 17 and 16 of them at one node each, compared with 50 at Redis. The echo gives numbers",
      "from memory, without worker or disk: what Deno leaves room for.",
      "",
      ...table(
        [
          ...["workload", oneNode.name, "/ always", threeNodes.name],
          ...["/ always", "/ WAIT 1", redisAlways.name, redisWait.name],
          ...[redisMemory.name, bareEcho.name],
        ],
        rows,
      ),
    ],
    targets: all.flatMap(({ ratio, target }) =>
      target === undefined ? [] : ratioTarget(ratio, target)
    ),
    ratios: all.map(({ ratio }) => ratio),
  };
}

function costSection(
  results: Results,
  { workloads, contenders }: Compared,
): Section {
  const found = workloads.flatMap(({ name }) =>
    contenders.map((contender) => ({
      workload: name,
      contender,
      measured: results.of(name, contender.name),
    }))
  ).filter(({ measured }) => measured.length > 0);
  const title = "Latency and cost";
  const peaks = found.filter(({ contender }) =>
    contender === oneNode || contender === threeNodes
  ).flatMap(({ measured }) => peakMegabytes(measured));
  return {
    title,
    lines: [
      "Numbers a second; p50, p99, p99.9 and the longest in ms, from the sending of a pipeline to each of its replies,",
      "of all rounds together; CPU in seconds a million numbers, peak memory in MB, both of each process, the leader or",
      "master first. Rates and CPU are medians of the rounds, memory is the worst.",
      "",
      ...table(
        ["workload", "server", ...loadHead, ...costHead],
        found.map(({ workload, contender, measured }) => [
          ...[workload, contender.name],
          ...loadCells(measured),
          ...costCells(measured),
        ]),
      ),
    ],
    targets: [
      ...tailTargets(results),
      memoryTarget("under these workloads", Math.max(...peaks)),
    ],
    rows: found.map(({ workload, contender, measured }) =>
      row({ section: title, workload, server: contender.name }, measured)
    ),
  };
}

function tailTargets(results: Results): Target[] {
  return tails.flatMap(({ workload, share, mediansMax }) =>
    [oneNode, threeNodes].flatMap(({ name }) => {
      const measured = results.of(workload, name);
      if (measured.length === 0) return [];
      const latency = latencyOf(measured);
      const medians = latency.quantile(share) / latency.quantile(0.5);
      return [{
        what: `${workload}: p${share * 100} / p50, ${name}`,
        found: medians.toFixed(1),
        target: `<= ${mediansMax}`,
        isMet: Number(medians.toFixed(1)) <= mediansMax,
      }];
    })
  );
}
