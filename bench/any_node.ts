// What it costs to ask a node that does not lead: three real nodes under redis-benchmark, on
// the leader alone, on a follower alone, and on all three at once, in turn and in one run.
// `deno task bench:any`. Measures, decides nothing; read ratios within one run.
//
//   deno task bench:any                50 clients, -P 16, five rounds
//   deno task bench:any --rounds 3 --pipeline 1 --requests 100000

import { parseArgs } from "node:util";
import { load, median, short, startTicketd } from "./contenders.ts";

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

/** Clients of each node. */
const ways = [
  { name: "leader", clients: [50, 0, 0] },
  { name: "follower", clients: [0, 50, 0] },
  { name: "all three", clients: [17, 17, 16] },
] as const;

const found = new Map<string, number[]>();
const cluster = await startTicketd(3);
try {
  for (let round = 1; round <= rounds!; round++) {
    for (const { name, clients } of ways) {
      const all = await Promise.all(clients.map(async (count, at) => {
        if (count === 0) return 0;
        const share = Math.round(requests! * count / 50);
        const flags = ["-c", `${count}`, "-P", `${pipeline}`];
        const workload = { flags, requests: share };
        return (await load(cluster.ports[at]!, workload, ["TICKET"])).perSecond;
      }));
      const perSecond = all.reduce((sum, one) => sum + one);
      found.set(name, [...found.get(name) ?? [], perSecond]);
      console.error(`round ${round}  ${name}  ${short(perSecond)}/s`);
    }
  }
} finally {
  await cluster.stop();
}

const leader = median(found.get("leader")!);
console.log("| 50 clients on | tickets/s, median | range | of the leader's |");
console.log("|---|--:|--:|--:|");
for (const { name } of ways) {
  const all = found.get(name)!;
  const range = `${short(Math.min(...all))}-${short(Math.max(...all))}`;
  const share = (median(all) / leader).toFixed(2);
  console.log(`| ${name} | ${short(median(all))} | ${range} | ${share} |`);
}
