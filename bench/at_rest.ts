// What a node costs without load: from its start to the first ticket, and idle, in processor
// time and memory. Each makes its own section of the report.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { withTicketd } from "./contenders.ts";
import { cpuSeconds, memory, range } from "./figures.ts";
import { table } from "./markdown.ts";
import { nodeName, ranged, type Section } from "./section.ts";
import { idlePercentMax, sizes, startMillisMax } from "./workloads.ts";

/** After a start the engine still collects and compiles. */
const settleMillis = 3_000;

function pass(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

export async function start(starts: number): Promise<Section> {
  const millis: number[] = [];
  for (let i = 0; i < starts; i++) {
    millis.push(await withTicketd(1, ({ startMillis }) => startMillis));
    console.error(`start ${i + 1}  ${Math.round(millis.at(-1)!)} ms`);
  }
  const found = `${ranged(millis, (one) => `${Math.round(one)}`)} ms`;
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
      isMet: range(millis).median <= startMillisMax,
    }],
  };
}

/** A node by what it does in its cluster while nobody asks for anything. */
type Role = keyof typeof idlePercentMax;

function roleOf(size: number, at: number): Role {
  return size === 1 ? "alone" : at === 0 ? "leader" : "follower";
}

export async function idle(seconds: number): Promise<Section> {
  const rows: string[][] = [];
  const worst: Record<Role, number> = { alone: 0, leader: 0, follower: 0 };
  for (const size of sizes) {
    await withTicketd(size, async ({ pids }) => {
      await pass(settleMillis);
      const before = pids.map(cpuSeconds);
      const since = performance.now();
      await pass(seconds * 1000);
      const passed = (performance.now() - since) / 1000;
      for (const [at, pid] of pids.entries()) {
        const percent = (cpuSeconds(pid) - before[at]!) / passed * 100;
        const role = roleOf(size, at);
        worst[role] = Math.max(worst[role], percent);
        const resident = Math.round(memory(pid, "VmRSS"));
        rows.push([nodeName(size, at), percent.toFixed(2), `${resident}`]);
        console.error(`idle  ${rows.at(-1)!.join("  ")}`);
      }
    });
  }
  return {
    title: "A node at rest",
    lines: [
      `No clients, over ${seconds} s: percent of one core, and resident memory in MB.`,
      "",
      ...table(["node", "CPU", "memory"], rows),
    ],
    targets: (["alone", "leader", "follower"] as const).map((role) => ({
      what: `CPU of an idle node, ${
        role === "alone" ? role : `${role} of three`
      }`,
      found: `${worst[role].toFixed(2)} %`,
      target: `<= ${idlePercentMax[role]} %`,
      isMet: Number(worst[role].toFixed(2)) <= idlePercentMax[role],
    })),
  };
}
