// What it costs to ask a node that does not lead: three real nodes under load, on the leader
// alone, on a follower alone, and on all three at once, in turn and in one run.
// `deno task bench:any`. Measures, decides nothing; read ratios within one run.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { parseArgs } from "node:util";
import { startTicketd } from "./contenders.ts";
import { median, short } from "./figures.ts";
import { load } from "./load.ts";
import { table } from "./markdown.ts";
import { run } from "./processes.ts";
import { ranged } from "./section.ts";
import { threeNodes } from "./workloads.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    rounds: { type: "string", default: "5" },
    pipeline: { type: "string", default: "16" },
    seconds: { type: "string", default: "3" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(
    "deno task bench:any [--rounds 5] [--pipeline 16] [--seconds 3]\n" +
      "50 clients on the leader, on a follower, and on all three nodes",
  );
  Deno.exit(0);
}
const [rounds, pipeline, seconds] = [
  values.rounds,
  values.pipeline,
  values.seconds,
].map(Number);

/** Which nodes the 50 clients are at. */
const ways = [
  { name: "leader", nodes: [0] },
  { name: "follower", nodes: [1] },
  { name: "all three", nodes: [0, 1, 2] },
] as const;

await run(async () => {
  const found = new Map<string, number[]>();
  const { commands, expected } = threeNodes;
  const cluster = await startTicketd(3);
  for (let round = 1; round <= rounds!; round++) {
    for (const { name, nodes } of ways) {
      const { perSecond } = await load({
        ...{ commands, expected, pids: [], warmUpSeconds: 1 },
        ports: nodes.map((at) => cluster.ports[at]!),
        clients: 50,
        pipeline: pipeline!,
        until: { seconds: seconds! },
      });
      found.set(name, [...found.get(name) ?? [], perSecond]);
      console.error(`round ${round}  ${name}  ${short(perSecond)}/s`);
    }
  }
  await cluster.stop();
  print(found);
});

function print(found: ReadonlyMap<string, readonly number[]>): void {
  const leader = median(found.get("leader")!);
  const rows = ways.map(({ name }) => {
    const all = found.get(name)!;
    const share = (median(all) / leader).toFixed(2);
    return [name, ranged(all, short), share];
  });
  const head = ["50 clients on", "tickets a second", "of the leader's"];
  console.log(table(head, rows).join("\n"));
}
