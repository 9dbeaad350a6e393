// The shell around the core: takes, saves, messages and status, in an order that is safe.

import assert from "node:assert/strict";
import type { PeerMessage, Save } from "../../../raft/core/types.ts";
import { encodeBatch, lastTicket } from "../../../raft/tickets/machine.ts";
import {
  electionTicks,
  foundedBy,
  membersOf,
  Nodes,
  nodesAt,
  outcome,
} from "../../lib/nodes.ts";
import { heartbeatTicks } from "./core/scene.ts";

function commandsOf({ entries }: Save): number {
  return entries.filter(({ type }) => type === "command").length;
}

Deno.test("Node answers takes in the order in which they were asked", () => {
  const nodes = Nodes.ledBy("abc");
  const takes = [1, 3, 2].map((count) => nodes.take("a", count));
  nodes.settle();
  assert.deepEqual(takes.map(outcome), ["1", "2, 3, 4", "5, 6"]);
});

Deno.test("Node answers a take once a majority of disks has it, and not before", () => {
  const nodes = Nodes.ledBy("abc");
  for (const id of "abc") nodes.disk(id).stuck = true;
  const asked = nodes.take("a");

  nodes.disk("a").finish();
  nodes.settle();
  assert.equal(outcome(asked), "1 waiting", "on one disk of three");

  nodes.disk("b").finish();
  nodes.settle();
  assert.equal(outcome(asked), "1");
});

Deno.test("Node counts the followers' disks while its own is slow", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.disk("a").stuck = true;
  const asked = nodes.take("a");
  nodes.settle();
  assert.equal(outcome(asked), "1");
});

Deno.test("Node alone does not acknowledge before its save is done (PITFALLS 10)", () => {
  const nodes = Nodes.ledBy("a");
  nodes.disk("a").stuck = true;
  const asked = nodes.take("a");
  nodes.run(3);
  assert.equal(outcome(asked), "1 waiting");
  nodes.disk("a").finish();
  assert.equal(outcome(asked), "1");
});

Deno.test("Node sends appends before its own disk has them", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.take("a");
  assert.notEqual(nodes.disk("a").writing, undefined);
  const appended = nodes.network.filter((message) =>
    message.type === "AppendEntries" && message.entries.length === 1
  );
  assert.deepEqual(appended.map(({ to }) => to), ["b", "c"]);
});

Deno.test("Node makes one save of all that came during the save before", () => {
  const nodes = Nodes.ledBy("a");
  const disk = nodes.disk("a");
  const takes = [nodes.take("a"), nodes.take("a", 2), nodes.take("a")];
  assert.equal(commandsOf(disk.writing!), 1);
  disk.finish();
  assert.equal(commandsOf(disk.writing!), 1);
  disk.finish();
  assert.deepEqual(takes.map(outcome), ["1", "2, 3", "4"]);
});

Deno.test("Node that forwards nothing refuses takes while it does not lead, in order", () => {
  const nodes = Nodes.ledBy("abc", { forward: "no" });
  assert.equal(outcome(nodes.take("b", 3)), "3 not-leader");

  nodes.isolate("a");
  const inFlight = nodes.take("a", 2);
  while (nodes.leaders.includes("a")) nodes.tick("a");
  assert.equal(outcome(inFlight), "2 leadership-lost");
  assert.equal(outcome(nodes.take("a")), "1 not-leader");
});

Deno.test("Node burns the numbers of takes that it lost the leadership for", () => {
  const nodes = Nodes.ledBy("abc");
  // Everything reaches the followers, nothing comes back: the entry survives.
  nodes.passes = ({ to }) => to !== "a";
  const inFlight = nodes.take("a", 5);
  nodes.settle();
  while (nodes.leaders.includes("a")) nodes.tick("a");
  assert.equal(outcome(inFlight), "5 leadership-lost");

  nodes.isolate("a");
  const leader = nodes.awaitLeader();
  const next = nodes.take(leader);
  nodes.settle();
  assert.equal(outcome(next), "6");

  nodes.passes = () => true;
  nodes.heal();
  nodes.run(2 * electionTicks);
  assert.equal(outcome(inFlight), "5 leadership-lost", "and only once");
});

Deno.test("Node does not take another leader's entry for its own", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.isolate("a");
  const lost = [nodes.take("a"), nodes.take("a")]; // 3 and 4 of term 2
  for (const id of "bc") {
    nodes.crash(id);
    nodes.start(id);
  }
  nodes.elect("b");
  const given = nodes.take("b"); // 4 of term 3
  nodes.settle();
  assert.equal(outcome(given), "1");

  // All at once, before it hears in any other way that it leads no more.
  nodes.hand({
    type: "AppendEntries",
    from: "b",
    to: "a",
    term: 3,
    prevLogIndex: 2,
    prevLogTerm: 2,
    leaderCommit: 4,
    entries: nodes.disk("b").saved.entries.slice(2),
    sequence: 1,
  });
  assert.deepEqual(lost.map(outcome), Array(2).fill("1 leadership-lost"));
  assert.equal(nodes.stat("a", "applied_index"), "4");
});

