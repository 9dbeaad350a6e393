// The numbers that a leader has in hand: when it takes them ahead, when it gives them, and
// what becomes of the rest.

import assert from "node:assert/strict";
import { lastTicket } from "../../../../raft/tickets/machine.ts";
import type { GivenPart, Settled } from "../../../../raft/tickets/claim.ts";
import { electionTicks, Nodes, nodesAt, outcome } from "../../../lib/nodes.ts";

/** A cluster whose leader takes ahead as soon as it can. */
function eager(voters: string): Nodes {
  const nodes = Nodes.of(voters);
  for (const id of voters) {
    nodes.crash(id);
    nodes.start(id, { takesMin: 1 });
  }
  nodes.elect(voters[0]!);
  return nodes;
}

/** Takes until `a` has some in hand; the last that was given. */
function stockUp(nodes: Nodes): bigint {
  for (let i = 0; i < 2; i++) nodes.take("a", 8);
  nodes.settle();
  assert(nodes.node("a").reserve.size >= 8, "nothing is in hand");
  return nodes.highest;
}

function rangeOf({ settlement }: Settled): GivenPart {
  assert(settlement.type === "given");
  return settlement.parts[0]!;
}

function next(nodes: Nodes, id: string): bigint {
  const asked = nodes.take(id);
  nodes.settle();
  assert.equal(asked.given.length, 1, outcome(asked));
  return asked.given[0]!;
}

/** Time passes for the others, until one of them leads; its id. */
function electWithout(nodes: Nodes, id: string): string {
  for (;;) {
    for (const other of "abc") if (other !== id) nodes.tick(other);
    nodes.settle();
    const leader = nodes.leaders.find((one) => one !== id);
    if (leader !== undefined) return leader;
  }
}

Deno.test("A leader takes exactly what is asked for, while that is little", () => {
  const nodes = Nodes.ledBy("abc");
  for (let i = 0; i < 9; i++) {
    next(nodes, "a");
    assert.equal(nodes.node("a").lastTicket, nodes.highest);
  }
  assert.equal(nodes.node("a").reserve.size, 0);
});

Deno.test("A leader that is asked for much takes some ahead, and waits for no disk then", () => {
  const nodes = eager("abc");
  const last = stockUp(nodes);
  for (const id of "abc") nodes.disk(id).stuck = true;
  assert.equal(next(nodes, "a"), last + 1n);
  assert.equal(next(nodes, "b"), last + 2n);
});

Deno.test("What was taken ahead is not given before a majority has confirmed the leader", () => {
  const nodes = eager("abc");
  const last = stockUp(nodes);
  const questions = nodes.keepBack("Confirm");
  const asked = nodes.take("a");
  nodes.settle();
  assert.equal(outcome(asked), "1 waiting");
  nodes.passes = () => true;
  nodes.network.push(questions[0]!);
  nodes.settle();
  assert.equal(outcome(asked), `${last + 1n}`);
});

Deno.test("A claim that is first waits for its own round, and not for that of the one before it", () => {
  const nodes = eager("abc");
  const last = stockUp(nodes);
  const questions = nodes.keepBack("Confirm");
  const asked = [nodes.take("a"), nodes.take("a")];
  nodes.settle();
  nodes.network.push(questions[0]!);
  nodes.settle();
  assert.deepEqual(asked.map(outcome), [`${last + 1n}`, "1 waiting"]);
  nodes.passes = () => true;
  nodes.run(1);
  assert.equal(outcome(asked[1]!), `${last + 2n}`);
});

Deno.test("A leader that is elected again waits for no entry of its former term", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.isolate("a");
  const lost = nodes.take("a"); // where its successor's first entry will lie
  const successor = electWithout(nodes, "a");
  nodes.heal();
  nodes.run(electionTicks);
  assert.equal(outcome(lost), "1 leadership-lost");
  nodes.node(successor).core.transferLeadership("a");
  nodes.run(2);
  assert.deepEqual(nodes.leaders, ["a"]);
  assert.equal(next(nodes, "a"), 1n);
});

Deno.test("A leader that was replaced gives nothing of what it has in hand (PITFALLS 19)", () => {
  const nodes = eager("abc");
  const last = stockUp(nodes);
  nodes.isolate("a");
  const stale = nodes.take("a");
  assert(next(nodes, electWithout(nodes, "a")) > last);
  nodes.heal();
  nodes.settle();
  assert.equal(outcome(stale), "1 waiting", "a has not even ticked");
  nodes.tick("a");
  nodes.settle();
  assert.equal(outcome(stale), "1 leadership-lost");
});

