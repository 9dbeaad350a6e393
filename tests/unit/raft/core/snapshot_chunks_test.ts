// A snapshot in chunks between two nodes of the core, with every kind of break at every chunk.
// One chunk is one byte of a snapshot of eight. `incoming_snapshot_test.ts` and
// `outgoing_snapshot_test.ts` have the two ends alone.

import assert from "node:assert/strict";
import { checksumOf } from "../../../../base/checksum.ts";
import { wrongChecksumsMax } from "../../../../raft/core/incoming_snapshot.ts";
import { Raft } from "../../../../raft/core/raft.ts";
import type {
  InstallSnapshot,
  Message,
  Snapshot,
} from "../../../../raft/core/types.ts";
import { Cluster } from "./cluster.ts";
import {
  appendEntries,
  electionTicks,
  heartbeatTicks,
  installSnapshot,
  members,
  optionsOf,
  persist,
  raftOf,
  savedOf,
  sent,
  sentOf,
  snapshotAt,
  stand,
  ticks,
  vote,
} from "./scene.ts";

const chunks = 8;

/** `a` leads and has compacted what `c` lacks; the next ticks bring `c` its snapshot. */
function behind(): Cluster {
  const cluster = Cluster.of("abc", { chunkBytes: 1 });
  cluster.elect("a");
  cluster.isolate("c");
  for (let i = 0; i < 5; i++) cluster.propose("a");
  cluster.run(electionTicks);
  cluster.compact("a");
  cluster.propose("a");
  cluster.settle();
  cluster.heal();
  return cluster;
}

/**
 * After `begin` runs until `c` has all that its leader has; the chunks that were sent to it
 * meanwhile.
 */
function catchUp(
  cluster: Cluster,
  { begin = () => {}, ticksMax = 20 * heartbeatTicks }: {
    begin?: () => void;
    ticksMax?: number;
  } = {},
): number {
  let count = 0;
  const { passes } = cluster;
  cluster.passes = (m) => {
    if (m.type === "InstallSnapshot" && m.to === "c") count++;
    return passes(m);
  };
  begin();
  for (let i = 0; i < ticksMax; i++) {
    cluster.run(1);
    const { leader } = cluster;
    if (cluster.host("c").applied === leader?.log.lastIndex) break;
  }
  cluster.passes = passes;
  const { leader } = cluster;
  assert.equal(cluster.host("c").applied, leader?.log.lastIndex);
  assert.equal(cluster.host("c").digest, cluster.host(leader!.id).digest);
  return count;
}

function isChunk(message: Message): message is InstallSnapshot {
  return message.type === "InstallSnapshot";
}

/** Loses all between `c` and the others from its chunk number `n` on. */
function breakAt(cluster: Cluster, n: number): void {
  let seen = 0;
  cluster.passes = (m) => {
    if (isChunk(m)) seen++;
    return seen < n || (m.from !== "c" && m.to !== "c");
  };
  cluster.run(2 * heartbeatTicks);
  cluster.passes = () => true;
}

Deno.test("A snapshot comes in as many chunks as it has, each once, and the entries behind it follow", () => {
  assert.equal(catchUp(behind()), chunks);
});

Deno.test("A message that is lost, whichever, delays a snapshot and does not begin it again", () => {
  for (let lost = 1; lost <= chunks; lost++) {
    for (const type of ["InstallSnapshot", "InstallSnapshotResponse"]) {
      const cluster = behind();
      let seen = 0;
      cluster.passes = (m) => m.type !== type || ++seen !== lost;
      const count = catchUp(cluster);
      assert(count < 2 * chunks, `${count} after ${type} ${lost}`);
      // From the lost one on at most; what had arrived before was kept.
      assert(
        count <= chunks + (chunks - lost + 1),
        `${type} ${lost}: ${count}`,
      );
    }
  }
});

Deno.test("A connection that breaks, at any chunk, resumes where it ended", () => {
  for (let n = 1; n <= chunks; n++) {
    const cluster = behind();
    breakAt(cluster, n);
    assert.equal(cluster.core("c").incoming?.arrivedBytes ?? 0, n - 1);
    const count = catchUp(cluster);
    // One asks how much is there.
    assert(count <= chunks - (n - 1) + 1, `${count} after ${n}`);
  }
});

