// Partitions between the nodes; clients reach every node all the time. The side with a majority
// goes on, the other gives nothing new, and healed they are one cluster again.
//
// A row (`Fault`) needs the ways to cut (`between`, `oneWay`), checks which side serves while
// they are cut, and ends with `heal()`: that proves that packets were dropped, and waits
// until all nodes have caught up.

import type { Server } from "../lib/server.ts";
import type { Fault } from "./fault.ts";
import { between, oneWay, type Way } from "./network.ts";
import { electionMillis, idsOf, nodes, pass, type Scene } from "./scene.ts";

export const networkFaults: readonly Fault[] = [
  {
    name: "split-leader",
    kind: "partition",
    expected: "the majority elects a leader; the old one gives nothing new",
    nodesMin: 3,
    weight: 2,
    elects: true,
    run: async (scene) => await splitLeader(scene, between),
  },
  {
    name: "split-deaf",
    kind: "partition",
    expected: "a leader that hears nobody yields; the others go on",
    nodesMin: 3,
    weight: 1,
    elects: true,
    run: async (scene) =>
      await splitLeader(scene, (few, many) => oneWay(many, few)),
  },
  {
    name: "split-mute",
    kind: "partition",
    expected: "a leader that nobody hears yields; the others go on",
    nodesMin: 3,
    weight: 1,
    elects: true,
    run: async (scene) => await splitLeader(scene, oneWay),
  },
  {
    name: "split-follower",
    kind: "partition",
    expected: "the majority goes on; the one cut off gives nothing",
    nodesMin: 3,
    weight: 1,
    elects: false,
    run: splitFollower,
  },
  {
    name: "split-partial",
    kind: "partition",
    expected: "a follower that misses only the leader stops nobody",
    nodesMin: 3,
    weight: 1,
    elects: false,
    run: splitPartial,
  },
  {
    name: "split-all",
    kind: "partition",
    expected: "nobody gives anything; healed, all serve",
    nodesMin: 3,
    weight: 1,
    elects: true,
    run: splitAll,
  },
];

/** Cuts off the leader and, of five nodes, perhaps another one. */
async function splitLeader(
  scene: Scene,
  ways: (few: string[], many: string[]) => Way[],
): Promise<string> {
  const { clients } = scene;
  const old = await scene.leader();
  const more = scene.options.random(scene.size - scene.majority);
  const few = [old, ...scene.some(more, scene.but(old))];
  const many = scene.but(...few);
  await cut(scene, ways(idsOf(few), idsOf(many)));
  const next = await leads(scene, many);
  await clients.more(1, idsOf(many));
  // The old leader has answered everything that it had committed, and gives nothing from now on.
  await clients.refusedBy(old.id);
  const given = few.map(({ id }) => clients.givenBy(id));
  await clients.more(1000, idsOf(many));
  await clients.refusedBy(old.id);
  if (few.some(({ id }, i) => clients.givenBy(id) !== given[i])) {
    throw new Error("a minority gave tickets");
  }
  await heal(scene);
  return `${nodes(few)} cut off, then node ${next.id} led`;
}

async function splitFollower(scene: Scene): Promise<string> {
  const { leader, follower } = await scene.follower();
  const others = scene.but(follower);
  await cut(scene, between([follower.id], idsOf(others)));
  const { clients } = scene;
  // Numbers from before the cut may still be on their way to a client.
  await clients.refusedBy(follower.id);
  const given = clients.givenBy(follower.id);
  await clients.more(1000, idsOf(others));
  await clients.refusedBy(follower.id);
  if (clients.givenBy(follower.id) !== given) {
    throw new Error("a follower that was cut off gave tickets");
  }
  await heal(scene);
  return `node ${follower.id} cut off, ${await whoLeads(scene, leader)}`;
}

async function splitPartial(scene: Scene): Promise<string> {
  const { leader, follower } = await scene.follower();
  await cut(scene, between([leader.id], [follower.id]));
  await pass(2.5 * electionMillis);
  await scene.clients.more(1000);
  const told = await whoLeads(scene, leader, scene.but(follower));
  await heal(scene);
  return `nodes ${leader.id} and ${follower.id}, ${told}`;
}

async function splitAll(scene: Scene): Promise<string> {
  const { clients } = scene;
  const ids = idsOf(scene.servers);
  await cut(
    scene,
    ids.flatMap((id) => oneWay([id], ids.filter((other) => other !== id))),
  );
  const given = () => ids.reduce((sum, id) => sum + clients.givenBy(id), 0);
  await Promise.all(ids.map((id) => clients.refusedBy(id)));
  const before = given();
  await pass(electionMillis);
  await Promise.all(ids.map((id) => clients.refusedBy(id)));
  if (given() !== before) throw new Error("a minority gave tickets");
  await heal(scene);
  return "all";
}

async function cut(scene: Scene, ways: readonly Way[]): Promise<void> {
  await scene.options.network.cut(ways);
}

async function heal(scene: Scene): Promise<void> {
  const dropped = await scene.options.network.heal();
  if (dropped === 0) throw new Error("did not bite: no packet was dropped");
  const healedAt = performance.now();
  await scene.recovered();
  scene.figures.add(
    "partition healed to all caught up",
    performance.now() - healedAt,
  );
}

async function leads(scene: Scene, among: readonly Server[]): Promise<Server> {
  const since = performance.now();
  const leader = await scene.leader(among);
  scene.figures.add("partition to new leader", performance.now() - since);
  return leader;
}

/** Says who leads: a follower's trouble causes no election, but a busy machine may. */
async function whoLeads(
  scene: Scene,
  before: Server,
  among = scene.servers,
): Promise<string> {
  const { id } = await scene.leader(among);
  return id === before.id ? `node ${id} led on` : `then node ${id} led`;
}