Deno.test("A leader that is elected again begins behind what it had in hand", () => {
  const nodes = eager("abc");
  stockUp(nodes);
  const taken = nodes.node("a").lastTicket;
  const { inHand } = nodes.node("a").reserve.hands.find("ticket")!;
  nodes.isolate("a");
  nodes.run(2 * electionTicks);
  nodes.heal();
  nodes.run(4 * electionTicks);
  while (!nodes.leaders.includes("a")) {
    for (const id of "bc") {
      if (nodes.leaders.includes(id)) {
        nodes.node(id).core.transferLeadership("a");
      }
    }
    nodes.run(1);
  }
  assert(next(nodes, "a") > taken);
  const { burnt } = nodes.node("a").reserve;
  assert.deepEqual([burnt, taken], [BigInt(inHand.count), inHand.last]);
  const gap = nodes.computer("a").logged.find((line) => /burnt/.test(line));
  assert.equal(
    gap,
    `info: burnt ${burnt} numbers of ticket: this node lost its leadership with ` +
      `${taken - burnt + 1n} to ${taken} in hand`,
  );
});

Deno.test("A killed leader burns what it had in hand, and no more", () => {
  const nodes = eager("abc");
  const last = stockUp(nodes);
  const { size } = nodes.node("a").reserve;
  nodes.crash("a");
  const leader = nodes.awaitLeader();
  assert.equal(next(nodes, leader), last + BigInt(size) + 1n);
});

Deno.test("A follower's question is its confirmation: among three nobody else is asked", () => {
  const nodes = eager("abc");
  const last = stockUp(nodes);
  const questions = nodes.keepBack("Confirm");
  assert.equal(next(nodes, "b"), last + 1n);
  assert.deepEqual(questions, []);
});

Deno.test("A follower's question confirms nothing for others, who may have asked after it", () => {
  const nodes = eager("abc");
  const last = stockUp(nodes);
  nodes.keepBack("ConfirmResponse");
  const own = nodes.take("a");
  const forwarded = nodes.take("b");
  nodes.settle();
  assert.equal(outcome(own), "1 waiting");
  nodes.passes = () => true;
  nodes.run(1);
  assert.deepEqual(
    [own, forwarded].map(outcome),
    [`${last + 1n}`, `${last + 2n}`],
  );
});

Deno.test("What nobody comes for goes back into the log, and is given next", () => {
  const nodes = eager("abc");
  const last = stockUp(nodes);
  assert(nodes.node("a").lastTicket > last);
  nodes.run(25);
  for (const id of "abc") assert.equal(nodes.node(id).lastTicket, last, id);
  assert.equal(nodes.node("a").reserve.size, 0);
  assert.equal(next(nodes, "a"), last + 1n);
});

Deno.test("What goes back is given once, by whoever leads, whether that is committed or not", () => {
  for (const isSent of [true, false]) {
    const nodes = eager("abc");
    const last = stockUp(nodes);
    const taken = nodes.node("a").lastTicket;
    if (!isSent) nodes.isolate("a");
    assert(nodes.node("a").reserve.giveBack());
    nodes.take("a"); // it asks for it anew, and is never answered
    nodes.disk("a").stuck = true;
    nodes.node("a").tick();
    if (isSent) nodes.settle();
    nodes.crash("a");
    const leader = nodes.awaitLeader();
    const given = next(nodes, leader);
    assert(given > last, `${given} > ${last}`);
    assert(isSent || given > taken, `${given} > ${taken}`);
  }
});

Deno.test("A sole voter that is stopped goes on without a gap", () => {
  const nodes = eager("a");
  const last = stockUp(nodes);
  nodes.node("a").stop();
  nodes.settle();
  assert.deepEqual(nodes.computer("a").end, { error: undefined });
  nodes.start("a");
  nodes.elect("a");
  assert.equal(next(nodes, "a"), last + 1n);
});

Deno.test("A leader that is stopped hands over what it had in hand", () => {
  const nodes = eager("abc");
  const last = stockUp(nodes);
  nodes.node("a").stop();
  nodes.settle();
  const leader = nodes.awaitLeader();
  assert.equal(next(nodes, leader), last + 1n);
});

Deno.test("What is taken ahead shrinks with the demand, to nothing", () => {
  const nodes = eager("abc");
  for (let tick = 0; tick < 8; tick++) {
    for (let i = 0; i < 10; i++) nodes.take("a", 10);
    nodes.run(1);
  }
  assert(nodes.node("a").reserve.aheadOf("ticket") >= 100);
  nodes.run(5);
  assert.equal(nodes.node("a").reserve.aheadOf("ticket"), 0);
});

