// The decision of one node that founds a cluster with others, rule by rule. All orders of
// events are in founding_model_test.ts.

import assert from "node:assert/strict";
import {
  type Answer,
  decide,
  type Self,
} from "../../../../raft/members/founding.ts";
import type { Draft, Proposal } from "../../../../raft/members/proposal.ts";

const made = "f".repeat(32);

function disk(id: string, life = 0): string {
  return `${id}${life}`.padStart(16, "0");
}

function proposalOf(
  ids: string,
  { cluster = "c", lives = [0, 0, 0] } = {},
): Proposal {
  const founders = [...ids].map((id, i) => ({
    id,
    address: `${id}:1`,
    incarnation: disk(id, lives[i]),
  }));
  return { cluster: cluster.repeat(32), founders };
}

function selfOf(
  node: string,
  { life = 0, expect = 3, ...draft }: Partial<Draft> & {
    life?: number;
    expect?: number;
  } = {},
): Self {
  const incarnation = disk(node, life);
  return {
    draft: {
      ...{ node, incarnation, accepted: undefined, former: [], hasLog: false },
      ...draft,
    },
    address: `${node}:1`,
    expect,
  };
}

function waits(
  id: string,
  { life = 0, expect = 3, accepted = undefined as Proposal | undefined } = {},
): Answer {
  const incarnation = disk(id, life);
  const address = `${id}:1`;
  return { type: "waiting", id, address, incarnation, expect, accepted };
}

function has(
  id: string,
  {
    cluster = "c",
    isLed = true,
    proposal = undefined as Proposal | undefined,
  } = {},
): Answer {
  return { type: "founded", id, cluster: cluster.repeat(32), isLed, proposal };
}

function typeOf(self: Self, ...answers: Answer[]): string {
  return decide(self, answers, made).type;
}

function whyOf(self: Self, ...answers: Answer[]): string {
  const decision = decide(self, answers, made);
  assert("why" in decision, decision.type);
  return decision.why;
}

Deno.test("The lowest of all expected nodes proposes, with all that it sees in order", () => {
  const decision = decide(selfOf("1"), [waits("3"), waits("2")], made);
  const expected = { ...proposalOf("123"), cluster: made };
  assert.deepEqual(decision, { type: "accept", proposal: expected });
  assert.equal(typeOf(selfOf("1"), waits("3")), "wait");
  assert.match(
    whyOf(selfOf("2"), waits("1"), waits("3")),
    /^sees 1, 2, 3, and waits for node 1 to propose/,
  );
});

Deno.test("A node sees itself once, and another node once, whatever their addresses", () => {
  const self = selfOf("1");
  assert.equal(typeOf(self, waits("1"), waits("2"), waits("2")), "wait");
  assert.equal(typeOf(self, waits("1"), waits("2"), waits("3")), "accept");
});

Deno.test("A node accepts the lowest's proposal if it names exactly those that it sees", () => {
  const accepted = proposalOf("123");
  const self = selfOf("2");
  const decision = decide(self, [waits("1", { accepted }), waits("3")], made);
  assert.deepEqual(decision, { type: "accept", proposal: accepted });
  const wiped = [waits("1", { accepted }), waits("3", { life: 1 })];
  assert.equal(typeOf(self, ...wiped), "wait");
  // Of another node it accepts nothing.
  assert.equal(typeOf(self, waits("1"), waits("3", { accepted })), "wait");
  assert.equal(
    typeOf(selfOf("2", { life: 1 }), waits("1", { accepted }), waits("3")),
    "wait",
  );
});

Deno.test("A node founds what all others have accepted, and not before", () => {
  const accepted = proposalOf("123");
  const self = selfOf("2", { accepted });
  const [one, three] = [waits("1", { accepted }), waits("3", { accepted })];
  assert.deepEqual(decide(self, [one, three], made), {
    type: "found",
    proposal: accepted,
  });
  assert.match(whyOf(self, one, waits("3")), /waits for all of them to accept/);
  assert.equal(typeOf(self, one), "wait");
  const other = waits("3", { accepted: proposalOf("123", { cluster: "d" }) });
  assert.equal(typeOf(self, one, other), "wait");
  const lost = waits("3", { life: 1, accepted });
  assert.notEqual(typeOf(self, one, lost), "found");
});

