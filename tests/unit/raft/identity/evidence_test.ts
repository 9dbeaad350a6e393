// What one side of a handshake proves to the other.

import assert from "node:assert/strict";
import { evidenceOf, proofOf } from "../../../../raft/identity/evidence.ts";
import { markOf, prove } from "../../../../raft/identity/proof.ts";
import { noMembers } from "../../../../raft/identity/peer_ranks.ts";
import { cluster, disk, knowing, meeting, own } from "./identities.ts";

const two = { cluster, node: "2", incarnation: disk };

Deno.test("proofOf() reads from the evidence what its side proved, and no more", () => {
  const evidence = {
    ownDisk: prove(meeting, "dialler runs on the disk", disk),
    peerDisk: prove(
      meeting,
      "dialler knows the acceptor's disk",
      own.incarnation,
    ),
    mark: new Uint8Array(32).fill(3),
    since: 3,
  };
  const proof = proofOf(evidence, { own, meeting, by: "dialler" });
  assert.deepEqual(
    [disk, "9", "", disk].map((incarnation) => proof.isOn(incarnation)),
    [true, false, false, true],
  );
  assert.deepEqual([proof.knowsUs, proof.since], [true, 3]);
  const other = proofOf(evidence, { own, meeting, by: "acceptor" });
  assert.deepEqual([other.isOn(disk), other.knowsUs], [false, false]);
});

Deno.test("Either side reads from the other's evidence what that one knows", () => {
  const members = {
    ...knowing("1", own.incarnation),
    incarnationOf: (id: string) => id.repeat(16),
  };
  const dialler = proofOf(
    evidenceOf(two, { members, meeting, by: "dialler" }),
    { own, meeting, by: "dialler" },
  );
  assert.equal(dialler.isOn(disk), true);
  assert.equal(dialler.isOn(own.incarnation), false);
  assert.deepEqual([dialler.knowsUs, dialler.since], [true, 5]);
  assert.equal(dialler.mark, markOf(two, "1").toHex());
  const acceptor = proofOf(
    evidenceOf(own, { members: noMembers, meeting, by: "acceptor" }),
    { own: two, meeting, by: "acceptor" },
  );
  assert.equal(acceptor.isOn(own.incarnation), true);
  assert.deepEqual([acceptor.knowsUs, acceptor.since], [false, 0]);
  assert.equal(acceptor.mark, markOf(own, "2").toHex());
});