Deno.test("At the very end a take gets all that it asks for or nothing, and a smaller one what is left", () => {
  const nodes = nodesAt(lastTicket - 20n, { takesMin: 1 });
  const takes = [4, 4, 4, 4, 9, 1].map((count) => {
    const asked = nodes.take("a", count);
    nodes.settle();
    return asked;
  });
  assert.deepEqual(takes.map(({ given }) => given.length), [4, 4, 4, 4, 0, 1]);
  assert.deepEqual(takes[4]!.refusals, [{ count: 9, reason: "exhausted" }]);
  const rest = [nodes.take("a", 4), nodes.take("a", 3), nodes.take("a", 1)];
  nodes.settle();
  assert.deepEqual(rest.map(outcome), [
    "4 exhausted",
    `${lastTicket - 2n}, ${lastTicket - 1n}, ${lastTicket}`,
    "1 exhausted",
  ]);
  assert.equal(nodes.given.size, 20);
  nodes.run(30);
  assert.equal(nodes.node("a").lastTicket, lastTicket);
});

Deno.test("What comes back after later numbers were given burns", () => {
  const nodes = eager("a");
  const last = stockUp(nodes);
  const { reserve } = nodes.node("a");
  const { burnt } = reserve;
  reserve.returned("ticket", { last: last - 2n, count: 3 });
  assert.equal(next(nodes, "a"), last + 1n);
  assert.equal(reserve.burnt, burnt + 3n);
  assert.equal(
    nodes.computer("a").logged.at(-1),
    `info: burnt 3 numbers of ticket: ${last - 4n} to ${
      last - 2n
    } were lent to this ` +
      "node's clients, and came back when later ones had been given",
  );
});

Deno.test("A leader does not take for its own what another put where its own had been (PITFALLS 19)", () => {
  const nodes = Nodes.ledBy("abc");
  nodes.isolate("a");
  nodes.node("a").core.propose(new Uint8Array());
  nodes.take("a", 3);
  const index = Number(nodes.stat("a", "last_log_index"));
  const successor = electWithout(nodes, "a");
  // Its own first entry, and one that takes numbers, lie there now; a does not hear that
  // the latter is committed.
  nodes.heal();
  nodes.run(1);
  nodes.passes = (m) =>
    m.to !== "a" || m.type !== "AppendEntries" || m.leaderCommit < index;
  nodes.take(successor, 3);
  nodes.settle();
  assert.equal(nodes.highest, 3n);
  assert.equal(Number(nodes.stat("a", "last_log_index")), index);
  assert.equal(nodes.node("a").lastTicket, 0n);
  nodes.passes = () => true;
  nodes.crash(successor);
  for (let i = 0; i < electionTicks; i++) {
    for (const id of "bc") if (id !== successor) nodes.tick(id);
    nodes.settle();
  }
  nodes.elect("a");
  const asked = nodes.take("a", 3);
  nodes.settle();
  assert.equal(outcome(asked), "4, 5, 6");
});

Deno.test("A round is over when those who have not answered it have no vote any more", () => {
  const nodes = Nodes.ledBy("ab");
  nodes.crash("b");
  const asked = nodes.take("a");
  nodes.settle();
  const removal = { id: "b", prevIndex: 0n, force: true };
  nodes.ask("a", { type: "remove-server", ...removal });
  nodes.run(2);
  assert.equal(outcome(asked), "1");
});

Deno.test("A leader that is stopped while it takes more first gives that, then hands over without a gap", () => {
  const nodes = eager("abc");
  stockUp(nodes);
  for (const id of "abc") nodes.disk(id).stuck = true;
  const asked = nodes.take("b", 60);
  nodes.settle();
  nodes.node("a").stop();
  nodes.settle();
  assert.equal(nodes.computer("a").end, undefined, "it waits");
  for (const id of "abc") nodes.disk(id).stuck = false;
  nodes.run(2);
  assert.deepEqual(nodes.computer("a").end, { error: undefined });
  const last = asked.given.at(-1)!;
  assert.equal(next(nodes, nodes.awaitLeader()), last + 1n);
});

Deno.test("A leader that is stopped and cannot give back waits an election timeout for that, and ends", () => {
  const nodes = eager("abc");
  stockUp(nodes);
  nodes.isolate("a");
  nodes.node("a").stop();
  nodes.run(3 * electionTicks);
  assert.deepEqual(nodes.computer("a").end, { error: undefined });
});

