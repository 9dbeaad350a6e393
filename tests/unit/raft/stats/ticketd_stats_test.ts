// ticketd's own pairs of RAFT.STATS, asked of nodes in a cluster.

import assert from "node:assert/strict";
import {
  cluster,
  electionTicks,
  Nodes,
  tickMillis,
} from "../../../lib/nodes.ts";
import { join } from "../../../lib/questions.ts";

/** The pairs after the original's. */
function ticketdStats(nodes: Nodes, id: string): (readonly [string, string])[] {
  const { answer } = nodes.ask(id, { type: "stats" });
  assert(answer?.type === "pairs");
  assert.equal(answer.pairs[17]![0], "term");
  return answer.pairs.slice(18);
}

/** The fields of `member` as `id` shows them. */
function seenBy(nodes: Nodes, id: string, member: string) {
  const text = nodes.stat(id, `server_${member}`);
  return Object.fromEntries(
    text.split(",").map((field) => field.split("=") as [string, string]),
  );
}

Deno.test("RAFT.STATS ends in ticketd's own keys, sorted", () => {
  const nodes = Nodes.ledBy("ab");
  const pairs = ticketdStats(nodes, "a");
  const keys = pairs.map(([key]) => key);
  assert.deepEqual(keys, [
    "client_address",
    "cluster",
    "disk_latency_avg_us",
    "disk_latency_last_us",
    "disk_latency_max_us",
    "disk_stalled",
    "disk_stalls",
    "id",
    "last_ticket",
    "leader_id",
    "leaders_seen",
    "raft_address",
    "sequences",
    "server_a",
    "server_b",
    "tickets_burnt",
    "tickets_in_hand",
    "version",
  ]);
  assert.deepEqual(keys, keys.toSorted());
  const { server_a, server_b, ...rest } = Object.fromEntries(pairs);
  assert.deepEqual(rest, {
    client_address: "a.example:2",
    cluster,
    disk_latency_avg_us: "0",
    disk_latency_last_us: "0",
    disk_latency_max_us: "0",
    disk_stalled: "0",
    disk_stalls: "0",
    id: "a",
    last_ticket: "0",
    leader_id: "a",
    leaders_seen: "1",
    raft_address: "a.example:1",
    sequences: "0",
    tickets_burnt: "0",
    tickets_in_hand: "0",
    version: "1.2.3",
  });
  const end = "contact_ms=0,version=1.2.3";
  assert.equal(
    server_a,
    "address=a.example:1,client=a.example:2,suffrage=voter,role=leader," +
      `match=2,lag=0,${end}`,
  );
  assert.equal(
    server_b,
    "address=b.example:1,client=b.example:2,suffrage=voter,role=follower," +
      `match=2,lag=0,${end}`,
  );
});

Deno.test("The leader shows how far a silent member is behind, and for how long", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.crash("c");
  for (let i = 0; i < 3; i++) {
    nodes.take("a");
    nodes.run();
  }
  const { role, match, lag, contact_ms } = seenBy(nodes, "a", "c");
  assert.deepEqual([role, match, lag], ["follower", "2", "3"]);
  assert.equal(contact_ms, `${3 * tickMillis}`);
  nodes.run(electionTicks);
  assert.equal(seenBy(nodes, "a", "c").role, "unknown");
});

Deno.test("A follower shows the leader and itself, and of the others only what they told", () => {
  const nodes = Nodes.ledBy("abc");
  const roles = [..."abc"].map((id) => seenBy(nodes, "b", id).role);
  assert.deepEqual(roles, ["leader", "follower", "unknown"]);
  const { match, lag, contact_ms, client } = seenBy(nodes, "b", "a");
  assert.deepEqual([match, lag, contact_ms], ["", "", ""]);
  assert.equal(client, "a.example:2");
  assert.equal(nodes.stat("b", "leader_id"), "a");
  nodes.isolate("b");
  nodes.run(3 * electionTicks);
  assert.equal(nodes.stat("b", "leader_id"), "");
  assert.equal(seenBy(nodes, "b", "b").role, "candidate");
});

Deno.test("A learner is shown as one, and a member that was not met without what it would tell", () => {
  const nodes = Nodes.ledBy("ab", { spares: "x" });
  nodes.isolate("x");
  join(nodes, "a", { id: "x" });
  nodes.settle();
  assert.equal(
    nodes.stat("a", "server_x"),
    "address=x.example:1,client=,suffrage=learner,role=unknown,match=,lag=," +
      "contact_ms=,version=",
  );
});

Deno.test("RAFT.STATS counts leaders, each once", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.run(10);
  assert.equal(nodes.stat("b", "leaders_seen"), "1");
  nodes.crash("a");
  nodes.run(4 * electionTicks);
  assert.equal(nodes.stat("b", "leaders_seen"), "2");
});

Deno.test("RAFT.STATS tells how long saves took, and of a disk that hangs", () => {
  const nodes = Nodes.ledBy("a");
  const disk = () =>
    ["last_us", "avg_us", "max_us"].map((key) =>
      Number(nodes.stat("a", `disk_latency_${key}`))
    );
  assert.deepEqual(disk(), [0, 0, 0]);
  nodes.disk("a").stuck = true;
  nodes.take("a");
  nodes.run(electionTicks);
  const stall = () => [
    nodes.stat("a", "disk_stalled"),
    nodes.stat("a", "disk_stalls"),
  ];
  assert.deepEqual(stall(), ["1", "1"]);
  nodes.disk("a").stuck = false;
  nodes.settle();
  assert.deepEqual(stall(), ["0", "1"]);
  const [last, average, max] = disk();
  assert.equal(last, electionTicks * tickMillis * 1000);
  assert.equal(max, last);
  assert.ok(average! > 0 && average! < max!);
});

Deno.test("RAFT.STATS tells how many tickets are in hand, and how many burnt", () => {
  const nodes = Nodes.of("abc");
  nodes.crash("a");
  nodes.start("a", { takesMin: 1 });
  nodes.elect("a");
  for (let i = 0; i < 2; i++) nodes.take("a", 8);
  nodes.settle();
  assert.equal(nodes.stat("a", "tickets_in_hand"), "40");
  assert.equal(nodes.stat("b", "tickets_in_hand"), "0");
  nodes.isolate("a");
  nodes.run(2 * electionTicks);
  assert.equal(nodes.stat("a", "tickets_in_hand"), "0");
  assert.equal(nodes.stat("a", "tickets_burnt"), "40");
});
