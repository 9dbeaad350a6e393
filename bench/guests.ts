// What crowds of bad guests cost a node and its polite clients: `deno task guests`. For each
// crowd the memory before, at most and 30 s after it has left, and p50 and p99 of 50
// clients that ask for a ticket every 10 ms beside it; beside endless pipelines those of
// Redis with `appendfsync always`, too. One node and three. Measures, decides nothing.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { parseArgs } from "node:util";
import { type Server, startRedis, startTicketd } from "./contenders.ts";
import { memory as memoryOf } from "./figures.ts";
import { table } from "./markdown.ts";
import { run, spawn } from "./processes.ts";
import { skipped, version } from "./programs.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { help: { type: "boolean", default: false } },
});
if (values.help) {
  console.log(
    "deno task guests: what crowds of bad guests cost; takes five minutes",
  );
  Deno.exit(0);
}

type Crowd = { readonly kind: string; readonly count: number };

const crowds: readonly Crowd[] = [
  { kind: "idle", count: 10_000 },
  { kind: "deaf", count: 2000 },
  { kind: "echo", count: 500 },
];
const seconds = 10;
const afterMillis = 30_000;
const politeCount = 50;

const load = new URL("./guest_load.ts", import.meta.url).pathname;

async function crowdAt(
  server: Server,
  { request, kind, count, seconds }: Crowd & {
    request: string;
    seconds: number;
  },
): Promise<Record<string, number>> {
  const { stdout } = await spawn(Deno.execPath(), {
    args: [
      ...["run", "-A", load, `${server.ports[0]}`, request, kind],
      ...[`${count}`, `${seconds}`],
    ],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  const text = new TextDecoder().decode(stdout).trim();
  return JSON.parse(text.split("\n").at(-1) ?? "{}");
}

function polite(server: Server, request: string) {
  return crowdAt(server, {
    request,
    kind: "polite",
    count: politeCount,
    seconds: 5,
  });
}

function residentMegabytes({ pids }: Server): number {
  return memoryOf(pids[0]!, "VmRSS");
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

function millis(figure: number | undefined): string {
  return figure === undefined ? "" : figure.toFixed(1);
}

function show(head: readonly string[], rows: readonly string[][]): void {
  console.log(table(head, rows).join("\n") + "\n");
}

/** A row of the table of memory. */
async function memoryRow(server: Server, crowd: Crowd): Promise<string[]> {
  const before = residentMegabytes(server);
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, residentMegabytes(server));
  }, 100);
  const guests = crowdAt(server, { ...crowd, request: "TICKET", seconds });
  await pause(3000);
  const { p50, p99 } = await polite(server, "TICKET");
  await guests;
  clearInterval(timer);
  await pause(afterMillis);
  const after = residentMegabytes(server);
  return [
    `${crowd.count} × ${crowd.kind}`,
    ...[before, most, after].map((megabytes) => megabytes.toFixed(0)),
    (after / before).toFixed(2),
    millis(p50),
    millis(p99),
  ];
}

/** A row of the table of shares: alone, beside one and eight endless pipelines. */
async function shareRow(
  name: string,
  server: Server,
  request: string,
): Promise<string[]> {
  const row = [name];
  const rates: string[] = [];
  for (const count of [0, 1, 8]) {
    const greedy = count === 0 ? undefined : crowdAt(server, {
      request,
      kind: "greedy",
      count,
      seconds: 7,
    });
    await pause(1000);
    const { p50, p99 } = await polite(server, request);
    row.push(`${millis(p50)} / ${millis(p99)}`);
    const { perSecond = 0 } = await greedy ?? {};
    if (count > 0) rates.push(`${(perSecond / 1e6).toFixed(2)} M`);
  }
  const alone = await crowdAt(server, {
    request,
    kind: "greedy",
    count: 1,
    seconds: 5,
  });
  return [...row, ...rates, `${((alone.perSecond ?? 0) / 1e6).toFixed(2)} M`];
}

await run(async () => {
  const memory: string[][] = [];
  for (const crowd of crowds) {
    const server = await startTicketd(1);
    await polite(server, "TICKET");
    memory.push(await memoryRow(server, crowd));
    await server.stop();
  }
  show(
    [
      "guests",
      "before, MB",
      "most",
      "30 s after",
      "ratio",
      "polite p50, ms",
      "p99",
    ],
    memory,
  );
  const shares: string[][] = [];
  const hasRedis = await version("redis-server") !== undefined;
  if (!hasRedis) console.error(skipped("Redis", "redis-server"));
  for (
    const [name, request, start] of [
      ["one node", "TICKET", () => startTicketd(1)],
      ["three nodes", "TICKET", () => startTicketd(3)],
      ["Redis, AOF always", "INCR", () => startRedis("always")],
    ] as const
  ) {
    if (request === "INCR" && !hasRedis) continue;
    const server = await start();
    shares.push(await shareRow(name, server, request));
    await server.stop();
  }
  show(
    [
      "polite p50 / p99, ms",
      "alone",
      "beside 1",
      "beside 8",
      "1 greedy",
      "8 greedy",
      "1 greedy alone",
    ],
    shares,
  );
});
