// Who may talk to whom, and the bytes in which it is asked.

import assert from "node:assert/strict";
import {
  factOfRefusal,
  faultOfChallenge,
  faultOfHello,
  faultOfProof,
  proofOf,
  remedies,
} from "../../../../raft/identity/admission.ts";
import type { Identity } from "../../../../raft/core/types.ts";
import {
  decodeGreeting,
  encodeGreeting,
  type Greeted,
  type Greeting,
  type Hello,
  introductionOf,
  type Refused,
} from "../../../../raft/identity/hello.ts";
import {
  isProved,
  type Meeting,
  newNonce,
  prove,
  type Statement,
} from "../../../../raft/identity/proof.ts";
import {
  honestProof,
  type Members,
  nobody,
  type PeerProof,
  rankOf,
  sinceOf,
} from "../../../../raft/identity/ranks.ts";

const cluster = "c".repeat(32);
const own: Identity = { cluster, node: "1", incarnation: "1".repeat(16) };
const disk = "2".repeat(16);
const meeting: Meeting = {
  cluster,
  dialler: "2",
  acceptor: "1",
  diallerNonce: newNonce(),
  acceptorNonce: newNonce(),
};
const [lives, knows] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
const hello: Hello = {
  type: "hello",
  nonce: meeting.diallerNonce,
  sender: "2",
  receiver: "1",
  proof: prove(meeting, "dialler knows the cluster"),
};
const about = { client: ":11002", version: "0.1.0" };
const mark = new Uint8Array(32).fill(3);
const evidence = { lives, knows, mark, since: 7 };
const claim = { type: "claim", ...evidence, ...about, address: ":1" } as const;
const challenge = {
  type: "challenge",
  nonce: meeting.acceptorNonce,
  proof: prove(meeting, "acceptor knows the cluster"),
} as const;
const welcome = {
  type: "welcome",
  ...evidence,
  since: 2 ** 53 - 1,
  incarnation: "f".repeat(16),
  client: "h".repeat(250) + ":1",
  version: "",
} as const;
const reasons = Object.keys(remedies) as Refused[];
const greetings: Greeting[] = [
  { ...hello, sender: "node.a-b_c" },
  challenge,
  claim,
  welcome,
  ...reasons.map((reason): Greeting => ({ type: "refused", reason })),
];

/** A configuration at index 5 that names one disk. */
function knowing(id: string, incarnation: string): Members {
  return {
    configurationIndex: 5,
    decidedIndex: 5,
    incarnationOf: (other) => other === id ? incarnation : "",
    disksOf: (other) => other === id ? [incarnation] : [],
  };
}

function living(on: string, { knowsUs = false, since = 0 } = {}): PeerProof {
  return { isOn: (disk) => disk === on, mark: on, knowsUs, since };
}

Deno.test("decodeGreeting() gives back what encodeGreeting() made", () => {
  for (const greeting of greetings) {
    assert.deepEqual(decodeGreeting(encodeGreeting(greeting)), greeting);
  }
});

Deno.test("decodeGreeting() calls every cut and every extra byte malformed", () => {
  for (const greeting of greetings.slice(0, 4)) {
    const bytes = encodeGreeting(greeting);
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      assert.deepEqual(decodeGreeting(cut), { type: "malformed" }, `${length}`);
    }
    const longer = new Uint8Array([...bytes, 0]);
    assert.deepEqual(decodeGreeting(longer), { type: "malformed" });
  }
  assert.deepEqual(decodeGreeting(new Uint8Array(0)), { type: "malformed" });
});

Deno.test("decodeGreeting() names another version, but reads its refusal", () => {
  const newer = encodeGreeting(hello);
  newer[12] = 9;
  assert.deepEqual(decodeGreeting(newer), { type: "foreign", version: 9 });
  const refusal = greetings.at(-1)!;
  const no = encodeGreeting(refusal);
  no[12] = 3;
  assert.deepEqual(decodeGreeting(no), refusal);
});

Deno.test("A hello and a refusal hold neither cluster nor disk, a claim no disk", () => {
  for (const greeting of [hello, challenge, claim, ...greetings.slice(4)]) {
    const text = new TextDecoder("latin1").decode(encodeGreeting(greeting));
    for (const secret of [cluster, own.incarnation, disk]) {
      assert.equal(text.includes(secret), false, greeting.type);
    }
  }
  const refusal = encodeGreeting({ type: "refused", reason: "wrong-cluster" });
  // Versions up to 3 read an id and a cluster there.
  assert.deepEqual([...refusal.slice(17)], [0, 1, "-".charCodeAt(0), 0]);
});