Deno.test("A follower that restarts, at any chunk, begins again", () => {
  for (let n = 2; n <= chunks; n++) {
    const cluster = behind();
    breakAt(cluster, n);
    cluster.crash("c");
    cluster.restart("c");
    assert.equal(cluster.core("c").incoming, undefined);
    const count = catchUp(cluster);
    assert(count >= chunks && count <= chunks + 2, `${count} after ${n}`);
  }
});

Deno.test("Messages in any order, and twice, bring the snapshot all the same", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const cluster = behind();
    let state = seed;
    const random = (below: number) =>
      (state = (state * 48271) % 0x7fffffff) % below;
    for (let i = 0; i < 3000; i++) {
      const { network } = cluster;
      if (random(20) === 0) cluster.tick("abc"[random(3)]!);
      else if (network.length > 0) {
        cluster.deliver(random(network.length), { keep: random(4) === 0 });
      }
      if (network.length > 100) network.splice(0, 50);
      for (const id of "abc") cluster.finishSave(id);
    }
    catchUp(cluster, { ticksMax: 200 });
  }
});

Deno.test("Another leader with the same snapshot goes on with it", () => {
  const cluster = behind();
  cluster.compact("b");
  const a = cluster.core("a");
  assert.deepEqual(cluster.core("b").log.snapshot, a.log.snapshot);
  breakAt(cluster, 5);
  assert.equal(cluster.core("c").incoming?.arrivedBytes, 4);
  cluster.crash("a");
  const count = catchUp(cluster, { begin: () => cluster.elect("b") });
  assert.equal(count, chunks - 4 + 1, "one asks how much is there");
});

Deno.test("Another leader with another snapshot begins again", () => {
  const cluster = behind();
  cluster.isolate("c");
  cluster.run(heartbeatTicks);
  cluster.compact("b");
  cluster.heal();
  breakAt(cluster, 5);
  const offered = cluster.core("c").incoming?.head.index;
  assert(offered! < cluster.core("b").log.snapshot.index);
  cluster.crash("a");
  const begin = () => cluster.elect("b");
  assert.equal(catchUp(cluster, { begin }), chunks);
});

Deno.test("Heartbeats go on during a snapshot, disturb it not, and the follower stands for no election", () => {
  const cluster = behind();
  const { currentTerm } = cluster.core("a");
  const held: Message[] = [];
  cluster.passes = (m) => !isChunk(m) || !held.push(m);
  let arrived = 0;
  for (let i = 0; i < 3 * chunks; i++) {
    // Each chunk takes two heartbeats.
    cluster.run(2 * heartbeatTicks);
    cluster.network.push(...held.splice(0).slice(0, 1));
    cluster.settle();
    const now = cluster.core("c").incoming?.arrivedBytes ?? chunks;
    assert(now >= arrived);
    arrived = now;
    if (now === chunks) break;
  }
  assert.equal(arrived, chunks);
  catchUp(cluster);
  assert.equal(cluster.core("a").currentTerm, currentTerm);
  assert(cluster.core("a").progress.get("c")!.silentTicks < electionTicks);
});

Deno.test("A follower that is sent a snapshot follows its leader by chunks alone", () => {
  const follower = raftOf({ terms: [1] });
  const whole = installSnapshot(snapshotOf(9));
  for (let i = 0; i < 5; i++) {
    ticks(follower, electionTicks - 1);
    follower.step(chunkOf(whole, i, i + 1, { sequence: i + 1 }));
    assert.equal(follower.role, "follower");
  }
});

