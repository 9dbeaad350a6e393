// Which messages a node takes from which nodes: every rank of a sender, and every message. The
// effect of a message is the core's business; here it is taken or not.

import assert from "node:assert/strict";
import { checksumOf } from "../../../../base/checksum.ts";
import type { NodeId, PeerMessage } from "../../../../raft/core/types.ts";
import {
  honestProof,
  type PeerProof,
} from "../../../../raft/identity/peer_ranks.ts";
import { everyMessage } from "../../../lib/every_message.ts";
import { blank, electionTicks, Nodes } from "../../../lib/nodes.ts";
import { addNonvoter, join, remove } from "../../../lib/questions.ts";

const later = 2 ** 40;
const knowing = { knowsUs: true, since: later };

function on(
  incarnation: string,
  proved = { knowsUs: false, since: 0 },
): PeerProof {
  return {
    isOn: (disk) => disk === incarnation,
    mark: incarnation,
    ...proved,
  };
}

/** All that must stay as it is when no message is believed. */
function stateOf(nodes: Nodes, id: NodeId): unknown {
  const { role, leaderId, currentTerm, votedFor, log, removed } =
    nodes.node(id).core;
  const { lastIndex, commitIndex, snapshot } = log;
  return {
    ...{ role, leaderId, currentTerm, votedFor, removed },
    ...{ lastIndex, commitIndex, snapshot },
    members: nodes.servers(id),
    last: nodes.node(id).lastTicket,
  };
}

/** Types of the messages that are refused; and none of them all changes anything. */
function refusedOf(
  nodes: Nodes,
  { from, to, proof, terms = [] }: {
    from: NodeId;
    to: NodeId;
    proof: PeerProof;
    terms?: readonly number[];
  },
): Set<string> {
  const { currentTerm } = nodes.node(to).core;
  const refused = new Set<string>();
  for (const term of [currentTerm, ...terms]) {
    for (const message of everyMessage({ from, to, term })) {
      const before = stateOf(nodes, to);
      const fault = nodes.node(to).receive(message, proof);
      if (fault !== undefined) refused.add(message.type);
      nodes.network = [];
      assert.deepEqual(
        stateOf(nodes, to),
        before,
        `${message.type} of term ${term}`,
      );
    }
  }
  return refused;
}

const all = new Set(
  everyMessage({ from: "x", to: "a", term: 1 }).map(({ type }) => type),
);

function without(...types: PeerMessage["type"][]): Set<string> {
  return new Set([...all].filter((type) => !types.some((one) => one === type)));
}

Deno.test("A stranger is refused whatever it sends, under any id and with any claim", () => {
  for (const to of "ab") {
    const nodes = Nodes.ledBy("abc");
    nodes.take("a", 3);
    nodes.settle();
    const terms = [1, 3, 2 ** 24 + 9];
    for (const from of ["x", "c"]) {
      const proof = on("its own", { knowsUs: false, since: later });
      const refused = refusedOf(nodes, { from, to, proof, terms });
      assert.deepEqual(refused, all, from);
    }
  }
});

Deno.test("A claimant is not listened to by a node that leads, or hears a leader", () => {
  for (const to of "ab") {
    const nodes = Nodes.ledBy("abc");
    const terms = [1, 3, 2 ** 24 + 9];
    for (const from of ["x", "c"]) {
      const proof = on("its own", knowing);
      const refused = refusedOf(nodes, { from, to, proof, terms });
      assert.deepEqual(refused, new Set(), "it may be an honest one");
    }
  }
});

Deno.test("A node that is alone, and so leads, listens to no claimant", () => {
  const nodes = Nodes.ledBy("a");
  const proof = on("its own", knowing);
  refusedOf(nodes, { from: "x", to: "a", proof, terms: [3, 9] });
});

Deno.test("A node that hears no leader follows a member of which it has not heard yet", () => {
  const nodes = Nodes.ledBy("abc", { spares: "x" });
  nodes.isolate("c");
  join(nodes, "a", { id: "x" });
  nodes.run(4 * electionTicks);
  assert.equal(nodes.servers("a"), "abcx");
  // The leader that c knows is gone; x leads, which c does not know.
  nodes.crash("a");
  nodes.heal();
  nodes.passes = ({ type, from }) =>
    from !== "b" || (type !== "PreVote" && type !== "RequestVote");
  assert.equal(nodes.awaitLeader(), "x");
  nodes.run(electionTicks);
  assert.equal(nodes.servers("c"), "abcx");
  assert.equal(nodes.node("c").core.leaderId, "x");
});

