// The longest pauses that clients see while something else happens: `deno task bench:pauses
// [EVENT …]`. For each event the longest wait of closed-loop clients, how many waits there
// were above 20 ms, and how many of those a client of Redis saw at the same moment, which are
// the machine's. One node and three. Measures, decides nothing.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { ask, type Server, startRedis, startTicketd } from "./contenders.ts";
import { table } from "./markdown.ts";
import { pauseEvents } from "./pause_events.ts";
import { run } from "./processes.ts";

const load = new URL("./pause_load.ts", import.meta.url).pathname;
const seconds = Number(Deno.env.get("TICKETD_BENCH_SECONDS") ?? 20);
const longMillis = 20;
/** A wait of Redis's client that shows that the machine stood still. */
const controlMillis = 8;
const warmUpMillis = 3000;

const loads = [
  { name: "1 client", clients: 1, pipeline: 1 },
  { name: "50 clients", clients: 50, pipeline: 1 },
  { name: "50 clients, -P 16", clients: 50, pipeline: 16 },
];

type Wait = readonly [begin: number, millis: number];
type Found = {
  readonly replies: number;
  readonly longest: number;
  readonly waits: readonly Wait[];
};

async function loaded(
  port: number,
  { request, clients, pipeline, millis }: {
    readonly request: string;
    readonly clients: number;
    readonly pipeline: number;
    readonly millis: number;
  },
): Promise<Found> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", load, `${port}`, request],
      ...[clients, pipeline, seconds, millis].map(String),
    ],
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

function overlaps([a, aMillis]: Wait, [b, bMillis]: Wait): boolean {
  return a < b + bMillis && b < a + aMillis;
}

/** One row: `server` under each load while `event` goes on, Redis beside it. */
async function measure(
  server: Server,
  redis: Server,
  { name, during }: (typeof pauseEvents)[number],
): Promise<string[][]> {
  const rows: string[][] = [];
  for (const { name: shape, clients, pipeline } of loads) {
    const stop = new AbortController();
    const [found, control] = await Promise.all([
      loaded(server.ports[0]!, {
        ...{ request: "TICKET", clients, pipeline, millis: longMillis },
      }),
      loaded(redis.ports[0]!, {
        ...{ request: "PING", clients: 1, pipeline: 1, millis: controlMillis },
      }),
      (async () => {
        await new Promise((resolve) => setTimeout(resolve, warmUpMillis));
        const timer = setTimeout(() => stop.abort(), seconds * 1000);
        await during(server, stop.signal);
        clearTimeout(timer);
      })(),
    ]);
    const shared = found.waits.filter((wait) =>
      control.waits.some((other) => overlaps(wait, other))
    );
    const own = found.waits.filter((wait) => !shared.includes(wait))
      .map(([, millis]) => millis);
    rows.push([
      `${server.ports.length}: ${name}, ${shape}`,
      `${Math.round(found.replies / seconds)}`,
      found.longest.toFixed(0),
      `${found.waits.length}`,
      `${shared.length}`,
      own.length === 0 ? "" : Math.max(...own).toFixed(0),
      control.longest.toFixed(0),
    ]);
    console.error(rows.at(-1)!.join("  "));
  }
  return rows;
}

async function pauses(): Promise<void> {
  const names = Deno.args;
  const events = pauseEvents.filter(({ name }) =>
    names.length === 0 || names.includes(name)
  );
  const redis = await startRedis(undefined);
  const rows: string[][] = [];
  for (const size of [1, 3]) {
    for (const event of events) {
      if (event.nodesMin > size) continue;
      const server = await startTicketd(size);
      try {
        rows.push(...await measure(server, redis, event));
        await ask(server.ports[0]!, "PING");
      } finally {
        await server.stop();
      }
    }
  }
  await redis.stop();
  const head = [
    ...["nodes: event, load", "tickets/s", "longest, ms", "above 20 ms"],
    ...["of these Redis's too", "longest of the others", "Redis's longest"],
  ];
  console.log(table(head, rows).join("\n"));
}

await run(pauses);