Deno.test("A follower behind catches up under full load, however often the leader compacts meanwhile", () => {
  const cluster = behind();
  const a = cluster.core("a");
  const held: Message[] = [];
  cluster.passes = (m) => m.to !== "c" || !held.push(m);
  // From its first answer on it counts as alive, and what it needs is kept.
  for (let i = 0; i < 20; i++) {
    if (cluster.core("c").incoming !== undefined) break;
    cluster.run(1);
    cluster.network.push(...held.splice(0, 2));
    cluster.settle();
  }
  const first = cluster.core("c").incoming?.head.index;
  assert.equal(first, a.log.snapshot.index);
  for (let round = 1; round < 200; round++) {
    // Two messages arrive while ten entries are committed and compacted.
    for (let i = 0; i < 10; i++) cluster.propose("a");
    cluster.settle();
    cluster.compact("a");
    for (const { id } of cluster.up) cluster.tick(id);
    cluster.network.push(...held.splice(0, 2));
    cluster.settle();
    if (cluster.core("c").log.snapshot.index > 0) break;
  }
  assert.equal(
    cluster.core("c").log.snapshot.index,
    first,
    "the one that was begun",
  );
  assert(a.log.compactedIndex < a.log.snapshot.index);
  let snapshots = 0;
  cluster.passes = (m) => {
    if (isChunk(m)) snapshots++;
    return true;
  };
  cluster.network.push(...held.splice(0));
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 10; i++) cluster.propose("a");
    cluster.run(1);
    cluster.compact("a");
  }
  assert.equal(snapshots, 0, "entries were enough");
  assert.equal(cluster.core("c").log.lastIndex, a.log.lastIndex);
  cluster.compact("a");
  assert.equal(a.log.compactedIndex, a.log.snapshot.index, "kept no longer");
});

/** Eight bytes of data. */
function snapshotOf(index: number, fields: Partial<Snapshot> = {}): Snapshot {
  const data = Uint8Array.from({ length: chunks }, (_, i) => index + i);
  return { ...snapshotAt(index, 2), data, ...fields };
}

function chunkOf(
  whole: InstallSnapshot,
  from: number,
  end: number,
  fields: Partial<InstallSnapshot> = {},
): InstallSnapshot {
  const chunk = whole.chunk.subarray(from, end);
  return { ...whole, offset: from, chunk, ...fields };
}

/** What the follower wants next, by its last answer. */
function wanted(raft: Raft): number | undefined {
  return sentOf(raft, "InstallSnapshotResponse").at(-1)?.offset;
}

Deno.test("Until the last chunk nothing of a snapshot is used", () => {
  const raft = raftOf({ terms: [1, 1] });
  const whole = installSnapshot(snapshotOf(9));
  raft.step(chunkOf(whole, 0, 7));
  assert.equal(wanted(raft), 7);
  assert.deepEqual([raft.log.lastIndex, raft.log.commitIndex], [2, 0]);
  assert.equal(raft.takeSnapshot(), undefined);
  raft.step(chunkOf(whole, 7, 8, { sequence: 2 }));
  assert.deepEqual(raft.takeSnapshot()?.data, snapshotOf(9).data);
  assert.deepEqual(
    sentOf(raft, "AppendEntriesResponse").map((m) => m.matchIndex),
    [9],
  );
  assert.equal(raft.incoming, undefined);
});

Deno.test("A late chunk of a snapshot that the leader has given up does not displace the present one", () => {
  const raft = raftOf({ terms: [1] });
  const [old, present] = [9, 12].map((i) => installSnapshot(snapshotOf(i)));
  raft.step(chunkOf(old!, 0, 4, { sequence: 1 }));
  raft.step(chunkOf(present!, 0, 4, { sequence: 3 }));
  assert.equal(wanted(raft), 4);
  raft.step(chunkOf(old!, 4, 8, { sequence: 2 }));
  assert.deepEqual(sent(raft), []);
  raft.step(chunkOf(present!, 4, 8, { sequence: 4 }));
  assert.equal(raft.takeSnapshot()?.index, 12);
});

Deno.test("A chunk of a former term moves nothing, and its sender is told the term", () => {
  const raft = raftOf({ terms: [1], term: 3 });
  const whole = installSnapshot(snapshotOf(9), { term: 3 });
  raft.step(chunkOf(whole, 0, 4));
  sent(raft);
  raft.step(chunkOf(whole, 4, 8, { term: 2, from: "c", sequence: 9 }));
  assert.equal(raft.incoming?.arrivedBytes, 4);
  const [refusal] = sentOf(raft, "AppendEntriesResponse");
  assert.deepEqual([refusal?.term, refusal?.success], [3, false]);
});

