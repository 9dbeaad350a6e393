// A killed node of durability low may have lost tickets, but no term, vote or member: those
// decide which node may lead. The cluster's checker watches.

import assert from "node:assert/strict";
import { Cluster } from "./cluster.ts";
import { members } from "./scene.ts";

/** `a` leads four voters, and each of them has its first entry. */
function stage(): Cluster {
  const cluster = Cluster.of("abcd", { spares: "e" });
  cluster.elect("a");
  cluster.run(4);
  return cluster;
}

Deno.test("A killed node of durability low has lost its tickets, and no member (PITFALLS 40)", () => {
  const cluster = stage();
  const a = cluster.host("a");
  a.forgetsTo = a.disk;
  cluster.propose("a");
  cluster.input("a", (raft) => raft.changeMembership(members("abcde")));
  cluster.settle();
  const { lastIndex } = cluster.core("a").log;
  cluster.cut("a", "b");
  cluster.cut("a", "c");
  cluster.propose("a");
  cluster.finishSave("a");
  cluster.crash("a");
  cluster.restart("a");
  assert.equal(cluster.core("a").log.lastIndex, lastIndex);
  assert.deepEqual(cluster.core("a").membership.voters, [..."abcde"]);
});

Deno.test("A voter that was killed at low helps nobody to lead by a change that another leader overruled (PITFALLS 25, 40)", () => {
  const cluster = stage();
  // Members that only a knows: with b and e it would be a majority of them.
  cluster.isolate("a");
  cluster.input("a", (raft) => raft.changeMembership(members("abcde")));
  cluster.settle();
  // The others elect d. That its first entry is on three of four allows it to remove a.
  const b = cluster.host("b");
  b.forgetsTo = b.disk;
  const d = cluster.elect("d");
  cluster.run(4);
  assert.equal(d.log.termAt(d.log.commitIndex), d.currentTerm);
  cluster.crash("b");
  cluster.restart("b");
  cluster.cut("b", "c");
  cluster.cut("b", "d");
  cluster.input("d", (raft) => raft.changeMembership(members("bcd")));
  cluster.run(4);
  assert.equal(d.membership.currentIndex, d.log.commitIndex);
  // Two majorities without a node in common: a, b, e of five and c, d of three.
  cluster.heal();
  for (const here of "abe") for (const there of "cd") cluster.cut(here, there);
  cluster.run(100);
  assert.notEqual(cluster.core("a").role, "leader");
  assert.equal(d.role, "leader");
});