Deno.test("A proof is of one statement, two names, two nonces, one cluster and one disk", () => {
  const others: [Partial<Meeting>, Statement, string][] = [
    [{}, "acceptor lives on the disk", disk],
    [{}, "dialler knows the acceptor's disk", disk],
    [{}, "dialler lives on the disk", own.incarnation],
    [{ cluster: "d".repeat(32) }, "dialler lives on the disk", disk],
    [{ dialler: "3" }, "dialler lives on the disk", disk],
    [{ acceptor: "3" }, "dialler lives on the disk", disk],
    [{ dialler: "1", acceptor: "2" }, "dialler lives on the disk", disk],
    [{ diallerNonce: newNonce() }, "dialler lives on the disk", disk],
    [{ acceptorNonce: newNonce() }, "dialler lives on the disk", disk],
  ];
  const proof = prove(meeting, "dialler lives on the disk", disk);
  const isGood = (fields: Partial<Meeting>, ...of: [Statement, string]) =>
    isProved(proof, { ...meeting, ...fields }, ...of);
  assert.equal(isGood({}, "dialler lives on the disk", disk), true);
  for (const other of others) assert.equal(isGood(...other), false);
  assert.equal(isProved(new Uint8Array(0), meeting, others[0]![1]), false);
});

Deno.test("rankOf() tells members, those that may become it, and everybody else apart", () => {
  const known = knowing("2", disk);
  const newer = { since: 6, knowsUs: true };
  const cases: [string, PeerProof, Members, ReturnType<typeof rankOf>][] = [
    ["2", living(disk), known, "known"],
    ["2", living("9"), known, "stranger"],
    ["2", living("9"), knowing("2", ""), "unproved"],
    ["3", living(disk), known, "stranger"],
    // What it says of a newer configuration is believed of whoever knows our disk alone.
    ["2", living("9", { since: 2 ** 53 - 1 }), known, "stranger"],
    ["3", living("9", { since: 2 ** 53 - 1 }), known, "stranger"],
    ["2", living("9", newer), known, "claimant"],
    ["3", living("9", newer), known, "claimant"],
    ["2", living("9", { ...newer, since: 5 }), known, "stranger"],
    ["3", living("9", { ...newer, since: 5 }), known, "outsider"],
    ["3", living("9", { since: 1 }), nobody, "stranger"],
    ["3", living("9", { since: 1, knowsUs: true }), nobody, "claimant"],
  ];
  for (const [id, proof, members, rank] of cases) {
    assert.equal(rankOf(id, proof, members), rank, `${id} ${rank}`);
  }
});

Deno.test("Who may be led by an older configuration knows whom that knows", () => {
  // The newest, which leaves 2 out, was never committed.
  const members: Members = {
    configurationIndex: 9,
    decidedIndex: 5,
    incarnationOf: () => "",
    disksOf: (id) => id === "2" ? [disk] : [],
  };
  assert.equal(rankOf("2", living(disk), members), "known");
  // What others claim is compared with what was decided.
  const claims = living("9", { knowsUs: true, since: 6 });
  assert.equal(rankOf("3", claims, members), "claimant");
});

Deno.test("sinceOf() claims a membership only for the very disk that the configuration names", () => {
  assert.equal(sinceOf(own, knowing("1", own.incarnation)), 5);
  assert.equal(sinceOf(own, knowing("1", "other")), 0);
  assert.equal(sinceOf(own, nobody), 0);
  const identity = { cluster, node: "2", incarnation: disk };
  const proof = honestProof({ identity, members: knowing("1", "x") }, own);
  assert.equal(proof.knowsUs, false);
});

