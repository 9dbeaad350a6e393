// The longest pauses that clients see while something else happens: `deno task bench:pauses
// [EVENT …]`. For each event the longest wait of closed-loop clients, how many waits there
// were above 20 ms, and how many of those were the machine's: at the same moment a core stood
// still, or a client of Redis with `appendfsync always`, on the same disk, waited too. One
// node and three. Measures, decides nothing. It needs redis-server and taskset.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { ask, type Server, startRedis, startTicketd } from "./contenders.ts";
import { table } from "./markdown.ts";
import { pauseEvents } from "./pause_events.ts";
import { run } from "./processes.ts";

const load = new URL("./pause_load.ts", import.meta.url).pathname;
const watch = new URL("./pause_watch.ts", import.meta.url).pathname;
const seconds = Number(Deno.env.get("TICKETD_BENCH_SECONDS") ?? 20);
const longMillis = 20;
/** A wait of Redis's client that shows that the disk, or the machine, stood still. */
const controlMillis = 8;
/** A late wake that shows that a core stood still. */
const stallMillis = 18;
/** An answer may wait behind the work that piled up meanwhile. */
const aftermathMillis = 5;
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
  return await jsonOf(Deno.execPath(), [
    ...["run", "-A", load, `${port}`, request],
    ...[clients, pipeline, seconds, millis].map(String),
  ]);
}

async function jsonOf(program: string, args: string[]) {
  const { stdout } = await new Deno.Command(program, {
    args,
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The moments at which a core stood still. */
async function stalls(): Promise<Wait[]> {
  const cores = Array.from(
    { length: navigator.hardwareConcurrency },
    (_, i) =>
      jsonOf("taskset", [
        ...["-c", `${i}`, Deno.execPath(), "run", "-A", watch],
        ...[`${seconds + warmUpMillis / 1000}`, `${stallMillis}`],
      ]),
  );
  return (await Promise.all(cores)).flat();
}

function overlaps([a, aMillis]: Wait, [b, bMillis]: Wait): boolean {
  return a < b + bMillis + aftermathMillis && b < a + aMillis;
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
    const [found, control, cores] = await Promise.all([
      loaded(server.ports[0]!, {
        ...{ request: "TICKET", clients, pipeline, millis: longMillis },
      }),
      loaded(redis.ports[0]!, {
        ...{
          request: "INCR ticket",
          clients: 1,
          pipeline: 1,
          millis: controlMillis,
        },
      }),
      stalls(),
      (async () => {
        await new Promise((resolve) => setTimeout(resolve, warmUpMillis));
        const timer = setTimeout(() => stop.abort(), seconds * 1000);
        await during(server, stop.signal);
        clearTimeout(timer);
      })(),
    ]);
    const shared = found.waits.filter((wait) =>
      [...control.waits, ...cores].some((other) => overlaps(wait, other))
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
      Math.max(0, ...cores.map(([, millis]) => millis)).toFixed(0),
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
  const redis = await startRedis("always");
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
    ...["of these the machine's", "longest of the others", "Redis's longest"],
    "a core's longest",
  ];
  console.log(table(head, rows).join("\n"));
}

await run(pauses);
