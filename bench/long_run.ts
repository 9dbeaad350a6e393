// Whether memory and log stay bounded: one server of each size over 100 million tickets, and
// then over some millions more that are asked for one at a time. The log grows by takes, not
// by tickets: under a deep pipeline, 100 million are so few entries that it may never be
// compacted; the rest makes enough of them.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { ask, type Server, withTicketd } from "./contenders.ts";
import { diskUse, memory, short } from "./figures.ts";
import { load } from "./load.ts";
import { table } from "./markdown.ts";
import { memoryTarget, nodeName, type Section } from "./section.ts";
import { grownMegabytesMax, oneNode, sizes } from "./workloads.ts";

const phases = [
  { steps: 5, requests: 20_000_000, pipeline: 1000 },
  { steps: 4, requests: 1_000_000, pipeline: 1 },
] as const;

/** What the README promises of a node's data. */
const diskMegabytesMax = 64;
/** A log grows until it is compacted: it may be larger than at the end of any step. */
const lookMillis = 200;

/** Each list has one figure of each node. */
type Step = {
  readonly tickets: number;
  readonly resident: readonly number[];
  readonly onDisk: readonly number[];
  /** Of the leader's log: all that it ever had, and those that compaction took away. */
  readonly entries: number;
  readonly compacted: number;
};

/** `scale`: of the tickets that are asked for. */
export async function longRun(scale: number): Promise<Section> {
  const resident: string[][] = [];
  const onDisk: string[][] = [];
  const log: string[][] = [];
  let head: string[] = [];
  let [worstPeak, worstDisk, worstGrowth] = [0, 0, 0];
  for (const size of sizes) {
    await withTicketd(size, async (server) => {
      const { steps, most } = await follow(server, scale);
      head = steps.map(({ tickets }) => tickets === 0 ? "0" : short(tickets));
      const [first, last] = [steps[1]!, steps[phases[0].steps]!];
      for (const [at, pid] of server.pids.entries()) {
        const peak = memory(pid, "VmHWM");
        worstPeak = Math.max(worstPeak, peak);
        worstDisk = Math.max(worstDisk, most[at]!);
        const growth = Math.round(last.resident[at]! - first.resident[at]!);
        worstGrowth = Math.max(worstGrowth, growth);
        resident.push([
          nodeName(size, at),
          ...steps.map((step) => step.resident[at]!.toFixed(0)),
          growth > 0 ? `+${growth}` : `${growth}`,
          peak.toFixed(0),
        ]);
        onDisk.push([
          nodeName(size, at),
          ...[...steps.map((step) => step.onDisk[at]!), most[at]!].map((one) =>
            one.toFixed(2)
          ),
        ]);
      }
      const name = nodeName(size, 0);
      log.push(
        [`${name}: entries`, ...steps.map(({ entries }) => `${entries}`)],
        [`${name}: compacted`, ...steps.map(({ compacted }) => `${compacted}`)],
      );
    });
  }
  const first = short(phases[0].requests * scale);
  const total = short(phases[0].steps * phases[0].requests * scale);
  return {
    title: `Over ${total} tickets`,
    lines: [
      `50 clients at the leader, up to ${total} tickets with -P 1000, then without pipeline, because the log grows by`,
      "takes and not by tickets. Resident memory in MB after so many tickets, how much it grew from the first step to",
      `${total}, and its peak:`,
      "",
      ...table(["node", ...head, "grown by", "peak"], resident),
      "",
      "Entries in the log of the node that leads, in all, and how many of them compaction has taken away:",
      "",
      ...table(["", ...head], log),
      "",
      `Data of each node on disk, in MB, and the most at a look each ${
        lookMillis / 1000
      } s:`,
      "",
      ...table(["node", ...head, "most"], onDisk),
    ],
    targets: [
      memoryTarget(`over ${total} tickets`, worstPeak),
      {
        what: `growth of a node from ${first} to ${total} tickets`,
        found: `${worstGrowth} MB`,
        target: `<= ${grownMegabytesMax} MB`,
        isMet: worstGrowth <= grownMegabytesMax,
      },
      {
        what: `data on disk of a node, over ${total} tickets`,
        found: `${worstDisk.toFixed(2)} MB`,
        target: `< ${diskMegabytesMax} MB`,
        isMet: worstDisk < diskMegabytesMax,
      },
    ],
  };
}

/** All phases; the first step is the start. `most`: of each node's data on disk. */
async function follow(
  server: Server,
  scale: number,
): Promise<{ readonly steps: Step[]; readonly most: readonly number[] }> {
  const { directories, pids } = server;
  const most = directories.map(diskUse);
  const compareMost = () => {
    for (const [at, directory] of directories.entries()) {
      most[at] = Math.max(most[at]!, diskUse(directory));
    }
  };
  const timer = setInterval(compareMost, lookMillis);
  try {
    let tickets = 0;
    const steps = [await look(server, tickets)];
    for (const phase of phases) {
      const { commands, expected } = oneNode;
      for (let i = 0; i < phase.steps; i++) {
        const done = await load({
          ...{ commands, expected, pids: [], warmUpSeconds: 0 },
          ports: server.ports.slice(0, 1),
          clients: 50,
          pipeline: phase.pipeline,
          until: { tickets: Math.round(phase.requests * scale) },
        });
        tickets += done.tickets;
        const step = await look(server, tickets);
        steps.push(step);
        compareMost();
        const megabytes = (all: readonly number[]) =>
          all.map((one) => one.toFixed(1)).join(" ");
        console.error(
          `${short(tickets)} tickets  of ${pids.length}  ` +
            `${short(done.perSecond)}/s  ` +
            `resident ${megabytes(step.resident)} MB  ` +
            `disk ${megabytes(step.onDisk)} MB  ${step.entries} entries`,
        );
      }
    }
    return { steps, most };
  } finally {
    clearInterval(timer);
  }
}

async function look(
  { ports, pids, directories }: Server,
  tickets: number,
): Promise<Step> {
  const stats = await ask(ports[0]!, "RAFT.STATS");
  const figure = (key: string) =>
    Number(new RegExp(`\\b${key}\\r\\n\\$\\d+\\r\\n(\\d+)`).exec(stats)?.[1]);
  return {
    tickets,
    resident: pids.map((pid) => memory(pid, "VmRSS")),
    onDisk: directories.map(diskUse),
    entries: figure("last_log_index"),
    compacted: figure("last_snapshot_index"),
  };
}