Deno.test("A founder that lags behind founds what another one has founded", () => {
  const proposal = proposalOf("123");
  const self = selfOf("2", { accepted: proposal });
  assert.deepEqual(decide(self, [has("1", { proposal, isLed: false })], made), {
    type: "found",
    proposal,
  });
  // Another disk under its id is no founder, and neither is one of another cluster.
  const wiped = selfOf("2", { life: 1 });
  assert.equal(typeOf(wiped, has("1", { proposal })), "join");
  // Not even if it has agreed to what needs the founder's disk, and is never founded.
  const accepted = proposalOf("123", { cluster: "e", lives: [0, 1, 0] });
  const agreed = selfOf("2", { life: 1, accepted });
  assert.equal(typeOf(agreed, has("1", { proposal })), "join");
  assert.equal(typeOf(self, has("1", { proposal, cluster: "d" })), "join");
});

Deno.test("A node joins a cluster that has a leader, and waits for one that has none yet", () => {
  const self = selfOf("2");
  assert.deepEqual(decide(self, [waits("1"), has("3")], made), {
    type: "join",
    cluster: "c".repeat(32),
  });
  assert.match(
    whyOf(self, waits("1"), has("3", { isLed: false })),
    /node 3 is a member, and knows no leader yet/,
  );
  const both = [has("1"), has("3", { cluster: "d" })];
  assert.match(whyOf(self, ...both), /^sees more than one cluster/);
});

Deno.test("Nodes that cannot be meant found nothing: too many, two of one id, other counts", () => {
  const self = selfOf("1");
  const two = [waits("2"), waits("3")];
  assert.match(whyOf(self, ...two, waits("4")), /^sees 4 nodes \(1, 2, 3, 4\)/);
  assert.match(whyOf(self, ...two, waits("3", { life: 1 })), /themselves 3:/);
  assert.match(
    whyOf(self, waits("1", { life: 1 }), waits("2")),
    /themselves 1:/,
  );
  assert.match(whyOf(self, waits("2", { expect: 2 })), /node 2 expects 2/);
  for (const fault of [[...two, waits("4")], [waits("2", { expect: 2 })]]) {
    assert.equal(typeOf(self, ...fault), "fault");
  }
});

Deno.test("A node agrees anew when a minority of the founders has lost its disk", () => {
  const accepted = proposalOf("123");
  const one = selfOf("1", { accepted });
  const decision = decide(one, [
    waits("2", { accepted }),
    waits("3", { life: 1 }),
  ], made);
  const anew = { ...proposalOf("123", { lives: [0, 0, 1] }), cluster: made };
  assert.deepEqual(decision, { type: "accept", proposal: anew });
  const two = selfOf("2", { accepted });
  const answers = [waits("1", { accepted: anew }), waits("3", { life: 1 })];
  assert.equal(typeOf(two, ...answers), "accept");
});

Deno.test("A node does not agree anew when a majority may have founded, and lost their disks", () => {
  const accepted = proposalOf("123");
  const three = selfOf("3", { accepted });
  const proposal = proposalOf("123", { cluster: "d", lives: [1, 1, 0] });
  const answers = [
    waits("1", { life: 1, accepted: proposal }),
    waits("2", { life: 1, accepted: proposal }),
  ];
  assert.match(
    whyOf(three, ...answers),
    /^has agreed .* 1, 2 came back without their data/,
  );
  // What it agreed to before that counts as well.
  const later = proposalOf("123", { cluster: "e", lives: [0, 1, 0] });
  const former = selfOf("3", { accepted: later, former: [accepted] });
  assert.equal(typeOf(former, ...answers), "fault");
});

Deno.test("A node that has agreed with some nodes does not agree with others", () => {
  const accepted = proposalOf("123");
  const one = selfOf("1", { accepted });
  assert.match(
    whyOf(one, waits("2", { accepted }), waits("4")),
    /^has agreed to found a cluster with 1, 2, 3, and sees 1, 2, 4/,
  );
});

Deno.test("A node that has agreed anew does not found what a disk brings back", () => {
  const before = proposalOf("abc");
  const since = proposalOf("abc", { cluster: "d", lives: [1, 0, 0] });
  const back = (isLed: boolean) => has("a", { isLed, proposal: before });
  const anew = selfOf("c", { accepted: since, former: [before] });
  const decision = decide(anew, [back(false)], made);
  assert.equal(decision.type, "fault");
  assert.match(
    (decision as { why: string }).why,
    /sees node a of cluster c{32}, and has agreed to found cluster d{32} since/,
  );
  // A majority founded it without this disk.
  assert.equal(decide(anew, [back(true)], made).type, "join");
  // The other disk has founded it, so that the later proposal is never founded.
  const other = has("b", { isLed: false, proposal: before });
  assert.equal(decide(anew, [other], made).type, "found");
  const still = selfOf("c", { accepted: before });
  assert.equal(decide(still, [back(false)], made).type, "found");
});
