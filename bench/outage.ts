// What clients on the other nodes see when one node of three fails: `deno task outage`.
// Real processes, closed-loop clients on every node, every ticket checked. Measures,
// decides nothing; only a broken promise, or a cluster that does not recover, ends it.
//
//   deno task outage                    all events, as often as their figures need
//   deno task outage kill stop          these; --help names them all
//   deno task outage kill --count 5     a quick look
//   deno task outage --full-load 10     redis-benchmark for 10 minutes: does the term rise?
//   … --connections 4  --out FILE       clients on each node; the table in a file, too
//
// As root, with what `deno task torture` needs, it runs in namespaces of its own, which take
// along all that it started. Otherwise the events that need root are left out, with a line.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { parseArgs } from "node:util";
import { Cluster } from "../tests/lib/harness.ts";
import type { Server } from "../tests/lib/server.ts";
import { command } from "../tests/torture/command.ts";
import { hindrance } from "../tests/torture/needs.ts";
import { startInNamespaces } from "../tests/torture/namespaces.ts";
import { Network } from "../tests/torture/network.ts";
import {
  Bench,
  type BenchOptions,
  type Event,
  events,
  type Measured,
  Skipped,
} from "./outage_events.ts";
import { pass } from "./outage_clients.ts";
import { outageTable } from "./outage_table.ts";

const { values, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    count: { type: "string" },
    connections: { type: "string", default: "4" },
    "full-load": { type: "string" },
    out: { type: "string" },
    help: { type: "boolean", default: false },
    inside: { type: "string" },
  },
});

if (values.help) {
  console.log(
    "deno task outage [EVENT …] [--count N] [--connections N] [--out FILE] " +
      "[--full-load MINUTES]\n\n" +
      events.map(({ name, help, count }) =>
        `  ${name.padEnd(10)} ${help} (${count})`
      ).join("\n"),
  );
  Deno.exit(0);
}

const names = events.map(({ name }) => name);
for (const name of positionals) {
  if (!names.includes(name)) {
    usage(`there is no event "${name}"; there are ${names.join(", ")}`);
  }
}
const count = natural("count");
const connections = natural("connections")!;
const fullLoadMinutes = natural("full-load");
/** `--full-load` by itself is all that is asked for. */
const chosen = positionals.length > 0
  ? events.filter(({ name }) => positionals.includes(name))
  : fullLoadMinutes === undefined
  ? events
  : [];
/** Whatever runs now, for whoever interrupts it. */
let bench: Bench | undefined;

const missing = hindrance();
Deno.exit(
  missing === undefined && values.inside === undefined
    ? await outside()
    : await run(values.inside !== undefined),
);

/** The same again, in namespaces that end with it. */
async function outside(): Promise<number> {
  const directory = await Deno.makeTempDir({ prefix: "ticketd-outage-" });
  const child = startInNamespaces(import.meta.filename!, {
    args: [...Deno.args, "--inside", directory],
    directory,
    stdin: "null",
  });
  let interrupted = false;
  onInterrupt(() => {
    interrupted = true;
    child.kill("SIGKILL");
  });
  const { code } = await child.status;
  await Deno.remove(directory, { recursive: true });
  return interrupted ? 130 : code;
}

async function run(inNamespace: boolean): Promise<number> {
  if (!inNamespace) {
    onInterrupt(() => bench?.end().finally(() => Deno.exit(130)));
  }
  let network: Network | undefined;
  if (inNamespace) {
    await command("mount", "-t", "tmpfs", "tmpfs", "/run");
    network = await Network.make(3);
  }
  const measured: Measured[] = [];
  const remarks: string[] = [];
  let failed = false;
  const attempt = async (name: string, act: () => Promise<void>) => {
    try {
      await act();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!(error instanceof Skipped)) failed = true;
      const what = error instanceof Skipped ? "skipped" : "FAILED";
      remarks.push(`${what} ${name}: ${reason}`);
    }
  };
  for (const event of chosen) {
    await attempt(event.name, () => one(event, { network, measured }));
  }
  if (fullLoadMinutes !== undefined) {
    const minutes = fullLoadMinutes;
    await attempt("full load", async () => {
      remarks.push(await fullLoad(minutes));
    });
  }
  const lines = [
    ...measured.length > 0 ? outageTable(measured) : [],
    ...remarks,
  ];
  console.log(lines.join("\n"));
  if (values.out !== undefined) {
    await Deno.writeTextFile(values.out, lines.join("\n") + "\n");
  }
  return failed ? 1 : 0;
}

