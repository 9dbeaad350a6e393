// Clients that do harm, all kinds of them at once, beside those whose tickets are checked. They
// harm only themselves: no client that was there before is closed, the node's own host still
// gets in, and places and memory are free again when they leave.
//
// A row (`Fault`) needs guests (`guests.ts`) on the client port of a victim, and the bites that
// prove that the node did something about each kind (`party.bitten`); then that the polite
// clients were served and kept. `scene.recovered()` comes last.

import assert from "node:assert/strict";
import { repository, type Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";
import { command } from "./command.ts";
import type { Fault } from "./fault.ts";
import {
  type Bite,
  type Guests,
  inviteCrowd,
  inviteDeaf,
  inviteWorks,
} from "./guests.ts";
import { noiseOf } from "./noise.ts";
import { Party } from "./party.ts";
import { addressOf, type Scene } from "./scene.ts";
import { sequenceClientsOfNode } from "./sequence_clients.ts";

/** How many clients ask in endless pipelines and read all replies, beside the guests. */
const greedy = 2;
const greedyDepth = 2000;

const workBites: readonly Bite[] = [
  "given no setting for a pattern",
  "refused a long name",
  "given a list of clients",
  "refused a long argument",
  "ended for what is no request",
  "reset",
];

export const guestFaults: readonly Fault[] = [
  {
    name: "guests",
    kind: "guests",
    expected:
      "refused or closed; the clients that were there keep their places",
    nodesMin: 1,
    weight: 1,
    elects: false,
    run: receive,
  },
];

async function receive(scene: Scene): Promise<string> {
  const victim = scene.pick(scene.servers);
  const { clients, checker } = scene;
  const polite = await clients.all(victim.id);
  const before = victim.log.length;
  const party = new Party<Bite>(victim, victim.port);
  const guests: Guests = {
    party,
    checker,
    noise: noiseOf(scene.options.random),
  };
  const ask = (conn: Deno.TcpConn) =>
    clients.join(victim.id, conn, greedyDepth);
  party.invite(ask, { count: greedy });
  inviteWorks(guests);
  let told: string;
  try {
    await party.bitten(workBites, 3);
    inviteDeaf(guests);
    await party.bitten(["closed without having read"], 10);
    inviteCrowd(guests);
    await party.bitten(["told that there is no place"], 100);
    await clients.more(1000, [victim.id]);
    await operatorIsLetIn(scene, victim);
    await clients.more(1000, [victim.id]);
  } finally {
    told = await party.end();
  }
  assert.ok(victim.running, `node ${victim.id} ended`);
  assert.equal(clients.goneOf(victim.id, polite), 0, "clients were closed");
  const log = victim.log.slice(before);
  assert.doesNotMatch(log, / error /);
  assert.match(log, /which held most.*--client-memory/);
  await leave(victim, { clients: polite.length + sequenceClientsOfNode });
  await scene.recovered();
  return `node ${victim.id}; guests were ${told}`;
}

/** A client from the node's own host finds a place. */
async function operatorIsLetIn(
  { options: { network } }: Scene,
  victim: Server,
): Promise<void> {
  const { id } = victim;
  const status = [
    ...network.wrapper(id),
    ...[Deno.execPath(), "run", "--allow-net", "--allow-read", "--allow-env"],
    ...[`${repository}main.ts`, "status", addressOf(victim)],
  ];
  await until(
    `an operator on node ${id}'s host sees the cluster`,
    () => command(...status).then(() => true, () => false),
  );
}

/** The guests have left: their places are free again, and the memory of their buffers. */
async function leave(
  victim: Server,
  { clients }: { clients: number },
): Promise<void> {
  const field = (info: string, name: string) =>
    Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1]);
  await until(`node ${victim.id}'s guests have left`, async () => {
    const info = String(await victim.ask("INFO").catch(() => ""));
    assert.ok(victim.running, `node ${victim.id} ended`);
    // The clients that stay, and the one that asks here.
    return field(info, "connected_clients") <= clients + 2 &&
      field(info, "client_memory") < 4 * 1024 * 1024 &&
      field(info, "internal_errors") === 0;
  });
}
