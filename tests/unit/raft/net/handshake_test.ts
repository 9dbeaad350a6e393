// Handshakes over real connections: which nodes are let in, and what the others are told.

import assert from "node:assert/strict";
import {
  decodeHandshake,
  encodeHandshake,
} from "../../../../raft/identity/hello.ts";
import { noMembers } from "../../../../raft/identity/peer_ranks.ts";
import { encodeFrame } from "../../../../raft/net/frame.ts";
import { helloOf } from "../../../lib/fake_peer.ts";
import {
  FakeNode,
  frameOn,
  incarnationOf,
  numbered,
  Station,
  talkative,
  withNodes,
} from "./station.ts";

const otherCluster = "d".repeat(32);

Deno.test("Dialler and dialled tell each other where they serve clients, and their versions", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withNodes([a, b], async () => {
    a.peers.connect([b.address]);
    await a.until("has met the other", () => a.met.size > 0);
    await b.until("has met the other", () => b.met.size > 0);
    assert.deepEqual([...a.met], [["2", "127.0.0.1:2 2.0.0"]]);
    assert.deepEqual([...b.met], [["1", "127.0.0.1:1 1.0.0"]]);
  });
});

Deno.test("A node of another cluster is refused, told so, and logged once (PITFALLS 30)", async () => {
  const a = new Station("1");
  const b = new Station("2", {
    identity: { cluster: otherCluster, node: "2", incarnation: "2" },
  });
  await withNodes([a, b], async () => {
    b.peers.connect([a.address]);
    await b.until("is refused five times", () => b.refusals.length >= 5);
    assert.equal(b.refusals[0], "1 wrong-cluster");
    b.peers.send(numbered("2", "1", 1));
    assert.equal(a.received.length, 0);
    for (const { lines } of [a, b]) assert.equal(lines.length, 1, `${lines}`);
    assert.match(a.lines[0]!, /refused node 2 from .*: it does not belong to/);
    assert.match(b.lines[0]!, /no connection with node 1 at .*cluster d{32}/);
  });
});

Deno.test("A node under a used id is refused until the configuration names it (PITFALLS 17, 30)", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withNodes([a, b], async () => {
    a.incarnations.set("2", "a directory that was wiped");
    b.peers.connect([a.address]);
    await b.until("is refused", () => b.refusals.length > 0);
    assert.deepEqual(b.refusals[0], "1 used-id");
    a.incarnations.set("2", incarnationOf("2"));
    await b.says("connected to node 1");
    await b.reaches(a);
  });
});

Deno.test("A message meant for another node at this address is not taken (PITFALLS 29)", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withNodes([a, b], async () => {
    b.peers.connect([{ ...a.address, id: "3" }]);
    await b.until("is refused", () => b.refusals.length > 0);
    assert.equal(b.refusals[0], "3 wrong-receiver");
    await b.says("another node answers there");
  });
});

Deno.test("A node does not talk to itself (PITFALLS 29)", async () => {
  const a = new Station("1");
  await withNodes([a], async () => {
    a.peers.connect([a.address, { ...a.address, id: "2" }]);
    await a.until("is refused", () => a.refusals.length > 0);
    assert.equal(a.refusals[0], "2 wrong-receiver");
    assert.equal(await a.refusal({ id: "1" }), "used-id");
  });
});

Deno.test("A dialler hangs up on the wrong cluster, and on the wrong disk of a node", async () => {
  const a = new Station("1", { times: talkative });
  const fake = new FakeNode();
  await withNodes([a, fake], async () => {
    a.peers.connect([fake.address]);
    const foreign = await fake.accept({ cluster: otherCluster });
    assert.equal((await foreign.frame()).type, "more");
    await a.says("it does not belong to the cluster of this node");
    const other = await fake.accept({ incarnation: "3" });
    assert.equal((await other.frame()).type, "more");
    await a.says("another data directory");
    await fake.accept();
    await a.says("connected to node 2");
  });
});

Deno.test("A newer protocol version is refused by name", async () => {
  const a = new Station("1");
  await withNodes([a], async () => {
    const hello = encodeHandshake(helloOf(a.roleOf()).hello);
    hello[12] = 9;
    const caller = await a.call();
    await caller.write(encodeFrame(hello));
    const step = await frameOn(caller);
    assert.ok(step.type === "frame");
    assert.deepEqual(decodeHandshake(step.payload), {
      type: "refused",
      reason: "version",
    });
    assert.match(a.lines[0]!, /protocol 9, this node 6; run the same version/);
  });
});

Deno.test("A stranger is not let in under a member's id, however new a configuration it claims", async () => {
  const a = new Station("1");
  await withNodes([a], async () => {
    const since = 2 ** 50;
    const incarnation = "x".repeat(16);
    const stranger = { since, incarnation, otherDisk: "" };
    assert.equal(await a.refusal(stranger), "used-id");
    assert.equal(await a.refusal({ ...stranger, id: "9" }), "stranger");
    assert.equal(await a.refusal({ cluster: otherCluster }), "wrong-cluster");
    assert.equal(a.met.size, 0);
  });
});

Deno.test("A node tells its disk only to nodes that it knows", async () => {
  const a = new Station("1");
  await withNodes([a], async () => {
    const welcomes: Record<string, string> = {};
    for (const fields of [{}, { id: "9", incarnation: "9" }]) {
      const peer = await a.enter(fields);
      welcomes[peer.role.id] = peer.told;
      peer.close();
    }
    assert.deepEqual(welcomes, { 2: incarnationOf("1"), 9: "" });
  });
});

Deno.test("Nodes of the cluster that are no members fill no log, whatever ids they invent", async () => {
  const a = new Station("1");
  await withNodes([a], async () => {
    a.configurationIndex = 5;
    for (let i = 0; i < 20; i++) {
      const stranger = { id: `x${i}`, otherDisk: "" };
      assert.equal(await a.refusal(stranger), "stranger");
    }
    const told = a.lines.filter((line) => line.includes("is no member"));
    assert.equal(told.length, 1);
  });
});

Deno.test("A node that is joining, and knows no members yet, warns of no node that dials it", async () => {
  const a = new Station("1", {
    members: () => noMembers,
    log: (level, text) => void (level === "warning" && a.lines.push(text)),
  });
  await withNodes([a], async () => {
    assert.equal(await a.refusal({ otherDisk: "" }), "stranger");
    assert.deepEqual(a.lines, []);
    await a.enter({ since: 3 });
  });
});
