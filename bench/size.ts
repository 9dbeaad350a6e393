// What many sequences with long names cost: `deno task bench:size [NODES [NAMES [FLAG …]]]`, by
// default three nodes and 100,000 names of 128 bytes. For each event the longest wait of a
// closed-loop client of the leader and of one of a follower, the longest time that an event
// loop stood still with work of its own, memory and disk. A machine that stands still shows in
// the last column. Measures, decides nothing. It needs Linux and taskset.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { Client, encode } from "../tests/lib/client.ts";
import { table } from "./markdown.ts";
import { run } from "./processes.ts";
import { type SizeEvent, sizeEvents } from "./size_events.ts";
import { createNames, type SizeNode, withNodes } from "./size_cluster.ts";

const watch = new URL("./pause_watch.ts", import.meta.url).pathname;
const [size = "3", names = "100000", ...flags] = Deno.args;
const wanted = Deno.env.get("BENCH_EVENTS")?.split(",");
const stallMillis = 8;

type Wait = { readonly begin: number; readonly millis: number };

/** The longest waits of clients that ask `port` one by one until `signal`; and how many replies. */
async function waits(
  port: number,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): Promise<{ longest: Wait; count: number }> {
  let longest: Wait = { begin: 0, millis: 0 };
  let count = 0;
  const request = encode(["TICKET", name]);
  await Promise.all(Array.from({ length: 8 }, async () => {
    using client = await Client.connect(port);
    while (!signal.aborted) {
      const begin = performance.now();
      await client.send(request);
      await client.reply();
      const millis = performance.now() - begin;
      count++;
      if (millis > longest.millis) {
        longest = { begin: performance.timeOrigin + begin, millis };
      }
    }
  }));
  return { longest, count };
}

/** The longest time that a core stood still, by a process bound to it. */
function coreWatch(): () => Promise<number> {
  const processes = Array.from(
    { length: navigator.hardwareConcurrency },
    (_, i) =>
      new Deno.Command("taskset", {
        args: [
          ...["-c", `${i}`, Deno.execPath(), "run", "-A", watch, "3600"],
          ...[`${stallMillis}`, "until-closed"],
        ],
        stdin: "piped",
        stdout: "piped",
      }).spawn(),
  );
  return async () => {
    const found = await Promise.all(processes.map(async (process) => {
      await process.stdin.close();
      const { stdout } = await process.output();
      return JSON.parse(new TextDecoder().decode(stdout)) as number[][];
    }));
    return Math.max(0, ...found.flat().map(([, millis = 0]) => millis));
  };
}

async function measure(
  event: SizeEvent,
  nodes: readonly SizeNode[],
): Promise<string[]> {
  await event.prepare?.(nodes);
  const from = Date.now();
  const stop = new AbortController();
  const cores = coreWatch();
  let most = 0;
  const disk = setInterval(() => {
    most = Math.max(most, ...nodes.map((node) => node.disk()));
  }, 20);
  const [leader, follower = leader!] = nodes;
  const clients = [leader!, follower].map(({ port }) =>
    waits(port, { name: "ticket", signal: stop.signal })
  );
  const note = await event.during(nodes);
  stop.abort();
  clearInterval(disk);
  const found = await Promise.all(clients);
  const core = await cores();
  const row = [
    event.name,
    note ?? "",
    ...found.map(({ longest: { millis } }) => millis.toFixed(0)),
    `${found[0]!.count + found[1]!.count}`,
    ...nodes.map((node) => blocksOf(node, from)),
    nodes.map((node) => node.memory()[0].toFixed(0)).join(" "),
    nodes.map((node) => node.memory()[1].toFixed(0)).join(" "),
    most.toFixed(0),
    core.toFixed(0),
  ];
  console.error(row.join(" | "));
  return row;
}

/** The longest block of each isolate: all of it, and how much of that it ran. */
function blocksOf(node: SizeNode, from: number): string {
  const blocks = node.blocks(from);
  return ["main", "raft"].map((isolate) => {
    const own = blocks.filter((block) => block.isolate === isolate);
    const longest = own.toSorted((a, b) => b.running - a.running)[0];
    return longest === undefined
      ? "-"
      : `${longest.millis.toFixed(0)} (${longest.running.toFixed(0)})`;
  }).join(", ");
}

await run(() =>
  withNodes(Number(size), flags, async (nodes) => {
    const rows: string[][] = [];
    const begin = performance.now();
    const from = Date.now();
    await createNames(nodes[0]!.port, 0, Number(names) - 1);
    const seconds = (performance.now() - begin) / 1000;
    console.error(
      `${names} names created in ${seconds.toFixed(1)} s; blocks ` +
        nodes.map((node) => blocksOf(node, from)).join(" | ") + "; memory " +
        nodes.map((node) => node.memory()[0].toFixed(0)).join(" ") +
        `; disk ${nodes.map((node) => node.disk().toFixed(0)).join(" ")}`,
    );
    for (const event of sizeEvents) {
      if (event.nodesMin > nodes.length) continue;
      if (wanted !== undefined && !wanted.includes(event.name)) continue;
      rows.push(await measure(event, nodes));
    }
    const head = [
      ...["event", "", "longest wait at the leader, ms"],
      ...["at a follower", "replies"],
      ...nodes.map(({ id }) => `node ${id} stood still: main, raft (ran), ms`),
      ...["MB of memory", "peak", "most MB on a disk", "a core's longest, ms"],
    ];
    console.log(table(head, rows).join("\n"));
  })
);
