// Raises, TICKET.LAST and backups of a cluster under load, while its leader is killed. Each
// answer is checked against the tickets that were read before it, and the checker of tickets
// holds it against all that are asked for later.
//
// A row (`Fault`) asks through any node that runs, as often as there is time for.

import assert from "node:assert/strict";
import { backup, realWorld } from "../../admin/backup.ts";
import { decodeBackup } from "../../admin/backup_file.ts";
import { parseAddress } from "../../base/address.ts";
import type { Server } from "../lib/server.ts";
import type { Fault } from "./fault.ts";
import { addressOf, type Scene } from "./scene.ts";

/** Numbers that a raise passes over, at most. */
const reach = 1000;

export const numberFaults: readonly Fault[] = [
  {
    name: "numbers",
    kind: "numbers",
    expected:
      "raises, last tickets and backups hold, whatever node is asked, while the leader dies",
    nodesMin: 3,
    weight: 1,
    elects: true,
    async run(scene) {
      const victim = await scene.leader();
      const rest = scene.but(victim);
      const counts = { raises: 0, lasts: 0, backups: 0 };
      let isOver = false;
      const asking = rest.map(async (server) => {
        while (!isOver) {
          await raise(scene, server);
          counts.raises++;
          await askLast(scene, server);
          counts.lasts++;
          await backUp(scene, server);
          counts.backups++;
          await list(scene, server);
        }
      });
      try {
        await scene.clients.more(500);
        await scene.kill(victim);
        await scene.clients.more(500, rest.map(({ id }) => id));
      } finally {
        isOver = true;
        await Promise.all(asking);
      }
      await scene.start([victim]);
      await scene.recovered();
      assert(counts.raises > 0 && counts.lasts > 0 && counts.backups > 0);
      return `${counts.raises} of each, node ${victim.id} killed`;
    },
  },
];

async function raise(scene: Scene, server: Server): Promise<void> {
  const { checker, options: { random } } = scene;
  const passed = random(reach);
  const to = checker.asks() + passed;
  checker.unanswered(passed);
  assert.equal(await server.ask("TICKET.RAISE", `${to}`), "OK");
  checker.passes(to);
}

async function askLast({ checker }: Scene, server: Server): Promise<void> {
  const { largest } = checker;
  const last = Number(await server.ask("TICKET.LAST"));
  assert(last >= largest, `last ${last}, and ${largest} was given before`);
  checker.passes(last);
}

/** Every sequence is in the pages, with a number that is none of the past. */
async function list(scene: Scene, server: Server): Promise<void> {
  const largest = scene.sequences.map(({ name, checker }) =>
    [name, checker.largest] as const
  );
  const lasts = new Map<unknown, number>();
  let cursor: unknown = "0";
  do {
    const reply = await server.ask("TICKET.LIST", `${cursor}`, "COUNT", "3");
    assert.ok(Array.isArray(reply) && Array.isArray(reply[1]), `${reply}`);
    const [next, pairs] = reply;
    cursor = next;
    for (let i = 0; i < pairs.length; i += 2) {
      lasts.set(pairs[i], Number(pairs[i + 1]));
    }
  } while (cursor !== "0");
  for (const [name, number] of largest) {
    const last = lasts.get(name) ?? 0;
    assert.ok(last >= number, `${name}: ${last}, and ${number} was given`);
  }
}

/** By `ticketd backup`, so that file and answer are tried as well. */
async function backUp(
  { checker, options: { directory } }: Scene,
  server: Server,
): Promise<void> {
  const { largest } = checker;
  const path = `${directory}/${server.id}.backup`;
  const complaints: string[] = [];
  const terminal = {
    error: (line: string) => void complaints.push(line),
    isTerminal: false,
  };
  const address = parseAddress(addressOf(server))!;
  const task = { address, path, everyMillis: undefined, keep: undefined };
  const world = realWorld(terminal, new AbortController().signal);
  assert.equal(await backup(task, world), 0, complaints.join());
  const found = decodeBackup(await Deno.readFile(path), path);
  const last = found.sequences.find(({ name }) => name === "ticket")?.last;
  assert(
    Number(last) >= largest,
    `${last} is kept, and ${largest} was given before`,
  );
  // After a recovery it would be another cluster's, which is not replaced.
  await Deno.remove(path);
}
