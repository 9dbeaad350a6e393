// What it costs to ask a node that does not lead: three real nodes under redis-benchmark, on
// the leader alone, on a follower alone, and on all three at once, in turn and in one run.
// `deno task bench:any`. Measures, decides nothing; read ratios within one run.
//
//   deno task bench:any                50 clients, -P 16, five rounds
//   deno task bench:any --rounds 3 --pipeline 1 --requests 100000

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { parseArgs } from "node:util";
import { startTicketd } from "./contenders.ts";
import { median, short } from "./figures.ts";
import { table } from "./markdown.ts";
import { run } from "./processes.ts";
import { load } from "./redis_benchmark.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    rounds: { type: "string", default: "5" },
    pipeline: { type: "string", default: "16" },
    requests: { type: "string", default: "1000000" },
  },
});
const [rounds, pipeline, requests] = [
  values.rounds,
  values.pipeline,
  values.requests,
].map(Number);

/** Which nodes the 50 clients are at. */
const ways = [
  { name: "leader", nodes: [0] },
  { name: "follower", nodes: [1] },
  { name: "all three", nodes: [0, 1, 2] },
] as const;

await run(async () => {
  const found = new Map<string, number[]>();
  const cluster = await startTicketd(3);
  for (let round = 1; round <= rounds!; round++) {
    for (const { name, nodes } of ways) {
      const { perSecond } = await load({
        ports: nodes.map((at) => cluster.ports[at]!),
        clients: 50,
        pipeline: pipeline!,
        requests: requests!,
        command: "TICKET",
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
    const range = `${short(Math.min(...all))}-${short(Math.max(...all))}`;
    const share = (median(all) / leader).toFixed(2);
    return [name, short(median(all)), range, share];
  });
  const head = [
    "50 clients on",
    "tickets/s, median",
    "range",
    "of the leader's",
  ];
  console.log(table(head, rows).join("\n"));
}
