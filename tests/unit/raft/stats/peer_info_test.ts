// Which nodes are remembered, and how many.

import assert from "node:assert/strict";
import { PeerInfo, peerInfoMax } from "../../../../raft/stats/peer_info.ts";
import { serversMax } from "../../../../raft/core/entry_codec.ts";
import { Membership } from "../../../../raft/core/membership.ts";
import { membersOf } from "../../../lib/nodes.ts";

const own = { client: ":1", version: "1" };

function peerInfo(): PeerInfo {
  const membership = new Membership(membersOf("abc"), 1);
  return new PeerInfo({ id: "a", membership }, own);
}

Deno.test("PeerInfo knows this node, each node as it was met last, and no other", () => {
  const known = peerInfo();
  known.met("b", { client: "b:1", version: "1" });
  known.met("b", { client: "b:2", version: "2" });
  assert.deepEqual(known.of("a"), own);
  assert.deepEqual(known.of("b"), { client: "b:2", version: "2" });
  for (const id of ["c", undefined]) {
    assert.deepEqual(known.of(id), { client: "", version: "" });
  }
});

Deno.test("PeerInfo forgets the node met longest ago that is no member, and never a member", () => {
  const known = peerInfo();
  known.met("b", { client: "b:1", version: "1" });
  for (let i = 1; i < peerInfoMax; i++) {
    known.met(`x${i}`, { client: `x${i}:1`, version: "1" });
  }
  known.met("x1", { client: "x1:2", version: "1" });
  known.met("c", { client: "c:1", version: "1" });
  assert.equal(known.of("b").client, "b:1");
  assert.equal(known.of("c").client, "c:1");
  assert.equal(known.of("x1").client, "x1:2");
  assert.equal(known.of("x2").client, "");
  assert.equal(known.of("x3").client, "x3:1");
  assert.ok(peerInfoMax > serversMax, "all members have room");
});