Deno.test("A configuration that was never decided makes its node deaf to no member", () => {
  const nodes = Nodes.ledBy("abc", { spares: "xy" });
  join(nodes, "a", { id: "x" });
  nodes.settle();
  assert.equal(nodes.servers("b"), "abc(x)");
  // a proposes to add y, alone; the others decide that x is a voter.
  nodes.isolate("a");
  nodes.take("a", 1);
  addNonvoter(nodes, "a", { id: "y" });
  nodes.settle();
  nodes.run(2 * electionTicks);
  const leader = nodes.awaitLeader();
  nodes.run(2 * electionTicks);
  assert.equal(nodes.servers(leader), "abcx");
  assert.equal(nodes.servers("a"), "abc(x)[y]");
  const indexOf = (id: NodeId) => nodes.node(id).members.configurationIndex;
  assert.equal(indexOf("a"), indexOf("x"));
  // Without its leader the cluster needs a; and x alone may stand.
  nodes.crash(leader);
  nodes.heal();
  nodes.passes = ({ type, from }) =>
    from === "x" || (type !== "PreVote" && type !== "RequestVote");
  assert.equal(nodes.awaitLeader(), "x");
  nodes.run(electionTicks);
  assert.equal(nodes.node("a").core.leaderId, "x");
  assert.equal(nodes.servers("a"), nodes.servers("x"));
});

Deno.test("A leader that is known is followed rather than a claimant of the same term", () => {
  const nodes = Nodes.of("abc");
  const heartbeat = (from: NodeId): PeerMessage => ({
    ...{ type: "AppendEntries", from, to: "c", term: 5, sequence: 1 },
    ...{ prevLogIndex: 1, prevLogTerm: 1, leaderCommit: 0, entries: [] },
  });
  const c = nodes.node("c");
  const claim = on("its own", knowing);
  assert.equal(c.receive(heartbeat("x"), claim), undefined);
  assert.equal(c.core.leaderId, "x");
  assert.equal(c.receive(heartbeat("b"), nodes.proofOf("b", "c")), undefined);
  assert.equal(c.core.leaderId, "b");
  assert.equal(c.receive(heartbeat("x"), claim), undefined);
  assert.equal(c.core.leaderId, "b");
});

Deno.test("A claimant under the id of the leader that is known is not taken for it", () => {
  const nodes = Nodes.ledBy("abc");
  const refused = refusedOf(nodes, {
    ...{ from: "a", to: "b", proof: on("its own", knowing) },
    terms: [3],
  });
  assert.deepEqual(refused, new Set());
});

Deno.test("A former disk under a member's id neither votes nor acknowledges for the present one", () => {
  const nodes = Nodes.ledBy("abc");
  const former = nodes.proofOf("c", "a");
  nodes.crash("c");
  remove(nodes, "a", "c");
  nodes.settle();
  nodes.disk("c").replace(blank("c", "another disk"));
  nodes.start("c", { joins: true });
  join(nodes, "a", { id: "c", incarnation: "another disk" });
  nodes.run(2 * electionTicks);
  assert.equal(nodes.servers("a"), "abc");
  // It does not know any more which configuration is decided: either disk may be a member.
  nodes.isolate("a");
  nodes.crash("a");
  nodes.start("a");
  const { core, members } = nodes.node("a");
  assert.ok(members.disksOf("c").includes("life of c"));
  while (core.role === "follower") nodes.tick("a");
  const answers = (proof: PeerProof) => {
    const role = core.role;
    const { currentTerm: term, log: { lastIndex: matchIndex } } = core;
    const base = { from: "c", to: "a" };
    const granted = { ...base, granted: true };
    const took = { success: true, matchIndex, matchTerm: term };
    const all: PeerMessage[] = [
      { ...granted, type: "PreVoteResponse", term: term + 1 },
      { ...granted, type: "RequestVoteResponse", term },
      {
        ...base,
        type: "ConfirmResponse",
        term,
        round: core.leader?.lastRound ?? 0,
      },
      {
        ...{ ...base, ...took, type: "AppendEntriesResponse", term },
        sequence: core.lastSequence,
      },
    ];
    for (const message of all) {
      assert.equal(nodes.node("a").receive(message, proof), undefined);
    }
    nodes.disk("a").finish();
    return `${role} ${core.role} ${core.log.commitIndex}`;
  };
  const present = nodes.proofOf("c", "a");
  assert.equal(answers(former), "preCandidate preCandidate 0");
  assert.equal(answers(present), "preCandidate candidate 0");
  assert.equal(answers(former), "candidate candidate 0");
  assert.equal(answers(present), "candidate leader 0");
  nodes.disk("a").finish();
  assert.equal(answers(former), "leader leader 0");
  // A node that takes confirms this leader, which may need no other confirmation.
  const take: PeerMessage = {
    ...{ type: "Take", from: "c", to: "a", process: 1, id: 1, answered: 0 },
    term: core.currentTerm,
    parts: [{ name: "ticket", count: 1, isCapped: false }],
  };
  nodes.node("a").receive(take, former);
  assert.equal(nodes.node("a").reserve.size, 0, "nothing is taken for it");
  assert.notEqual(answers(present), "leader leader 0");
});