Deno.test("More than was asked for goes to nobody while others wait", () => {
  const nodes = eager("a");
  stockUp(nodes);
  const { reserve } = nodes.node("a");
  const loans = { spareOf: () => 1, recall: () => true };
  const ask = (count: number, asker: string | undefined) =>
    reserve.ask({
      kind: asker === undefined ? "own" : "served",
      parts: [{ name: "ticket", count, isCapped: false }],
      asker,
    });
  const claims = [ask(2, undefined), ask(1, "b"), ask(1, undefined)];
  const settled = claims.map(() => reserve.settleNext(loans));
  assert.deepEqual(settled.map((one) => one?.claim), claims, "in their order");
  const given = settled.map((one) => rangeOf(one!));
  assert.deepEqual(given.map(({ count }) => count), [2, 1, 1 + 1]);
  assert.equal(given[1]!.last, given[0]!.last + 1n);
  assert.equal(given[2]!.last, given[1]!.last + 2n);
  assert.equal(reserve.settleNext(loans), undefined);
  ask(1, "b");
  const { last } = given[2]!;
  const toOther = { last: last + 1n, count: 1, exists: true };
  assert.deepEqual(rangeOf(reserve.settleNext(loans)!), toOther);
});

Deno.test("Nothing is lent while somebody waits for more than is in hand", () => {
  const nodes = eager("a");
  stockUp(nodes);
  const { reserve } = nodes.node("a");
  nodes.disk("a").stuck = true;
  const asked = nodes.take("a", reserve.size + 5);
  assert(asked.left > 0, "it waits for the disk");
  assert.equal(reserve.lend("ticket", 1), undefined);
  nodes.disk("a").stuck = false;
  nodes.settle();
  assert.equal(asked.left, 0);
});

Deno.test("Nothing is given back while more is on its way: that would come after a gap", () => {
  const nodes = eager("a");
  const last = stockUp(nodes);
  const { reserve } = nodes.node("a");
  nodes.disk("a").stuck = true;
  for (let i = 0; i < 13; i++) nodes.take("a");
  assert.equal(nodes.highest, last + 13n);
  assert.equal(reserve.giveBack(), false);
  nodes.disk("a").stuck = false;
  nodes.settle();
  assert.equal(next(nodes, "a"), last + 14n);
});

Deno.test("A leader that is to stop gives nothing more to who asks, however many do", () => {
  const nodes = eager("abc");
  stockUp(nodes);
  for (const id of "abc") nodes.disk(id).stuck = true;
  nodes.node("a").stop();
  const { reserve } = nodes.node("a");
  const { size } = reserve;
  const asked = nodes.take("b", 9);
  nodes.settle();
  assert.equal(reserve.size, size, "nothing more is taken");
  assert.equal(outcome(asked), "9 waiting");
  for (const id of "abc") nodes.disk(id).stuck = false;
  nodes.run(2);
  assert.deepEqual(nodes.computer("a").end, { error: undefined });
});

Deno.test("No number is given before its entry is committed, taken ahead or not", () => {
  const nodes = eager("abc");
  for (const id of "abc") nodes.disk(id).stuck = true;
  const takes = [nodes.take("a", 5), nodes.take("b", 5)];
  nodes.settle();
  assert.deepEqual(takes.map(outcome), ["5 waiting", "5 waiting"]);
  for (const id of "abc") nodes.disk(id).stuck = false;
  nodes.settle();
  assert.deepEqual(takes.map(({ left }) => left), [0, 0]);
});

for (const aheadMax of [0, 1, 7]) {
  Deno.test(`A crash burns ${aheadMax} numbers at most, if no more may be taken ahead`, () => {
    for (const voters of ["a", "abc"]) {
      const nodes = Nodes.of(voters);
      for (const id of voters) {
        nodes.crash(id);
        nodes.start(id, { takesMin: 1, aheadMax });
      }
      nodes.elect("a");
      for (let i = 0; i < 50; i++) {
        const last = next(nodes, "a");
        const { lastTicket, reserve } = nodes.node("a");
        assert(
          lastTicket - last <= BigInt(aheadMax),
          `${lastTicket} - ${last}`,
        );
        assert(reserve.hands.unasked <= aheadMax);
        if (i % 10 === 0) nodes.run(1);
      }
    }
  });
}

Deno.test("Demand that pauses on a slow disk and goes on is served ahead again", () => {
  const nodes = Nodes.of("abc");
  nodes.crash("a");
  nodes.start("a", { takesMin: 4 });
  nodes.elect("a");
  for (let i = 0; i < 3; i++) {
    next(nodes, "a");
    assert.equal(nodes.node("a").reserve.size, 0);
  }
  next(nodes, "a");
  assert(nodes.node("a").reserve.size > 0);
  nodes.run(10);
  assert.equal(nodes.node("a").reserve.size, 0);
});
