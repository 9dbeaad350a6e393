// The channel's end in the main isolate: who gets which answer.

import assert from "node:assert/strict";
import type { ToNode } from "../../../../raft/channel/messages.ts";
import { InvariantError } from "../../../../base/assert.ts";
import { NodeBox } from "../../../../raft/channel/node_box.ts";
import { TakeBox } from "../../../../raft/channel/take_box.ts";
import { RaftLink } from "../../../../server/tickets/raft_link.ts";
import { FakeNode } from "../../../lib/fakes.ts";

Deno.test("RaftLink knows no leader until the node has said something", () => {
  const { link } = new FakeNode({ prompt: false });
  assert.deepEqual(link.status, {
    state: "Follower",
    term: 0,
    leaderAddress: "",
    memberHosts: [],
    lastTicket: 0n,
    sequences: 0,
  });
});

Deno.test("RaftLink remembers the last status", () => {
  const node = new FakeNode({ prompt: false });
  const status = {
    state: "Leader",
    term: 2,
    leaderAddress: ":12001",
    memberHosts: [],
    lastTicket: 0n,
    sequences: 0,
  } as const;
  node.say({ type: "status", status });
  assert.deepEqual(node.link.status, status);
});

Deno.test("RaftLink brings each answer to who asked, in whatever order they come", () => {
  const node = new FakeNode({ prompt: false });
  const heard: string[] = [];
  const hear = (name: string) => (answer: { type: string }) =>
    heard.push(`${name} ${answer.type}`);
  node.link.admin({ type: "stats" }, hear("first"));
  node.link.admin({ type: "cluster" }, hear("second"));
  const ids = node.waiting.map((m) => m.type === "admin" ? m.id : 0);
  node.say({ type: "answered", id: ids[1]!, answer: { type: "ok" } });
  node.say({
    type: "answered",
    id: ids[0]!,
    answer: { type: "text", text: "" },
  });
  assert.deepEqual(heard, ["second ok", "first text"]);
  assert.throws(
    () => node.say({ type: "answered", id: ids[0]!, answer: { type: "ok" } }),
    InvariantError,
  );
});

Deno.test("RaftLink that gives up tells all who wait, and minds no late answer", () => {
  const node = new FakeNode({ prompt: false });
  const heard: string[] = [];
  node.link.admin({ type: "stats" }, (answer) => {
    heard.push(answer.type === "error" ? answer.text : answer.type);
  });
  const [asked] = node.waiting;
  node.link.giveUp();
  assert.deepEqual(heard, ["the node is stopping"]);
  assert(asked?.type === "admin");
  node.say({ type: "answered", id: asked.id, answer: { type: "ok" } });
  node.link.stop();
  assert.equal(heard.length, 1);
});

Deno.test("RaftLink says when the node is ready, when it was removed and when it has stopped", () => {
  const node = new FakeNode({ prompt: false });
  node.say({ type: "ready" });
  node.say({ type: "removed" });
  node.say({ type: "stopped", error: "disk full" });
  node.say({ type: "stopped", error: undefined });
  assert.deepEqual(node.events, [
    "ready",
    "removed",
    "stopped disk full",
    "stopped undefined",
  ]);
  node.link.stop();
  assert.deepEqual(node.waiting, [{ type: "stop" }]);
});

Deno.test("RaftLink gives back what it was lent when the node recalls it", () => {
  const node = new FakeNode({ prompt: false, defer: (task) => task() });
  const client = { granted() {}, refused() {} };
  node.link.dispenser.take("orders", client, one);
  node.waiting.length = 0;
  node.say({ type: "taken", door: 0, name: "orders", last: 9n, count: 9 });
  for (const name of ["orders", "orders", "others"]) {
    node.say({ type: "recall", name });
  }
  assert.deepEqual(node.waiting, [
    { type: "returned", name: "orders", last: 9n, count: 8 },
    { type: "returned", name: "orders", last: 9n, count: 0 },
    { type: "returned", name: "others", last: 0n, count: 0 },
  ]);
});

Deno.test("RaftLink gives back what lies in the box, unseen, as well", () => {
  const posted: ToNode[] = [];
  const takeBox = new TakeBox();
  const link = new RaftLink(
    { postMessage: (message) => posted.push(message) },
    {
      takeBox,
      ready() {},
      removed() {},
      stopped() {},
      defer: (task) => task(),
      asksAgain: false,
      timeoutMillis: 10_000,
    },
  );
  const told: bigint[] = [];
  const client = { granted: (last: bigint) => told.push(last), refused() {} };
  const node = new NodeBox(takeBox.memory);
  const hear = node.onRequest({ take() {}, refill() {} });
  link.dispenser.take("orders", client, one);
  hear();
  node.answerTake("orders", 9n, 9);
  assert.deepEqual(told, []);
  link.receive({ type: "recall", name: "orders" });
  assert.deepEqual(told, [1n]);
  assert.deepEqual(posted, [
    { type: "returned", name: "orders", last: 9n, count: 8 },
  ]);
});

const one = { count: 1, isBlock: false, isCapped: false };