Deno.test("A claimant is given no vote that another incarnation of its id may have", () => {
  const nodes = Nodes.of("abc");
  const asks: PeerMessage = {
    ...{ type: "RequestVote", from: "b", to: "a", term: 5, transfer: false },
    ...{ lastLogIndex: 9, lastLogTerm: 9 },
  };
  const votes = () =>
    nodes.network.splice(0).filter(({ type }) => type === "RequestVoteResponse")
      .length;
  nodes.hand(asks);
  nodes.disk("a").finish();
  assert.equal(votes(), 1);
  nodes.node("a").receive(asks, on("another", knowing));
  nodes.disk("a").finish();
  assert.equal(votes(), 0);
});

Deno.test("A claimant does not make a node stop: only members tell it that it is no member", () => {
  const nodes = Nodes.of("abc");
  const says: PeerMessage = {
    ...{ type: "NotMember", from: "x", to: "c", term: 9 },
    configurationIndex: 99,
  };
  for (let i = 0; i < 2; i++) {
    const proof = on("its own", knowing);
    assert.equal(nodes.node("c").receive(says, proof), undefined);
  }
  assert.equal(nodes.node("c").core.removed, false);
  const warnings = nodes.computer("c").logged.filter((line) =>
    line.includes("node x, which this node does not know, says that")
  );
  assert.equal(warnings.length, 1);
});

Deno.test("A member that was removed may ask whether it is one, and nothing else", () => {
  const nodes = Nodes.ledBy("abcd");
  remove(nodes, "a", "d");
  nodes.settle();
  const proof = nodes.proofOf("d", "a");
  assert.equal(proof.knowsUs, true);
  // While it is seen off, its answers are no fault, and count for nothing.
  const lead: PeerMessage["type"][] = [
    "RequestVote",
    "AppendEntries",
    "InstallSnapshot",
    "Confirm",
    "TimeoutNow",
    "NotMember",
  ];
  const from = "d";
  const terms = [1, 3, 2 ** 24 + 9];
  const refused = refusedOf(nodes, { from, to: "a", proof, terms });
  assert.deepEqual(
    refused,
    new Set(
      [...lead, "PreVote", "AppendEntriesResponse", "ConfirmResponse"].filter((
        type,
      ) => refused.has(type)),
    ),
  );
  for (const type of lead) assert.ok(refused.has(type), type);
  for (const type of ["Take", "Forward"]) assert.ok(!refused.has(type), type);
  nodes.run(60); // it is seen off no longer
  const to = "b";
  const gone = { ...proof, since: 0 };
  const later = refusedOf(nodes, { from, to, proof: gone, terms: [1, 3] });
  assert.deepEqual(later, without("PreVote"));
});

