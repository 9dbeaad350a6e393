// Which nodes are let in, which are refused, and for what reason.

import assert from "node:assert/strict";
import {
  factOfRefusal,
  faultOfChallenge,
  faultOfHello,
  faultOfProof,
  remedies,
} from "../../../../raft/identity/admission.ts";
import type {
  Challenge,
  DecodedHandshake,
  Hello,
  RefusalReason,
  Welcome,
} from "../../../../raft/identity/hello.ts";
import { evidenceOf } from "../../../../raft/identity/evidence.ts";
import { type Meeting, prove } from "../../../../raft/identity/proof.ts";
import {
  noMembers,
  type PeerProof,
} from "../../../../raft/identity/peer_ranks.ts";
import { disk, knowing, living, meeting, own } from "./identities.ts";

const hello: Hello = {
  type: "hello",
  nonce: meeting.diallerNonce,
  sender: "2",
  receiver: "1",
  proof: prove(meeting, "dialler knows the cluster"),
};
const challenge: Challenge = {
  type: "challenge",
  nonce: meeting.acceptorNonce,
  proof: prove(meeting, "acceptor knows the cluster"),
};
/** Neither a hello nor an answer to one. */
const welcome: Welcome = {
  type: "welcome",
  ...evidenceOf(own, { members: noMembers, meeting, by: "acceptor" }),
  incarnation: "",
  client: "",
  version: "",
};

Deno.test("faultOfHello() refuses strangers, each for its own reason (PITFALLS 29, 30)", () => {
  const meetingOf = ({ sender, receiver, nonce }: Hello): Meeting => ({
    ...meeting,
    dialler: sender,
    acceptor: receiver,
    diallerNonce: nonce,
  });
  const by = (fields: Partial<Hello>): Hello => {
    const message = { ...hello, ...fields };
    const proof = prove(meetingOf(message), "dialler knows the cluster");
    return { ...message, proof };
  };
  const foreign = { ...meeting, cluster: "d".repeat(32) };
  const proof = prove(foreign, "dialler knows the cluster");
  const cases: [DecodedHandshake, RefusalReason, RegExp][] = [
    [{ ...hello, proof }, "wrong-cluster", /does not belong to the cluster/],
    [{ ...hello, sender: "3" }, "wrong-cluster", /does not belong/],
    [by({ receiver: "3" }), "wrong-receiver", /node 3 and found node 1/],
    [by({ sender: "1", receiver: "3" }), "wrong-receiver", /node 3/],
    [by({ sender: "1" }), "used-id", /itself 1/],
    [{ type: "foreign", version: 7 }, "version", /protocol 7, this node 6/],
    [{ type: "malformed" }, "malformed", /cannot be read/],
    [welcome, "malformed", /cannot be read/],
  ];
  assert.equal(faultOfHello(by({}), own, meetingOf), undefined);
  for (const [message, reason, fact] of cases) {
    const fault = faultOfHello(message, own, meetingOf);
    assert.equal(fault?.reason, reason);
    assert.match(fault.fact, fact);
  }
});

Deno.test("A dialler says no more to a node that cannot prove to be of its cluster", () => {
  assert.equal(faultOfChallenge(challenge, meeting), undefined);
  const reflected = { ...challenge, proof: hello.proof };
  const cases: [DecodedHandshake, RefusalReason][] = [
    [reflected, "wrong-cluster"],
    [{ type: "foreign", version: 1 }, "version"],
    [welcome, "malformed"],
    [hello, "malformed"],
  ];
  for (const [message, reason] of cases) {
    assert.equal(faultOfChallenge(message, meeting)?.reason, reason);
  }
});

Deno.test("faultOfProof() lets in nodes that a configuration names, beside none that is better known", () => {
  const of = (proof: PeerProof, isFree = true) =>
    faultOfProof("2", {
      proof,
      members: knowing("2", disk),
      isFree: () => isFree,
      isDialled: false,
    })?.reason;
  assert.equal(of(living(disk)), undefined);
  assert.equal(of(living("9")), "used-id");
  const claimant = living("9", { knowsUs: true, since: 6 });
  assert.equal(of(claimant), undefined);
  assert.equal(of(claimant, false), "taken");
  const fault = faultOfProof("3", {
    proof: living("9"),
    members: noMembers,
    isFree: () => true,
    isDialled: true,
  });
  assert.equal(fault?.reason, "stranger");
});

Deno.test("factOfRefusal() has a sentence for every reason", () => {
  for (const reason of Object.keys(remedies) as RefusalReason[]) {
    assert.ok(factOfRefusal(reason, own).length > 10, reason);
  }
});
