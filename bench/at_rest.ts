// What a node costs without load: from its start to the first ticket, and idle, in processor
// time and memory. Each makes its own section of the report.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { withTicketd } from "./contenders.ts";
import { cpuSeconds, memory, range } from "./figures.ts";
import { table } from "./markdown.ts";
import { nodeName, type Section } from "./report.ts";

const starts = 10;
const startMillisMax = 400;

/** After a start the engine still collects and compiles. */
const settleMillis = 3_000;
const idleMillis = 10_000;
const idlePercentMax = 1;

const sizes = [1, 3] as const;

function pass(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

export async function start(): Promise<Section> {
  const millis: number[] = [];
  for (let i = 0; i < starts; i++) {
    millis.push(await withTicketd(1, ({ startMillis }) => startMillis));
    console.error(`start ${i + 1}  ${Math.round(millis.at(-1)!)} ms`);
  }
  const { median, least, most } = range(millis);
  const found = `${Math.round(median)} ms (${Math.round(least)}-${
    Math.round(most)
  })`;
  return {
    title: "Start to first TICKET",
    lines: [
      `${found}, median and range of ${starts} starts of one node on an empty directory, from the start of the`,
      "process to the reply.",
    ],
    targets: [{
      what: "start to first TICKET, median",
      found,
      target: `<= ${startMillisMax} ms`,
      isMet: median <= startMillisMax,
    }],
  };
}

export async function idle(): Promise<Section> {
  const rows: string[][] = [];
  let worst = 0;
  for (const size of sizes) {
    await withTicketd(size, async ({ pids }) => {
      await pass(settleMillis);
      const before = pids.map(cpuSeconds);
      const since = performance.now();
      await pass(idleMillis);
      const seconds = (performance.now() - since) / 1000;
      for (const [at, pid] of pids.entries()) {
        const percent = (cpuSeconds(pid) - before[at]!) / seconds * 100;
        worst = Math.max(worst, percent);
        const resident = Math.round(memory(pid, "VmRSS"));
        rows.push([nodeName(size, at), percent.toFixed(1), `${resident}`]);
        console.error(`idle  ${rows.at(-1)!.join("  ")}`);
      }
    });
  }
  return {
    title: "A node at rest",
    lines: [
      `No clients, over ${
        idleMillis / 1000
      } s: percent of one core, and resident memory in MB.`,
      "",
      ...table(["node", "CPU", "memory"], rows),
    ],
    targets: [{
      what: "CPU of an idle node, the worst",
      found: `${worst.toFixed(1)} %`,
      target: `<= ${idlePercentMax} %`,
      isMet: Number(worst.toFixed(1)) <= idlePercentMax,
    }],
  };
}
