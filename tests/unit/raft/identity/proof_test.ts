// What a proof is good for, and for nothing else.

import assert from "node:assert/strict";
import {
  isProved,
  markOf,
  type Meeting,
  newNonce,
  prove,
  type Statement,
} from "../../../../raft/identity/proof.ts";
import { cluster, disk, meeting, own } from "./identities.ts";

Deno.test("A proof is of one statement, two names, two nonces, one cluster and one disk", () => {
  const others: [Partial<Meeting>, Statement, string][] = [
    [{}, "acceptor runs on the disk", disk],
    [{}, "dialler knows the acceptor's disk", disk],
    [{}, "dialler runs on the disk", own.incarnation],
    [{ cluster: "d".repeat(32) }, "dialler runs on the disk", disk],
    [{ dialler: "3" }, "dialler runs on the disk", disk],
    [{ acceptor: "3" }, "dialler runs on the disk", disk],
    [{ dialler: "1", acceptor: "2" }, "dialler runs on the disk", disk],
    [{ diallerNonce: newNonce() }, "dialler runs on the disk", disk],
    [{ acceptorNonce: newNonce() }, "dialler runs on the disk", disk],
  ];
  const proof = prove(meeting, "dialler runs on the disk", disk);
  const isGood = (
    fields: Partial<Meeting>,
    ...[statement, disk]: [Statement, string]
  ) => isProved(proof, { meeting: { ...meeting, ...fields }, statement, disk });
  assert.equal(isGood({}, "dialler runs on the disk", disk), true);
  for (const other of others) assert.equal(isGood(...other), false);
  const [, statement] = others[0]!;
  assert.equal(isProved(new Uint8Array(0), { meeting, statement }), false);
});

Deno.test("A mark is of one disk and one receiver", () => {
  const identity = { cluster, node: "2", incarnation: disk };
  const mark = markOf(identity, "1");
  assert.deepEqual(markOf(identity, "1"), mark);
  assert.notDeepEqual(markOf(identity, "3"), mark);
  assert.notDeepEqual(markOf({ ...identity, node: "3" }, "1"), mark);
  const former = { ...identity, incarnation: own.incarnation };
  assert.notDeepEqual(markOf(former, "1"), mark);
});

Deno.test("The proofs of protocol 4 are the bytes that they have always been", () => {
  const fixed = {
    ...meeting,
    diallerNonce: new Uint8Array(16).fill(1),
    acceptorNonce: new Uint8Array(16).fill(2),
  };
  const rows: [Statement, string, string][] = [
    [
      "dialler knows the cluster",
      "",
      "98f7e0936f1176a8eb4f00ebabe2d0ea742964f23c100652f5a9920dc864d1a5",
    ],
    [
      "acceptor knows the cluster",
      "",
      "87f42e1e6e0f6a034e4036a2509f15332dd5cb9628d210d5fcca26176cb6145d",
    ],
    [
      "dialler runs on the disk",
      disk,
      "ae30f3d296811e9fde72c3eb2625f6eed008a75532192eb643a9c2e2fca0799f",
    ],
    [
      "acceptor runs on the disk",
      own.incarnation,
      "a26e9e12d9b3f7369f1e1ca32b748bbf0eca4a20d9512064b39568e70a5c3276",
    ],
    [
      "dialler knows the acceptor's disk",
      own.incarnation,
      "27b54763667ef719b54e9b3357d370be9e3dc97c6c3fb99219fa8bdea9ab56d1",
    ],
    [
      "acceptor knows the dialler's disk",
      disk,
      "74b743d5684fdca42e2ea1a6aa779b4efd3ef136c8a4c0b98c909c01b1eb24db",
    ],
  ];
  for (const [statement, disk, hex] of rows) {
    assert.equal(prove(fixed, statement, disk).toHex(), hex, statement);
  }
  assert.equal(
    markOf({ cluster, node: "2", incarnation: disk }, "1").toHex(),
    "fa8ed400346d5daa3e828683b7c47dcf08102607c67c4b7323796f8d6c960823",
  );
});