Deno.test("A member without a vote may ask and answer, but neither lead nor be elected", () => {
  const nodes = Nodes.ledBy("abc", { spares: "x" });
  join(nodes, "a", { id: "x", nonvoter: true });
  nodes.run(electionTicks);
  assert.equal(nodes.servers("a"), "abc[x]");
  const proof = nodes.proofOf("x", "b");
  for (const message of everyMessage({ from: "x", to: "b", term: 3 })) {
    const leads = [
      "RequestVote",
      "AppendEntries",
      "InstallSnapshot",
      "Confirm",
      "TimeoutNow",
      "NotMember",
    ].includes(message.type);
    if (!leads) continue;
    const fault = nodes.node("b").receive(message, proof);
    assert.match(fault ?? "taken", /, and has no vote$/);
  }
  // It may have been given one since.
  const newer = { ...proof, since: later };
  const { currentTerm: term } = nodes.node("b").core;
  const asks: PeerMessage = {
    ...{ type: "RequestVote", from: "x", to: "b", term, transfer: false },
    ...{ lastLogIndex: 0, lastLogTerm: 0 },
  };
  assert.equal(nodes.node("b").receive(asks, newer), undefined);
});

Deno.test("A member whose disk no configuration names yet is a follower, and deposes no leader", () => {
  const nodes = Nodes.ledBy("abc");
  const { members } = nodes.node("a");
  assert.deepEqual(members.disksOf("x"), []);
  nodes.ask("a", {
    ...{ type: "add-nonvoter", id: "x", address: "x.example:1" },
    prevIndex: 0n,
  });
  nodes.run(2);
  assert.deepEqual(members.disksOf("x"), [""]);
  const proof = on("whatever");
  const from = "x";
  const refused = refusedOf(nodes, { from, to: "a", proof, terms: [3] });
  const lead = [
    "RequestVote",
    "AppendEntries",
    "InstallSnapshot",
    "Confirm",
    "TimeoutNow",
    "NotMember",
  ];
  for (const type of lead) assert.ok(refused.has(type), type);
  assert.ok(!refused.has("PreVote"));
});

Deno.test("A node that leads although an uncommitted configuration leaves it out is heard", () => {
  const nodes = Nodes.ledBy("abc");
  // a proposes to remove b, alone, and is gone; b leads, and a has to follow it.
  nodes.isolate("a");
  remove(nodes, "a", "b");
  nodes.settle();
  assert.equal(nodes.servers("a"), "ac");
  nodes.passes = ({ type, from }) =>
    from !== "c" || (type !== "PreVote" && type !== "RequestVote");
  for (let i = 0; i < 4 * electionTicks; i++) {
    for (const id of "bc") nodes.tick(id);
    nodes.settle();
  }
  assert.equal(nodes.node("c").core.leaderId, "b");
  nodes.heal();
  nodes.run(4 * electionTicks);
  assert.equal(nodes.node("a").core.leaderId, "b");
  assert.equal(nodes.servers("a"), "abc");
});

Deno.test("An entry or snapshot that this version cannot apply is refused before it is in the log", () => {
  const nodes = Nodes.ledBy("abc");
  const { currentTerm: term, log: { lastIndex } } = nodes.node("b").core;
  const base = { from: "a", to: "b", term, sequence: 99 };
  const place = { prevLogIndex: lastIndex, prevLogTerm: term, leaderCommit: 0 };
  const garbage = [
    Uint8Array.of(),
    Uint8Array.of(9),
    Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  ];
  for (const data of garbage) {
    const entry = {
      type: "command",
      index: lastIndex + 1,
      term,
      data,
    } as const;
    const fault = nodes.hand({
      ...{ ...base, ...place, type: "AppendEntries", entries: [entry] },
    });
    assert.match(fault ?? "taken", /that this version cannot apply/);
  }
  const chunk = Uint8Array.of(7);
  const fault = nodes.hand({
    ...{ ...base, type: "InstallSnapshot", offset: 0, chunk },
    snapshot: {
      ...{ index: 99, term, configurationIndex: 1 },
      ...{ bytes: 1, checksum: checksumOf(chunk) },
      configuration: nodes.node("b").core.membership.current,
    },
  });
  assert.match(fault ?? "taken", /that this version cannot restore/);
  assert.equal(nodes.node("b").core.log.lastIndex, lastIndex);
});

Deno.test("honestProof() proves what the configuration of the other node says", () => {
  const nodes = Nodes.ledBy("abc");
  const { identity } = nodes.disk("a").saved;
  const other = { identity, members: nodes.node("a").members };
  const proof = honestProof(other, nodes.disk("b").saved.identity);
  assert.deepEqual([proof.knowsUs, proof.since], [true, 1]);
});