Deno.test("The members are those that the leader of the last chunk names, whoever sent the first", () => {
  const raft = raftOf({ terms: [1] });
  const whole = installSnapshot(snapshotOf(9));
  const lie = { ...whole.snapshot, configuration: members("x") };
  raft.step(chunkOf(whole, 0, 4, { from: "x", snapshot: lie }), {
    isClaim: true,
  });
  assert.equal(wanted(raft), 4);
  raft.step(chunkOf(whole, 4, 8, { term: 3 }));
  assert.deepEqual(raft.takeSnapshot()?.configuration, members("abc"));
  assert.deepEqual(raft.membership.voters, ["a", "b", "c"]);
});

Deno.test("A follower that gets as far by its log drops the snapshot that arrives", () => {
  const raft = raftOf({ terms: [1] });
  const whole = installSnapshot(snapshotOf(3, { term: 1 }), { term: 1 });
  raft.step(chunkOf(whole, 0, 4));
  const entries = [2, 3].map((index) => ({
    ...{ type: "noop", index, term: 1 } as const,
  }));
  const append = { prevLogIndex: 1, prevLogTerm: 1, sequence: 2 };
  raft.step(appendEntries({ ...append, entries, leaderCommit: 2 }));
  assert.notEqual(raft.incoming, undefined);
  raft.step(appendEntries({ ...append, entries, leaderCommit: 3 }));
  assert.equal(raft.incoming, undefined);
  // And the next chunk is answered as what is known already.
  raft.step(chunkOf(whole, 4, 8, { sequence: 4 }));
  assert.equal(raft.takeSnapshot(), undefined);
});

Deno.test("A node that is elected drops the snapshot that was arriving", () => {
  const raft = raftOf({ terms: [1] });
  raft.step(chunkOf(installSnapshot(snapshotOf(9)), 0, 4));
  stand(raft);
  persist(raft);
  assert.notEqual(raft.incoming, undefined);
  vote(raft, "b");
  assert.deepEqual([raft.role, raft.incoming], ["leader", undefined]);
});

Deno.test("A wrong checksum begins the snapshot again, and each third one is a fault", () => {
  const raft = raftOf({ terms: [1] });
  const whole = installSnapshot(snapshotOf(9));
  const bad = { chunk: Uint8Array.of(0) };
  for (let i = 1; i <= 2 * wrongChecksumsMax; i++) {
    assert.equal(raft.step(chunkOf(whole, 0, 7)), undefined);
    sent(raft);
    const fault = raft.step(chunkOf(whole, 7, 8, bad));
    if (i % wrongChecksumsMax === 0) {
      assert.match(fault!, new RegExp(`a wrong checksum, ${i} times`));
      assert.deepEqual(sent(raft), []);
    } else {
      assert.equal(fault, undefined);
      assert.equal(wanted(raft), 0);
    }
    assert.equal(raft.log.lastIndex, 1);
    assert.equal(raft.takeSnapshot(), undefined);
  }
  raft.step(chunkOf(whole, 0, 8));
  assert.equal(raft.takeSnapshot()?.index, 9);
});

Deno.test("A leader begins again at once when it is told of a wrong checksum", () => {
  const cluster = behind();
  let spoilt = 0;
  cluster.passes = (m) => {
    if (!isChunk(m) || m.offset !== 5 || spoilt++ > 0) return true;
    cluster.network.push({ ...m, chunk: Uint8Array.of(m.chunk[0]! ^ 1) });
    return false;
  };
  assert.equal(catchUp(cluster), 2 * chunks);
});

Deno.test("A whole snapshot that the machine cannot restore is refused, at once when it is offered again", () => {
  const asked: Uint8Array[] = [];
  const raft = new Raft({
    ...optionsOf(() => 0),
    canRestore: (data) => asked.push(data) === 0,
  }, savedOf({ terms: [1] }));
  const whole = installSnapshot(snapshotOf(9));
  assert.equal(raft.step(chunkOf(whole, 0, 4)), undefined);
  sent(raft);
  for (const [from, end] of [[4, 8], [0, 4], [4, 8]] as const) {
    const fault = raft.step(chunkOf(whole, from, end));
    assert.match(fault!, /a snapshot that this version cannot restore/);
    assert.deepEqual(sent(raft), []);
  }
  assert.deepEqual(asked, [snapshotOf(9).data]);
  assert.deepEqual([raft.log.lastIndex, raft.takeSnapshot()], [1, undefined]);
  assert.equal(raft.incoming?.reservedBytes, 0);
  assert.equal(checksumOf(asked[0]!), whole.snapshot.checksum);
});