Deno.test("faultOfHello() refuses strangers, each for its own reason (PITFALLS 29, 30)", () => {
  const meetingOf = ({ sender, receiver, nonce }: Hello): Meeting => ({
    ...meeting,
    dialler: sender,
    acceptor: receiver,
    diallerNonce: nonce,
  });
  const by = (fields: Partial<Hello>): Hello => {
    const greeting = { ...hello, ...fields };
    const proof = prove(meetingOf(greeting), "dialler knows the cluster");
    return { ...greeting, proof };
  };
  const foreign = { ...meeting, cluster: "d".repeat(32) };
  const proof = prove(foreign, "dialler knows the cluster");
  const cases: [Greeted, Refused, RegExp][] = [
    [{ ...hello, proof }, "wrong-cluster", /does not belong to the cluster/],
    [{ ...hello, sender: "3" }, "wrong-cluster", /does not belong/],
    [by({ receiver: "3" }), "wrong-receiver", /node 3 and found node 1/],
    [by({ sender: "1", receiver: "3" }), "wrong-receiver", /node 3/],
    [by({ sender: "1" }), "used-id", /itself 1/],
    [{ type: "foreign", version: 7 }, "version", /protocol 7, this node 4/],
    [{ type: "malformed" }, "malformed", /cannot be read/],
    [welcome, "malformed", /cannot be read/],
  ];
  assert.equal(faultOfHello(by({}), own, meetingOf), undefined);
  for (const [greeted, reason, fact] of cases) {
    const fault = faultOfHello(greeted, own, meetingOf);
    assert.equal(fault?.reason, reason);
    assert.match(fault.fact, fact);
  }
});

Deno.test("A dialler says no more to whoever cannot prove to be of its cluster", () => {
  assert.equal(faultOfChallenge(challenge, meeting), undefined);
  const reflected = { ...challenge, proof: hello.proof };
  const cases: [Greeted, Refused][] = [
    [reflected, "wrong-cluster"],
    [{ type: "foreign", version: 1 }, "version"],
    [welcome, "malformed"],
    [hello, "malformed"],
  ];
  for (const [greeted, reason] of cases) {
    assert.equal(faultOfChallenge(greeted, meeting)?.reason, reason);
  }
});

Deno.test("faultOfProof() lets in whom a configuration names, beside nobody that is better known", () => {
  const of = (proof: PeerProof, hasPlace = true) =>
    faultOfProof("2", {
      proof,
      members: knowing("2", disk),
      places: () => hasPlace,
      isDialled: false,
    })?.reason;
  assert.equal(of(living(disk)), undefined);
  assert.equal(of(living("9")), "used-id");
  const claimant = living("9", { knowsUs: true, since: 6 });
  assert.equal(of(claimant), undefined);
  assert.equal(of(claimant, false), "taken");
  const fault = faultOfProof("3", {
    proof: living("9"),
    members: nobody,
    places: () => true,
    isDialled: true,
  });
  assert.equal(fault?.reason, "stranger");
});

Deno.test("proofOf() reads from the evidence what its side proved, and no more", () => {
  const evidence = {
    lives: prove(meeting, "dialler lives on the disk", disk),
    knows: prove(meeting, "dialler knows the acceptor's disk", own.incarnation),
    mark,
    since: 3,
  };
  const proof = proofOf(evidence, { own, meeting, isDialler: true });
  assert.deepEqual(
    [disk, "9", "", disk].map((incarnation) => proof.isOn(incarnation)),
    [true, false, false, true],
  );
  assert.deepEqual([proof.knowsUs, proof.since], [true, 3]);
  const other = proofOf(evidence, { own, meeting, isDialler: false });
  assert.deepEqual([other.isOn(disk), other.knowsUs], [false, false]);
});

Deno.test("introductionOf() fills in the host at which a node was met", () => {
  const clientAt = (host: string, client = ":11002") =>
    introductionOf({ ...about, client }, { host, incarnation: "", mark: "" })
      .client;
  assert.equal(clientAt("10.0.0.2"), "10.0.0.2:11002");
  assert.equal(clientAt("fd00::2"), "[fd00::2]:11002");
  for (const host of ["", "localhost", "127.0.0.5", "::1"]) {
    assert.equal(clientAt(host), "127.0.0.1:11002", host);
  }
  assert.equal(clientAt("10.0.0.2", "b.example:5"), "b.example:5");
});

Deno.test("introductionOf() passes on nothing but an address and a version", () => {
  const of = (about: { client: string; version: string }) => {
    const met = { host: "h", incarnation: "", mark: "" };
    const { client, version } = introductionOf(about, met);
    return [client, version];
  };
  for (const client of ["", "h", "h:0", ":0", "a\u001b[2J:1", "ä:1", "a b:1"]) {
    for (const version of ["", "1\r\n+OK", "1 2", "v".repeat(33)]) {
      assert.deepEqual(of({ client, version }), ["", ""]);
    }
  }
  assert.deepEqual(of({ client: "h:1", version: "1.0.0-rc.1+a" }), [
    "h:1",
    "1.0.0-rc.1+a",
  ]);
});

Deno.test("factOfRefusal() has a sentence for every reason", () => {
  for (const reason of reasons) {
    assert.ok(factOfRefusal(reason, own).length > 10, reason);
  }
});
