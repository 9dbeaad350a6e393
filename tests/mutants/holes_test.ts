// Tests that mutants asked for: each of these mistakes had gone unnoticed.

import assert from "node:assert/strict";
import { nobody } from "../../raft/identity/ranks.ts";
import { inboundMax, inboundShares } from "../../raft/net/peer_limits.ts";
import { Peers } from "../../raft/net/peers.ts";
import { denoFiles } from "../../storage/files.ts";
import { KvStorage } from "../../storage/kv_storage.ts";
import { Nodes } from "../lib/nodes.ts";
import { within } from "../lib/until.ts";
import {
  acknowledge,
  heartbeatTicks,
  installSnapshot,
  leaderOf,
  raftOf,
  requestVote,
  savedOf,
  sent,
  sentOf,
  snapshotAt,
  termsOf,
} from "../unit/raft/core/scene.ts";

Deno.test("A vote in a term that is on disk already is on disk before it is sent (§5.2)", () => {
  const raft = raftOf({ terms: [1, 1] });
  raft.step(requestVote({ from: "b", term: 2 }));
  assert.equal(sentOf(raft, "RequestVoteResponse")[0]!.granted, false);
  const last = { lastLogIndex: 2, lastLogTerm: 1 };
  raft.step(requestVote({ from: "c", term: 2, ...last }));
  assert.deepEqual(raft.takeMessages(), []);
  const save = raft.takeSave()!;
  assert.deepEqual(save.hardState, { currentTerm: 2, votedFor: "c" });
  assert.equal(save.mustSync, true);
  raft.saved(save.number);
  assert.equal(sentOf(raft, "RequestVoteResponse")[0]!.granted, true);
});

Deno.test("What a leader refuses while it hands over is not in its log either (PITFALLS 31)", () => {
  const raft = leaderOf();
  acknowledge(raft, "bc");
  const { lastIndex } = raft.log;
  raft.transferLeadership("b");
  assert.equal(raft.propose(Uint8Array.of(1)), undefined);
  assert.equal(raft.log.lastIndex, lastIndex);
});

Deno.test("A snapshot older than the follower's own changes nothing, and is acknowledged", () => {
  const snapshot = snapshotAt(5, 1);
  const raft = raftOf({ snapshot, terms: [1, 1] });
  raft.step(installSnapshot(snapshotAt(3, 1)));
  const [answer] = sent(raft);
  assert.equal(answer?.type, "AppendEntriesResponse");
  assert.deepEqual(
    answer.type === "AppendEntriesResponse" &&
      [answer.success, answer.matchIndex],
    [true, 3],
  );
  assert.equal(raft.log.snapshot, snapshot);
  assert.deepEqual(termsOf(raft), [1, 1]);
  assert.equal(raft.takeSnapshot(), undefined);
});

Deno.test("A follower's machine counts along: it goes on where its leader ended (§5.3)", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.take("a", 10);
  nodes.settle();
  nodes.run(heartbeatTicks);
  nodes.crash("a");
  const asked = nodes.take(nodes.awaitLeader());
  nodes.settle();
  assert.deepEqual(asked.given, [11n]);
});

Deno.test("OpenFile.sync() reports a fault of the system, later and once (PITFALLS 11)", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    const file = denoFiles(directory).create("a");
    file.close();
    const faults: (Error | undefined)[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    file.sync((error) => {
      faults.push(error);
      resolve();
    });
    assert.deepEqual(faults, []);
    await promise;
    assert.equal(faults.length, 1);
    assert.match(String(faults[0]), /^StorageError: cannot sync .*\/a: /);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("KvStorage commits nothing after a commit has failed, although it could (PITFALLS 13)", async () => {
  let commits = 0;
  const operation = {
    check: () => operation,
    set: () => operation,
    delete: () => operation,
    commit: () => {
      if (++commits === 2) return Promise.reject(new Error("disk full"));
      return Promise.resolve({ ok: true, versionstamp: String(commits) });
    },
  };
  const kv = { atomic: () => operation, close: () => {} };
  const storage = new KvStorage({
    kv: kv as unknown as Deno.Kv,
    files: undefined,
    ...{ versionstamp: null, head: undefined, state: undefined, bytes: 0 },
  }, { node: "a", durability: "high" });
  const saved = savedOf({});
  const done = (run: (done: (error?: Error) => void) => void) =>
    new Promise<string>((resolve) => run((e) => resolve(e?.message ?? "done")));
  assert.equal(await done((d) => storage.create(saved, d)), "done");
  const { hardState } = saved;
  const save = {
    ...{ number: 1, hardState, mustSync: true, snapshot: undefined },
    ...{ firstIndex: 1, entries: [] },
  };
  assert.equal(await done((d) => storage.write(save, d)), "disk full");
  assert.equal(await done((d) => storage.write(save, d)), "disk full");
  assert.equal(await done((d) => storage.flush(d)), "disk full");
  assert.equal(commits, 2);
  storage.close();
});

Deno.test("The 65th stranger makes the first one go, long before its time is up (PITFALLS 33)", async () => {
  const peers = Peers.listen({
    identity: { cluster: "c", node: "1", incarnation: "1" },
    about: { client: "", version: "" },
    address: "127.0.0.1:1",
    listen: { host: "127.0.0.1", port: 0 },
    members: () => nobody,
    receive: () => undefined,
    log: () => {},
    times: { helloMillis: 600_000 },
  });
  const strangers: Deno.TcpConn[] = [];
  try {
    const address = { hostname: "127.0.0.1", port: peers.port };
    for (let i = 0; i <= inboundShares(inboundMax).unauthenticated.max; i++) {
      strangers.push(await Deno.connect(address));
    }
    const end = strangers[0]!.read(new Uint8Array(1));
    const millisMax = 10_000;
    assert.equal(await within("the first one ends", end, { millisMax }), null);
  } finally {
    for (const stranger of strangers) stranger.close();
    await peers.close();
  }
});
