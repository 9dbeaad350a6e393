// Real clusters under redis-benchmark, beside Redis with `appendfsync always` in the
// same run: `deno task bench`. Measures, decides nothing; read ratios within one run.
//
//   deno task bench                 three rounds of all workloads, interleaved
//   deno task bench --rounds 1      a quick look
//   deno task bench --start         start to first TICKET, memory idle and after 10 M
//
// Needs redis-server and redis-benchmark (Debian: redis-server, redis-tools).

import {
  type Figures,
  load,
  median,
  memory,
  short,
  startRedis,
  startTicketd,
} from "./contenders.ts";

const workloads = [
  { name: "1 client", flags: ["-c", "1"], requests: 5_000 },
  { name: "50 clients", flags: ["-c", "50"], requests: 200_000 },
  { name: "1000 clients", flags: ["-c", "1000"], requests: 200_000 },
  { name: "50, -P 16", flags: ["-c", "50", "-P", "16"], requests: 2_000_000 },
  { name: "50, -P 100", flags: ["-c", "50", "-P", "100"], requests: 5_000_000 },
  {
    name: "50, -P 1000",
    flags: ["-c", "50", "-P", "1000"],
    requests: 20_000_000,
  },
] as const;

const contenders = [
  { name: "1 node", start: () => startTicketd(1), command: ["TICKET"] },
  { name: "3 nodes", start: () => startTicketd(3), command: ["TICKET"] },
  { name: "Redis AOF always", start: startRedis, command: ["INCR", "n"] },
] as const;

async function compare(rounds: number): Promise<void> {
  const found = new Map<string, Figures[]>();
  for (let round = 1; round <= rounds; round++) {
    for (const workload of workloads) {
      for (const contender of contenders) {
        const server = await contender.start();
        const figures = await load(
          server.ports[0]!,
          workload,
          contender.command,
        );
        const peak = Math.max(
          ...server.pids.map((pid) => memory(pid, "VmHWM")),
        );
        await server.stop();
        const key = `${workload.name}/${contender.name}`;
        found.set(key, [...found.get(key) ?? [], figures]);
        console.error(
          `round ${round}  ${workload.name}  ${contender.name}  ` +
            `${
              short(figures.perSecond)
            }/s  p50 ${figures.p50} p99 ${figures.p99} ms  ` +
            `peak ${Math.round(peak / 1024)} MB`,
        );
      }
    }
  }
  console.log(
    "| workload | 1 node | ratio | 3 nodes | ratio | Redis AOF always |",
  );
  console.log("|---|--:|--:|--:|--:|--:|");
  for (const { name } of workloads) {
    const of = (contender: string) =>
      median(found.get(`${name}/${contender}`)!.map((f) => f.perSecond));
    const redis = of("Redis AOF always");
    const cells = ["1 node", "3 nodes"].flatMap((contender) => [
      short(of(contender)),
      (of(contender) / redis).toFixed(2),
    ]);
    console.log(`| ${[name, ...cells, short(redis)].join(" | ")} |`);
  }
}

async function startAndMemory(): Promise<void> {
  const starts: number[] = [];
  for (let i = 0; i < 10; i++) {
    const before = performance.now();
    const server = await startTicketd(1);
    starts.push(performance.now() - before);
    await server.stop();
  }
  const server = await startTicketd(1);
  const pid = server.pids[0]!;
  const idle = memory(pid, "VmRSS");
  const after: number[] = [];
  for (let i = 0; i < 2; i++) {
    const workload = { ...workloads[5], requests: 10_000_000 };
    await load(server.ports[0]!, workload, ["TICKET"]);
    after.push(memory(pid, "VmRSS"));
  }
  const peak = memory(pid, "VmHWM");
  await server.stop();
  const sorted = starts.toSorted((a, b) => a - b).map(Math.round);
  const megabytes = (kilobytes: number) => `${Math.round(kilobytes / 1024)} MB`;
  console.log(`start to first TICKET, ms, sorted: ${sorted.join(" ")}`);
  console.log(
    `resident: idle ${megabytes(idle)}, after 10 M tickets ${
      megabytes(after[0]!)
    }, ` +
      `after 20 M ${megabytes(after[1]!)}, peak ${megabytes(peak)}`,
  );
}

if (Deno.args.includes("--start")) await startAndMemory();
else {
  const at = Deno.args.indexOf("--rounds");
  await compare(at < 0 ? 3 : Number(Deno.args[at + 1]));
}
