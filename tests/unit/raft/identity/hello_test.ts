// The bytes of the handshake, and what is passed on of what a node tells of itself.

import assert from "node:assert/strict";
import { remedies } from "../../../../raft/identity/admission.ts";
import {
  decodeHandshake,
  encodeHandshake,
  type HandshakeMessage,
  type Hello,
  introductionOf,
  type RefusalReason,
} from "../../../../raft/identity/hello.ts";
import { prove } from "../../../../raft/identity/proof.ts";
import { cluster, disk, meeting, own } from "./identities.ts";

const hello: Hello = {
  type: "hello",
  nonce: meeting.diallerNonce,
  sender: "2",
  receiver: "1",
  proof: prove(meeting, "dialler knows the cluster"),
};
const challenge = {
  type: "challenge",
  nonce: meeting.acceptorNonce,
  proof: prove(meeting, "acceptor knows the cluster"),
} as const;
const about = { client: ":11002", version: "0.1.0" };
const evidence = {
  ownDisk: new Uint8Array(32).fill(1),
  peerDisk: new Uint8Array(32).fill(2),
  mark: new Uint8Array(32).fill(3),
  since: 7,
};
const response = {
  type: "response",
  ...evidence,
  ...about,
  address: ":1",
} as const;
const welcome = {
  type: "welcome",
  ...evidence,
  since: 2 ** 53 - 1,
  incarnation: "f".repeat(16),
  client: "h".repeat(250) + ":1",
  version: "",
} as const;
const refusals = Object.keys(remedies).map((reason): HandshakeMessage => ({
  type: "refused",
  reason: reason as RefusalReason,
}));
const answers = [challenge, response, welcome];
const messages = [{ ...hello, sender: "node.a-b_c" }, ...answers, ...refusals];

Deno.test("decodeHandshake() gives back what encodeHandshake() made", () => {
  for (const message of messages) {
    assert.deepEqual(decodeHandshake(encodeHandshake(message)), message);
  }
});

Deno.test("decodeHandshake() calls every cut and every extra byte malformed", () => {
  for (const message of [hello, ...answers]) {
    const bytes = encodeHandshake(message);
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      const expected = { type: "malformed" };
      assert.deepEqual(decodeHandshake(cut), expected, `${length}`);
    }
    const longer = new Uint8Array([...bytes, 0]);
    assert.deepEqual(decodeHandshake(longer), { type: "malformed" });
  }
  assert.deepEqual(decodeHandshake(new Uint8Array(0)), { type: "malformed" });
});

Deno.test("decodeHandshake() names another version, but reads its refusal", () => {
  const newer = encodeHandshake(hello);
  newer[12] = 9;
  assert.deepEqual(decodeHandshake(newer), { type: "foreign", version: 9 });
  const refusal = refusals.at(-1)!;
  const no = encodeHandshake(refusal);
  no[12] = 3;
  assert.deepEqual(decodeHandshake(no), refusal);
});

Deno.test("A hello and a refusal hold neither cluster nor disk, a response no disk", () => {
  for (const message of [hello, challenge, response, ...refusals]) {
    const text = new TextDecoder("latin1").decode(encodeHandshake(message));
    for (const secret of [cluster, own.incarnation, disk]) {
      assert.equal(text.includes(secret), false, message.type);
    }
  }
  const refusal = encodeHandshake({ type: "refused", reason: "wrong-cluster" });
  // Versions up to 3 read an id and a cluster there.
  assert.deepEqual([...refusal.slice(17)], [0, 1, "-".charCodeAt(0), 0]);
});

Deno.test("The messages of protocol 6 have the bytes that they have always had", () => {
  const [one, two] = [1, 2].map((byte) => new Uint8Array(32).fill(byte));
  const nonce = one!.slice(0, 16);
  const proof = two!;
  const [ones, twos, threes] = ["01", "02", "03"].map((hex) => hex.repeat(32));
  const begin = "7469636b65746420706565720600000";
  const incarnation = "f".repeat(16);
  const rows: [HandshakeMessage, string][] = [
    [
      { ...hello, nonce, proof },
      `001${ones!.slice(32)}01320131${twos}`,
    ],
    [{ ...challenge, nonce, proof }, `004${ones!.slice(32)}${twos}`],
    [
      response,
      `005${ones}${twos}${threes}0700000000000000` +
      "063a313130303205302e312e30023a31",
    ],
    [
      { ...welcome, ...evidence, ...about, incarnation },
      `002${ones}${twos}${threes}0700000000000000` +
      "1066666666666666666666666666666666063a313130303205302e312e30",
    ],
    [{ type: "refused", reason: "taken" }, "00306012d00"],
  ];
  for (const [message, rest] of rows) {
    assert.equal(encodeHandshake(message).toHex(), begin + rest, message.type);
  }
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
