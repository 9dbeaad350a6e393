// What a node tells another one that asks whether it founds a cluster, and to whom.

import assert from "node:assert/strict";
import {
  memberPairs,
  type Pairs,
  question,
  readAnswer,
  waitingPairs,
} from "../../../../raft/members/founding_answer.ts";
import { type Draft, proposalText } from "../../../../raft/members/proposal.ts";

const cluster = "c".repeat(32);
const accepted = {
  cluster,
  founders: [
    { id: "1", address: "a:1", incarnation: "1".repeat(16) },
    { id: "2", address: "b:1", incarnation: "2".repeat(16) },
  ],
};
const draft: Draft = {
  node: "1",
  incarnation: "1".repeat(16),
  accepted,
  former: [],
  hasLog: false,
};
const founder = { node: "2", incarnation: "2".repeat(16) };

function reply(pairs: Pairs): string[] {
  return [...pairs, ["via", "10.0.0.9"]].flat();
}

Deno.test("A question names the disk that asks", () => {
  assert.deepEqual(question(founder), [
    "RAFT.BOOTSTRAP",
    "2",
    "2".repeat(16),
  ]);
});

Deno.test("A waiting node's answer is read back, with the host at which it was reached", () => {
  for (const one of [draft, { ...draft, accepted: undefined }]) {
    const pairs = waitingPairs({ draft: one, address: ":12001", expect: 2 });
    assert.deepEqual(readAnswer(reply(pairs), "10.0.0.1"), {
      answer: {
        type: "waiting",
        id: "1",
        address: "10.0.0.1:12001",
        incarnation: draft.incarnation,
        expect: 2,
        accepted: one.accepted,
      },
      via: "10.0.0.9",
    });
    // Another machine could not dial a loopback host.
    const here = readAnswer(reply(pairs), "127.0.0.1")!.answer;
    assert(here.type === "waiting" && here.address === ":12001");
  }
});

Deno.test("A member tells its founding to a founder's disk alone", () => {
  const member = { id: "1", cluster, isLed: true, draft };
  const told = readAnswer(reply(memberPairs(member, founder)), "h")!.answer;
  assert.deepEqual(told, {
    type: "founded",
    id: "1",
    cluster,
    isLed: true,
    proposal: accepted,
  });
  const others = [
    { ...founder, incarnation: "3".repeat(16) },
    { ...founder, node: "3" },
    { node: "", incarnation: "" },
  ];
  for (const asker of others) {
    const pairs = memberPairs(member, asker);
    assert.doesNotMatch(JSON.stringify(pairs), /1{16}|2{16}/);
    const { answer } = readAnswer(reply(pairs), "h")!;
    assert(answer.type === "founded" && answer.proposal === undefined);
  }
});

Deno.test("A member of another cluster than it had agreed to tells nobody of that", () => {
  const member = { id: "1", cluster: "d".repeat(32), isLed: false, draft };
  const text = JSON.stringify(memberPairs(member, founder));
  assert(!text.includes(proposalText(accepted)), text);
  const none = { ...member, draft: undefined };
  assert.deepEqual(memberPairs(none, founder), memberPairs(member, founder));
});

Deno.test("Any other reply is no answer", () => {
  const good = reply(waitingPairs({ draft, address: "a:1", expect: 2 }));
  assert(readAnswer(good, "h"));
  const wrong = [
    "OK",
    undefined,
    new Error("ERR unknown command"),
    [],
    good.slice(1),
    good.map((word) => word === "waiting" ? "asleep" : word),
    good.map((word) => word === "2" ? "1" : word),
    good.map((word) => word === "2" ? "10" : word),
    good.map((word) => word === "a:1" ? "a" : word),
    good.map((word) => word === draft.incarnation ? "1" : word),
    good.map((word) => word === proposalText(accepted) ? "x" : word),
    ["id", "1", "state", "founded", "cluster", "c"],
    ["id", "/", "state", "founded", "cluster", cluster],
  ];
  for (const one of wrong) assert.equal(readAnswer(one, "h"), undefined);
});
