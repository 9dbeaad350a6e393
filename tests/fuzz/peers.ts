// Callers of the raft port, over a real socket: a node that leads two others hears messages
// and bytes from strangers, from a node that was removed, from one that claims to be of a
// newer configuration, and from a member without a vote. It goes on, and no log is touched.

import assert from "node:assert/strict";
import fc from "fast-check";
import { encodePeerMessage } from "../../raft/core/message_codec.ts";
import { counterMax, termJumpMax } from "../../raft/core/limits.ts";
import type { PeerMessage } from "../../raft/core/types.ts";
import { Peers } from "../../raft/net/peers.ts";
import { everyMessage } from "../lib/every_message.ts";
import { FakePeer, type Role } from "../lib/fake_peer.ts";
import { cluster, electionTicks, Nodes } from "../lib/nodes.ts";
import { join } from "../lib/questions.ts";
import { hostile } from "./hostile.ts";
import { message } from "./messages.ts";
import { type Target, waitingTarget } from "./target.ts";

const hostname = "127.0.0.1";
const disk = "life of a";

/** Each is let in, or not, and sends everything that follows. */
const roles: readonly Omit<Role, "cluster" | "other">[] = [
  { id: "s", incarnation: "s", since: counterMax },
  { id: "b", incarnation: "s", since: counterMax },
  { id: "o", incarnation: "o", otherDisk: disk },
  { id: "o", incarnation: "o", otherDisk: disk, since: counterMax },
  { id: "b", incarnation: "s", otherDisk: disk, since: counterMax },
  { id: "x", incarnation: "life of x", otherDisk: disk },
];

const inputs = fc.record({
  role: fc.constantFrom(...roles),
  said: fc.array(
    fc.oneof(
      message.map((message) => ({ message })),
      fc.tuple(fc.nat(200), fc.constantFrom(-1, 0, 1, termJumpMax + 9)).map((
        [at, ahead],
      ) => ({ at, ahead })),
      hostile(message.map(encodePeerMessage), { tokens: ["\x05", "\xff"] })
        .map((payload) => ({ payload })),
    ),
    { minLength: 1, maxLength: 8 },
  ),
});

type Said =
  | { readonly message: PeerMessage }
  | { readonly at: number; readonly ahead: number }
  | { readonly payload: Uint8Array };

function payloadOf(said: Said, role: Role, term: number): Uint8Array {
  if ("payload" in said) return said.payload.slice(0, 60_000);
  const envelope = { from: role.id, to: role.other };
  if ("message" in said) {
    const bytes = encodePeerMessage({ ...said.message, ...envelope });
    // Longer frames of guests are not even read.
    return bytes.length > 60_000 ? bytes.slice(0, 60_000) : bytes;
  }
  const wish = { type: "promote", id: "nobody", prevIndex: "0" };
  const all = everyMessage({ ...envelope, term: term + said.ahead, wish });
  return encodePeerMessage(all[said.at % all.length]!);
}

async function endures(
  { role: fields, said }: {
    role: typeof roles[number];
    said: readonly Said[];
  },
): Promise<void> {
  const nodes = Nodes.ledBy("abc", { spares: "x" });
  join(nodes, "a", { id: "x", nonvoter: true });
  nodes.run(electionTicks);
  const node = nodes.node("a");
  const { identity } = nodes.disk("a").saved;
  const peers = Peers.listen({
    identity,
    about: { client: "", version: "" },
    address: `${hostname}:1`,
    listen: { host: hostname, port: 0 },
    members: () => node.members,
    met: (id, introduction) => node.met(id, introduction),
    receive: (message, proof) => node.receive(message, proof),
    log: () => {},
  });
  const role = { ...fields, cluster, other: "a" };
  try {
    const { currentTerm, log: { commitIndex } } = node.core;
    for (const each of said) {
      const before = node.core.currentTerm;
      const address = { hostname, port: peers.port };
      const peer = await FakePeer.enter(address, role);
      if (!(peer instanceof FakePeer)) break;
      await peer.sendPayload(payloadOf(each, role, currentTerm));
      await peer.sendPayload(Uint8Array.of(99)); // ends the connection, if it is still up
      await peer.end();
      assert.ok(node.core.currentTerm <= before + termJumpMax);
    }
    assert.equal(nodes.computer("a").end, undefined);
    assert.ok(node.core.log.commitIndex >= commitIndex);
    assert.deepEqual(node.core.membership.voters, ["a", "b", "c"]);
    // Only a member can have told it of another term.
    if (role.id !== "x") assert.equal(node.core.role, "leader");
    nodes.awaitLeader();
  } finally {
    await peers.close();
  }
  assert.deepEqual(nodes.failures, []);
}

export const peersTargets: readonly Target[] = [
  waitingTarget({
    name: "peers/port",
    claim:
      "A leader goes on whatever comes in at its raft port, and no stranger, guest or nonvoter touches its log",
    weight: 5,
    inputs,
  }, endures),
];
