// One measurement, and many of them in turn: a fresh server, one workload, what it did and
// what it cost. Rounds are interleaved, so that a disk or neighbour that changes its mind
// meets everybody.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { ask, type Server } from "./contenders.ts";
import { cpuSeconds, memory, short, sum } from "./figures.ts";
import { type Figures, load } from "./redis_benchmark.ts";
import { type Contender, oneNode, type Workload } from "./workloads.ts";

export type Measured = Figures & {
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

/** The part of its requests that a workload begins with, unmeasured. */
const warmUpPart = 3;

export async function compare(
  { workloads, contenders, rounds }: {
    readonly workloads: readonly Workload[];
    readonly contenders: readonly Contender[];
    readonly rounds: number;
  },
): Promise<Results> {
  const results = new Results();
  for (let round = 1; round <= rounds; round++) {
    for (const workload of workloads) {
      for (const contender of contenders) {
        // Redis has one process in any case, and is compared with as it is.
        if (workload.isSpread && contender === oneNode) continue;
        const measured = await measure(contender, workload);
        results.add(workload.name, contender.name, measured);
        const { perSecond, p50, p99, cpuPerMillion, peakMegabytes } = measured;
        console.error(
          `round ${round}  ${workload.name}  ${contender.name}  ` +
            `${short(perSecond)}/s  p50 ${p50} p99 ${p99} ms  ` +
            `CPU ${sum(cpuPerMillion).toFixed(1)} s/M  ` +
            `peak ${peakMegabytes.map(Math.round).join(" ")} MB`,
        );
      }
    }
  }
  return results;
}

async function measure(
  contender: Contender,
  workload: Workload,
): Promise<Measured> {
  const server = await contender.start();
  try {
    const { command } = contender;
    // A server that has just started compiles what it runs, and a leader does not know yet
    // how much will be asked of it; that is not what is compared.
    const requests = Math.ceil(workload.requests / warmUpPart);
    await counted(server, command, { ...workload, requests });
    const before = server.pids.map(cpuSeconds);
    const { figures, given } = await counted(server, command, workload);
    const cpuPerMillion = server.pids.map((pid, at) =>
      (cpuSeconds(pid) - before[at]!) / (given / 1e6)
    );
    const peakMegabytes = server.pids.map((pid) => memory(pid, "VmHWM"));
    return { ...figures, cpuPerMillion, peakMegabytes };
  } finally {
    await server.stop();
  }
}

/**
 * A load, and how many numbers it was given: redis-benchmark counts an error as a reply like
 * any other, and a server that refuses is fast.
 */
export async function counted(
  server: Server,
  command: string,
  { clients, pipeline, requests, isSpread }: Workload,
): Promise<{ readonly figures: Figures; readonly given: number }> {
  const port = server.ports[0]!;
  const first = await next(port, command);
  const ports = isSpread ? server.ports : [port];
  const figures = await load({ ports, clients, pipeline, requests, command });
  const given = await next(port, command) - first - 1;
  if (!(given >= requests)) {
    throw new Error(`of ${requests} × ${command}, ${given} gave a number`);
  }
  return { figures, given };
}

/** The number in `+7` or `:7`. */
async function next(port: number, command: string): Promise<number> {
  return Number((await ask(port, command)).slice(1));
}
