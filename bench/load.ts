// One load on servers of a benchmark: a process of `closed_loop.ts`, and what the servers'
// processes took of the processor meanwhile. Throws when any reply was not as it should be: a
// server that refuses is fast.

import type { Outcome, Plan } from "./closed_loop.ts";
import { cpuSeconds } from "./figures.ts";
import { Histogram } from "./histogram.ts";
import { spawn } from "./processes.ts";

export type Load = Plan & {
  /** The processes whose processor time is wanted. */
  readonly pids: readonly number[];
};

export type Figures = {
  readonly tickets: number;
  /** Numbers. */
  readonly perSecond: number;
  readonly latency: Histogram;
  /** Of each process, for all tickets. */
  readonly cpuSeconds: readonly number[];
};

const program = new URL("./closed_loop.ts", import.meta.url).pathname;

export async function load({ pids, ...plan }: Load): Promise<Figures> {
  const process = spawn(Deno.execPath(), {
    args: ["run", "-A", program, JSON.stringify(plan)],
    stdout: "piped",
    stderr: "inherit",
  });
  let text = "";
  let before: readonly number[] = [];
  for await (
    const chunk of process.stdout.pipeThrough(new TextDecoderStream())
  ) {
    if (text === "") before = pids.map(cpuSeconds);
    text += chunk;
  }
  const after = pids.map(cpuSeconds);
  const { code } = await process.status;
  const { failure, seconds, tickets, latency } = outcomeOf(text, code);
  if (failure !== "" || tickets === 0) {
    const command = plan.commands.map((words) => words.join(" ")).join(", ");
    throw new Error(
      `${plan.clients} clients, pipelines of ${plan.pipeline} × ${command}: ` +
        (failure || "no reply in the whole time"),
    );
  }
  return {
    tickets,
    perSecond: tickets * (plan.numbers ?? 1) / seconds,
    latency: Histogram.from(latency),
    cpuSeconds: after.map((seconds, at) => seconds - before[at]!),
  };
}

function outcomeOf(text: string, code: number): Outcome {
  const last = text.trim().split("\n").at(-1) ?? "";
  if (!last.startsWith("{")) throw new Error(`the load ended with ${code}`);
  return JSON.parse(last);
}
