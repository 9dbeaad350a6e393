// What goes on while `size.ts` measures: what touches all sequences of a node. The first node
// leads. Each event takes a few seconds, and leaves all nodes in service.

import { Client } from "../tests/lib/client.ts";
import { nameOf, type SizeNode } from "./size_cluster.ts";

export type SizeEvent = {
  readonly name: string;
  readonly nodesMin: number;
  /** Before anything is measured. */
  readonly prepare?: (nodes: readonly SizeNode[]) => Promise<void>;
  /** Returns a figure of its own, in words, if it has one. */
  readonly during: (nodes: readonly SizeNode[]) => Promise<string | void>;
};

const main = new URL("../main.ts", import.meta.url).pathname;
const millis = Number(Deno.env.get("BENCH_MILLIS") ?? 4000);

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

/** Runs `once` again and again for some seconds; how often. */
async function again(once: () => Promise<unknown>): Promise<string> {
  let times = 0;
  const end = performance.now() + millis;
  for (; performance.now() < end; times++) await once();
  return `${times} times`;
}

async function ask(node: SizeNode, ...words: string[]) {
  using client = await Client.connect(node.port);
  const reply = await client.ask(...words);
  if (reply instanceof Error) throw reply;
  return reply;
}

/** INCR of names at random, in pipelines, until `isDone`. */
async function churn(
  node: SizeNode,
  { count, isDone }: {
    readonly count: number;
    readonly isDone: () => boolean;
  },
): Promise<number> {
  let requests = 0;
  using client = await Client.connect(node.port);
  while (!isDone()) {
    await client.pipeline(Array.from(
      { length: 100 },
      () => ["INCR", nameOf(Math.floor(Math.random() * count))],
    ));
    requests += 100;
  }
  return requests;
}

async function namesOf(node: SizeNode): Promise<number> {
  return Number(await ask(node, "DBSIZE")) - 1;
}

/** Waits until `node` has applied what the leader had when this began; milliseconds. */
async function caughtUp(leader: SizeNode, node: SizeNode): Promise<number> {
  const begin = performance.now();
  const appliedOf = async (one: SizeNode) => {
    const reply = await ask(one, "RAFT.STATS");
    const at = (reply as string[]).indexOf("applied_index");
    return Number((reply as string[])[at + 1]);
  };
  const wanted = await appliedOf(leader);
  while (await appliedOf(node) < wanted) await pause(10);
  return performance.now() - begin;
}

async function snapshots(node: SizeNode): Promise<string> {
  return await again(async () => {
    await ask(node, "INCR", nameOf(0));
    await ask(node, "RAFT.SNAPSHOT");
  });
}

/** Reads all pages of SCAN. */
async function scan(node: SizeNode, count: string): Promise<void> {
  let cursor = "0";
  do {
    const [next] = await ask(node, "SCAN", cursor, "COUNT", count) as string[];
    cursor = next!;
  } while (cursor !== "0");
}

/** Random names at full speed while a node that missed much comes back. */
async function comeBack(
  nodes: readonly SizeNode[],
  load: boolean,
): Promise<string> {
  const [leader] = nodes;
  const node = nodes.at(-1)!;
  let isDone = false;
  const count = await namesOf(leader!);
  const loads = load
    ? [1, 2].map(() => churn(leader!, { count, isDone: () => isDone }))
    : [];
  const startMillis = await node.start();
  const caughtMillis = await caughtUp(leader!, node);
  isDone = true;
  await Promise.all(loads);
  return `answers after ${startMillis.toFixed(0)} ms, has all after ` +
    `${(startMillis + caughtMillis).toFixed(0)}`;
}

/** The last node stops, and all entries that it lacks go into a snapshot. */
async function leaveBehind(nodes: readonly SizeNode[]): Promise<void> {
  const [leader] = nodes;
  await nodes.at(-1)!.stop();
  await pause(2000); // the leader must have noticed
  for (let i = 0; i < 3; i++) {
    await ask(leader!, "INCR", nameOf(i));
    await ask(leader!, "RAFT.SNAPSHOT");
  }
}

export const sizeEvents: readonly SizeEvent[] = [
  { name: "nothing", nodesMin: 1, during: () => pause(millis) },
  {
    name: "snapshot-leader",
    nodesMin: 1,
    during: ([leader]) => snapshots(leader!),
  },
  {
    name: "snapshot-follower",
    nodesMin: 3,
    during: ([, follower]) => snapshots(follower!),
  },
  {
    name: "growth",
    nodesMin: 1,
    during: async ([leader]) => {
      const end = performance.now() + 3 * millis;
      const count = await namesOf(leader!);
      const isDone = () => performance.now() > end;
      const requests = await Promise.all(
        [1, 2, 3, 4].map(() => churn(leader!, { count, isDone })),
      );
      const sum = requests.reduce((sum, one) => sum + one, 0);
      return `${Math.round(sum / (3 * millis) * 1000)}/s`;
    },
  },
  {
    name: "scan",
    nodesMin: 1,
    during: (nodes) => again(() => scan(nodes.at(-1)!, "1000000")),
  },
  {
    name: "keys",
    nodesMin: 1,
    // So many fit no reply: it reads some pages, and is refused.
    during: (nodes) =>
      again(() => ask(nodes.at(-1)!, "KEYS", "*").catch(() => {})),
  },
  {
    name: "backup",
    nodesMin: 1,
    during: (nodes) =>
      again(async () => {
        const path = await Deno.makeTempFile({ prefix: "ticketd_bench_" });
        await Deno.remove(path);
        const { code, stderr } = await new Deno.Command(Deno.execPath(), {
          args: [
            ...["run", "-A", "--no-check", main, "backup"],
            ...[`127.0.0.1:${nodes.at(-1)!.port}`, path],
          ],
        }).output();
        if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
        await Deno.remove(path);
      }),
  },
  {
    name: "questions",
    nodesMin: 1,
    during: (nodes) =>
      again(async () => {
        for (const node of nodes) {
          await ask(node, "RAFT.STATS");
          await ask(node, "INFO");
          await ask(node, "DBSIZE");
        }
        await pause(20);
      }),
  },
  {
    name: "restart",
    nodesMin: 3,
    during: async (nodes) => {
      await nodes.at(-1)!.stop();
      return await comeBack(nodes, false);
    },
  },
  {
    name: "install",
    nodesMin: 3,
    prepare: leaveBehind,
    during: (nodes) => comeBack(nodes, false),
  },
  {
    name: "install-under-load",
    nodesMin: 3,
    prepare: leaveBehind,
    during: (nodes) => comeBack(nodes, true),
  },
  {
    name: "idle",
    nodesMin: 1,
    during: () => pause(3 * millis),
  },
];