Deno.test("Node gives numbers to whoever waits when its entry is committed after all", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.passes = ({ to }) => to !== "a";
  const asked = nodes.take("a");
  nodes.settle();
  nodes.passes = () => true;
  nodes.run();
  assert.equal(outcome(asked), "1");
});

Deno.test("Node serves as a new leader only after an entry of its own term (PITFALLS 19, 20)", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.take("a", 7);
  nodes.settle();
  nodes.crash("a");
  // Elected, but its no-op reaches nobody.
  nodes.passes = ({ type }) => type !== "AppendEntries";
  const leader = nodes.awaitLeader();
  const asked = nodes.take(leader);
  nodes.settle();
  assert.equal(outcome(asked), "1 waiting");

  nodes.passes = () => true;
  nodes.run(2);
  assert.equal(outcome(asked), "8");
});

Deno.test("Node continues the numbers after all nodes crashed at once", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.take("a", 10);
  nodes.settle();
  for (const id of "abc") nodes.crash(id);
  for (const id of "abc") nodes.start(id);
  const leader = nodes.awaitLeader();
  const asked = nodes.take(leader);
  nodes.settle();
  assert.equal(outcome(asked), "11");
});

Deno.test("Node ends once when a save fails, and says nothing more (PITFALLS 1, 11, 13)", () => {
  for (const voters of ["a", "abc"]) {
    const nodes = Nodes.ledBy(voters);
    const { disk } = nodes.computer("a");
    const node = nodes.node("a");
    nodes.take("a");
    const { length } = nodes.computer("a").posted;
    nodes.network = [];
    disk.fail(new Error("the disk is gone"));
    assert.match(String(nodes.computer("a").end?.error), /the disk is gone/);

    node.tick();
    node.take(0, { name: "a", count: 1, isCapped: false, rest: 0 });
    node.admin(7, { type: "stats" });
    node.stop();
    for (const from of "bc") {
      const envelope = { from, to: "a", term: 99 } as const;
      node.receive({
        type: "RequestVote",
        ...envelope,
        lastLogIndex: 99,
        lastLogTerm: 99,
        transfer: true,
      }, { isOn: () => true, mark: "", knowsUs: true, since: 0 });
    }
    assert.equal(nodes.computer("a").posted.length, length);
    assert.deepEqual(nodes.network, [], "nor to its peers");
  }
});

Deno.test("Node ends when a flush fails", () => {
  const nodes = Nodes.ledBy("a");
  nodes.disk("a").stuck = true;
  nodes.run(4);
  nodes.disk("a").fail(new Error("no space left"));
  assert.match(String(nodes.computer("a").end?.error), /no space left/);
});

Deno.test("Node flushes at its interval, one flush at a time", () => {
  const nodes = Nodes.ledBy("a");
  const disk = nodes.disk("a");
  const before = disk.flushes;
  nodes.run(8);
  assert.equal(disk.flushes, before + 2);
  disk.stuck = true;
  nodes.run(40);
  assert(disk.finish());
  assert(!disk.finish(), "only one was under way");
});

Deno.test("Node ends, and does not guess, at a command of a newer format", () => {
  const take = { type: "take", name: "a", count: 1, isCapped: false } as const;
  const data = encodeBatch([take], { sequencesMax: 1 });
  data[0] = 6;
  const saved = foundedBy("a", membersOf("a"));
  const nodes = new Nodes([{
    ...saved,
    entries: [...saved.entries, { type: "command", index: 2, term: 1, data }],
  }]);
  nodes.run(2);
  assert.match(
    String(nodes.computer("a").end?.error),
    /format 6 in the log is newer than this ticketd, which knows 5/,
  );
});

Deno.test("Node gives what is left before 2^64 to those who ask for no more than that", () => {
  const nodes = nodesAt(lastTicket - 3n);
  const takes = [2, 5, 1].map((count) => nodes.take("a", count));
  nodes.settle();
  assert.deepEqual(takes.map(outcome), [
    `${lastTicket - 2n}, ${lastTicket - 1n}`,
    "5 exhausted",
    `${lastTicket}`,
  ]);
});

