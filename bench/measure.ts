// One measurement, and many of them in turn: a fresh server, one workload, what it did and
// what it cost. Rounds are interleaved, so that a disk or neighbour that changes its mind
// meets everybody.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { memory, millis, short, sum } from "./figures.ts";
import { type Figures, load } from "./load.ts";
import { type Contender, takesPart, type Workload } from "./workloads.ts";

export type Measured = Pick<Figures, "perSecond" | "latency"> & {
  /** Seconds of each process, that of the leader first, for a million numbers. */
  readonly cpuPerMillion: readonly number[];
  /** Of each process, since it started. */
  readonly peakMegabytes: readonly number[];
};

/** What was measured, of each contender under each workload, in each round. */
export class Results {
  readonly #found = new Map<string, Measured[]>();

  add(workload: string, contender: string, measured: Measured): void {
    const key = `${workload}/${contender}`;
    this.#found.set(key, [...this.#found.get(key) ?? [], measured]);
  }

  /** Empty where there was nothing to measure. */
  of(workload: string, contender: string): readonly Measured[] {
    return this.#found.get(`${workload}/${contender}`) ?? [];
  }
}

/** How much is done for one figure. */
export type Effort = {
  readonly rounds: number;
  /**
   * A server that has just started compiles what it runs, and a leader does not know yet how
   * much will be asked of it; that is not what is compared.
   */
  readonly warmUpSeconds: number;
  readonly seconds: number;
};

export async function compare(
  { workloads, contenders, effort }: {
    readonly workloads: readonly Workload[];
    readonly contenders: readonly Contender[];
    readonly effort: Effort;
  },
): Promise<Results> {
  const results = new Results();
  for (let round = 1; round <= effort.rounds; round++) {
    for (const workload of workloads) {
      for (const contender of contenders) {
        if (!takesPart(contender, workload)) continue;
        const measured = await measure(contender, { workload, effort });
        results.add(workload.name, contender.name, measured);
        const { perSecond, latency, cpuPerMillion, peakMegabytes } = measured;
        console.error(
          `round ${round}  ${workload.name}  ${contender.name}  ` +
            `${short(perSecond)}/s  p50 ${millis(latency.quantile(0.5))} ` +
            `p99 ${millis(latency.quantile(0.99))} ` +
            `max ${millis(latency.maxMicros)} ms  ` +
            `CPU ${sum(cpuPerMillion).toFixed(1)} s/M  ` +
            `peak ${peakMegabytes.map(Math.round).join(" ")} MB`,
        );
      }
    }
  }
  return results;
}

async function measure(
  { start, commands, expected, names, numbers }: Contender,
  { workload, effort }: {
    readonly workload: Workload;
    readonly effort: Effort;
  },
): Promise<Measured> {
  const server = await start();
  try {
    const { clients, pipeline, isSpread } = workload;
    const { warmUpSeconds, seconds } = effort;
    const { tickets, perSecond, latency, cpuSeconds } = await load({
      ...{ clients, pipeline, commands, expected, names, numbers },
      warmUpSeconds,
      ports: isSpread ? server.ports : server.ports.slice(0, 1),
      until: { seconds },
      pids: server.pids,
    });
    return {
      perSecond,
      latency,
      cpuPerMillion: cpuSeconds.map((each) =>
        each / (tickets * (numbers ?? 1) / 1e6)
      ),
      peakMegabytes: server.pids.map((pid) => memory(pid, "VmHWM")),
    };
  } finally {
    await server.stop();
  }
}
