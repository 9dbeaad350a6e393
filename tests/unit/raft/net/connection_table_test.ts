// Which connections of one id stand beside each other, and which make way; what guests, nodes
// that are let in and not known, may hold.

import assert from "node:assert/strict";
import { decodePeerMessage } from "../../../../raft/core/message_codec.ts";
import type { Members } from "../../../../raft/identity/peer_ranks.ts";
import { encodeFrame, guestFrameBytesMax } from "../../../../raft/net/frame.ts";
import { inboundMax, inboundShares } from "../../../../raft/net/peer_limits.ts";
import type { FakePeer } from "../../../lib/fake_peer.ts";
import { until } from "../../../lib/until.ts";
import {
  FakeNode,
  incarnationOf,
  messageFrame,
  numbered,
  Station,
  talkative,
  withNodes,
} from "./station.ts";

/** Node 2 on a disk that the configuration does not name yet, as it claims. */
const claimant = { since: 9, incarnation: "another disk" };

Deno.test("A second connection of the same peer replaces the first", async () => {
  const a = new Station("1");
  await withNodes([a], async () => {
    const first = await a.enter();
    const second = await a.enter();
    assert.equal((await first.frame()).type, "more");
    a.peers.send(numbered("1", "2", 1));
    assert.equal((await second.frame()).type, "frame");
  });
});

Deno.test("A claimant neither replaces nor outlives the connection of the member that is known", async () => {
  const a = new Station("1");
  await withNodes([a], async () => {
    const claims = await a.enter(claimant);
    const known = await a.enter();
    assert.equal((await claims.frame()).type, "more", "it makes way");
    assert.equal(await a.refusal(claimant), "taken");
    a.peers.send(numbered("1", "2", 1));
    assert.equal((await known.frame()).type, "frame");
  });
});

Deno.test("A former disk that may still be a member's makes way for the present one", async () => {
  const [former, present] = [incarnationOf("2"), incarnationOf("3")];
  const members: Members = {
    ...{ configurationIndex: 9, decidedIndex: 1 },
    incarnationOf: (id) => id === "2" ? present : "",
    disksOf: (id) => id === "2" ? [present, former] : [],
  };
  const a = new Station("1", { members: () => members });
  await withNodes([a], async () => {
    const one = await a.enter({ incarnation: former });
    await a.enter({ incarnation: present });
    assert.equal((await one.frame()).type, "more", "it makes way");
    assert.equal(await a.refusal({ incarnation: former }), "taken");
  });
});

Deno.test("What waits for one incarnation of a node is not sent to another", async () => {
  const a = new Station("1");
  const fake = new FakeNode();
  await withNodes([a, fake], async () => {
    a.configurationIndex = 5;
    a.peers.connect([fake.address]);
    await fake.accept(claimant);
    await a.says("connected to node 2");
    // More than sockets take: the rest waits in the queue.
    const data = new Uint8Array(64 * 1024);
    const big = { type: "Forward", from: "1", to: "2", id: 1, data } as const;
    for (let i = 0; i < 100; i++) a.peers.send([big]);
    // The second write takes all that gathered, and is never done.
    const { writes } = a.peers.counters;
    await until(
      "a second write begins",
      () => a.peers.counters.writes > writes,
    );
    for (let i = 0; i < 10; i++) a.peers.send([big]);
    const known = await a.enter();
    a.peers.send(numbered("1", "2", 1));
    const step = await known.frame();
    assert.ok(step.type === "frame");
    const message = decodePeerMessage(step.payload);
    assert.equal(message.type, "NotMember"); // to print 64 KiB takes minutes
    assert.deepEqual(message, numbered("1", "2", 1)[0]);
  });
});

Deno.test("A node that is not known yet both dials and is dialled, and is known again by its mark", async () => {
  const a = new Station("1");
  const fake = new FakeNode();
  await withNodes([a, fake], async () => {
    a.configurationIndex = 5;
    a.peers.connect([fake.address]);
    const dialled = await fake.accept(claimant);
    await a.says("connected to node 2");
    const accepted = await a.enter(claimant);
    // Another one that claims the same is not let in beside it.
    const other = { ...claimant, incarnation: "a third disk" };
    assert.equal(await a.refusal(other), "taken");
    for (const { wire } of [dialled, accepted]) {
      await wire.write(messageFrame("2", "1"));
    }
    await a.receives(2);
    assert.equal(a.received.length, 2);
  });
});

Deno.test("connect() hangs up on the holder of an id that was given to another directory", async () => {
  const a = new Station("1");
  await withNodes([a], async () => {
    const peer = await a.enter();
    a.incarnations.set("2", "another");
    a.peers.connect([]);
    assert.equal((await peer.frame()).type, "more");
  });
});

Deno.test("Of guests sixteen are held: the oldest makes way", async () => {
  const a = new Station("1");
  await withNodes([a], async () => {
    const { max } = inboundShares(inboundMax).guests;
    const guests: FakePeer[] = [];
    for (let i = 0; i <= max; i++) {
      guests.push(await a.enter({ id: `guest${i}`, incarnation: `${i}` }));
    }
    assert.equal((await guests[0]!.frame()).type, "more");
    await a.enter();
    a.peers.send(numbered("1", "guest1", 1));
    assert.equal(
      (await guests[1]!.frame()).type,
      "frame",
      "a member takes no place of theirs",
    );
  });
});

Deno.test("Frames above 64 KiB are taken of members alone, from when they are known", async () => {
  const a = new Station("1", { times: talkative });
  const big = new Uint8Array(guestFrameBytesMax + 1);
  await withNodes([a], async () => {
    const guest = await a.enter({ id: "9", incarnation: "9" });
    await guest.wire.write(encodeFrame(big));
    assert.equal((await guest.frame()).type, "more");
    await a.says(`above ${guestFrameBytesMax}`);
    const member = await a.enter({ id: "9", incarnation: "9" });
    a.incarnations.set("9", "9");
    a.peers.connect([]);
    await member.wire.write(encodeFrame(big));
    await a.says("it sent a message that cannot be read");
  });
});