Deno.test("Node tells its status when it changed, at most once an input", () => {
  const nodes = Nodes.of("a");
  const { posted } = nodes.computer("a");
  assert.deepEqual(posted, []);
  nodes.elect("a");
  const told = posted.filter(({ type }) => type === "status");
  assert.deepEqual(nodes.computer("a").status, {
    state: "Leader",
    term: 2,
    leaderAddress: "a.example:1",
    memberHosts: ["a.example"],
    lastTicket: 0n,
    sequences: 0,
  });
  assert(told.length <= 3, `${told.length} in a few ticks`);
  nodes.take("a");
  nodes.run(10);
  assert.equal(
    posted.filter(({ type }) => type === "status").length,
    told.length,
  );
});

Deno.test("Node tells how far the tickets are, once a second at most", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.run(20);
  const told = () =>
    nodes.computer("b").posted.filter(({ type }) => type === "status").length;
  const before = told();
  for (let i = 0; i < 40; i++) {
    nodes.take("a");
    nodes.run(1);
  }
  const ticks = 40;
  assert(told() - before <= 1 + ticks / 20, `${told() - before} times`);
  nodes.run(20);
  assert.equal(nodes.computer("b").status?.lastTicket, 40n);
  assert.equal(nodes.stat("b", "last_ticket"), "40");
  const after = told();
  nodes.run(100);
  assert.equal(told(), after, "nothing new");
});

Deno.test("Node tells a follower's clients where the leader is, and when it is lost", () => {
  const nodes = Nodes.ledBy("abc");
  const status = () => nodes.computer("b").status;
  nodes.run();
  assert.equal(status()?.leaderAddress, "a.example:1");
  assert.equal(status()?.state, "Follower");
  nodes.isolate("b");
  nodes.run(3 * electionTicks);
  assert.deepEqual(status(), {
    state: "Candidate",
    term: 2,
    leaderAddress: "",
    memberHosts: ["a.example", "b.example", "c.example"],
    lastTicket: 0n,
    sequences: 0,
  });
});

Deno.test("Node stays connected to the members, and to nobody else", () => {
  const nodes = Nodes.of("abc", { spares: "x" });
  const peersOf = (id: string) =>
    nodes.computer(id).connected.map((server) => server.id).join("");
  assert.equal(peersOf("a"), "bc");
  assert.equal(peersOf("x"), "");
  nodes.elect("a");
  nodes.ask("a", {
    type: "add-voter",
    id: "x",
    address: "x.example:1",
    prevIndex: 0n,
  });
  assert.equal(peersOf("a"), "bcx");
  nodes.run(electionTicks);
  assert.equal(peersOf("x"), "abc");
});

Deno.test("Node stays connected to a server that it lets go, until that has heard of it", () => {
  const nodes = Nodes.ledBy("abc");
  const peersOf = (id: string) =>
    nodes.computer(id).connected.map((server) => server.id).join("");
  nodes.ask("a", {
    type: "remove-server",
    id: "c",
    prevIndex: 0n,
    force: true,
  });
  nodes.settle();
  assert.equal(nodes.servers("a"), "ab");
  assert.equal(peersOf("a"), "bc");
  assert.equal(peersOf("b"), "a", "a follower has nothing to tell it");
  nodes.run(3);
  assert.equal(nodes.servers("c"), "ab");
  nodes.run(60);
  assert.equal(peersOf("a"), "b");
});

Deno.test("Node tells when a leader was last heard, and its figures", () => {
  const nodes = Nodes.ledBy("ab");
  nodes.run();
  const contact = (id: string) =>
    nodes.ask(id, { type: "last-contact" }).answer;
  assert.deepEqual(contact("a"), {
    type: "text",
    text: "0001-01-01 00:00:00 +0000 UTC",
  });
  const heard = contact("b");
  assert(heard?.type === "text");
  assert.match(heard.text, /^2026-11-22 17:00:\d\d(\.\d+)? \+0000 UTC$/);
  assert.equal(nodes.stat("a", "last_contact"), "0");
  nodes.now += 70;
  assert.equal(nodes.stat("b", "last_contact"), "70ms");
  assert.equal(nodes.stat("b", "state"), "Follower");
  assert.deepEqual(nodes.ask("b", { type: "cluster" }).answer, {
    type: "text",
    text: "c".repeat(32),
  });
});

Deno.test("Node turns any error within it into its own end", () => {
  const nodes = Nodes.ledBy("ab");
  const message: PeerMessage = {
    type: "AppendEntries",
    from: "b",
    to: "a",
    term: 3,
    prevLogIndex: 1,
    prevLogTerm: 2, // it is 1, and committed
    leaderCommit: 0,
    entries: [],
    sequence: 1,
  };
  nodes.hand(message);
  const { end } = nodes.computer("a");
  assert.match(String(end?.error), /committed log is not its cluster's/);
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