/** A cluster of its own for each event. */
async function one(
  event: Event,
  { network, measured }: { network: Network | undefined; measured: Measured[] },
): Promise<void> {
  if (event.needs !== undefined && network === undefined) {
    throw new Skipped(missing ?? "needs namespaces of its own");
  }
  const tell = (one: Measured) => {
    measured.push(one);
    console.error(`${one.name}: ${one.outageMillis.toFixed(1)} ms`);
  };
  await inBench(
    { network: event.needs === "network" ? network : undefined, tell },
    async (bench) => {
      await bench.start(connections);
      await event.run(bench, count ?? event.count);
      await bench.stopClients();
    },
  );
}

async function inBench<T>(
  options: Omit<BenchOptions, "directory">,
  act: (bench: Bench) => Promise<T>,
): Promise<T> {
  const directory = await Deno.makeTempDir({ prefix: "ticketd-outage-" });
  bench = new Bench({ directory, ...options });
  try {
    return await act(bench);
  } catch (error) {
    if (error instanceof Skipped) throw error;
    for (const { id, log } of bench.servers) {
      console.error(`--- node ${id}\n${log.split("\n").slice(-20).join("\n")}`);
    }
    throw error;
  } finally {
    await bench.end();
    bench = undefined;
  }
}

/** redis-benchmark against the leader for so long; the term should stay as it is. */
async function fullLoad(minutes: number): Promise<string> {
  return await inBench({ network: undefined, tell() {} }, async (bench) => {
    await bench.start(0);
    const before = await bench.term();
    const began = await (await bench.cluster.leader()).ticket();
    const deadline = performance.now() + minutes * 60_000;
    let runs = 0;
    while (performance.now() < deadline) {
      runs++;
      await loadUntil(deadline, await new Cluster(bench.servers).leader());
    }
    const terms = await bench.term() - before;
    const given = await (await bench.cluster.leader()).ticket() - began;
    if (terms > 0) await tellWhy(bench.servers);
    const perSecond = Math.round(Number(given) / (minutes * 60));
    return `full load, redis-benchmark -c 50 -P 16, ${minutes} min: ` +
      `${perSecond} tickets a second, the term rose by ${terms}` +
      (runs > 1 ? `, the benchmark was begun ${runs} times` : "");
  });
}

/** What the nodes say of their elections and disks. */
async function tellWhy(servers: readonly Server[]): Promise<void> {
  for (const server of servers) {
    const { disk_latency_max_us, disk_stalls } = await server.stats();
    console.error(
      `--- node ${server.id}, longest save ${disk_latency_max_us} us, ` +
        `stalls ${disk_stalls}`,
    );
    const lines = server.log.split("\n").filter((line) =>
      /lead|elect|stand|follow|disk|hand|silent|reach/.test(line)
    );
    console.error(lines.slice(-30).join("\n"));
  }
}

async function loadUntil(
  deadline: number,
  { host, port }: { host: string; port: number },
): Promise<void> {
  const child = new Deno.Command("redis-benchmark", {
    args: [
      ...["-h", host, "-p", `${port}`, "-c", "50", "-P", "16"],
      ...["-n", "1000000", "-l", "-q", "TICKET"],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const end = () => {
    try {
      child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended by itself
    }
  };
  const timer = setTimeout(end, Math.max(0, deadline - performance.now()));
  await child.status;
  clearTimeout(timer);
  // It ends by itself when it is refused: not at once again.
  await pass(100);
}

function onInterrupt(act: () => void): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, act);
  }
}

function natural(name: "count" | "connections" | "full-load") {
  const text = values[name];
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(text)) usage(`--${name}: "${text}" is no number`);
  return Number(text);
}

function usage(text: string): never {
  console.error(`deno task outage: ${text}`);
  Deno.exit(2);
}
