// Keepalives: they keep an idle connection up, and show one that is dead.

import assert from "node:assert/strict";
import { encodeFrame, frameBytesMax } from "../../../../raft/net/frame.ts";
import { FakeNode, Station, withNodes } from "./station.ts";

Deno.test("An idle connection is kept alive; one that falls silent is dialled anew", async () => {
  const times = { keepaliveMillis: 5, silenceMillis: 50, faultMillis: 0 };
  const a = new Station("1", { times });
  const fake = new FakeNode();
  await withNodes([a, fake], async () => {
    a.peers.connect([fake.address]);
    const peer = await fake.accept();
    for (let i = 0; i < 20; i++) {
      const step = await peer.frame();
      assert.ok(step.type === "frame" && step.payload.length === 0);
      await peer.wire.write(encodeFrame(new Uint8Array(0)));
    }
    await a.says("it fell silent");
    await fake.accept();
    await a.says("connected to node 2", 2);
  });
});

Deno.test("Bytes without a whole frame do not count as life for ever", async () => {
  const times = { keepaliveMillis: 5, frameMillis: 50 };
  const a = new Station("1", { times });
  await withNodes([a], async () => {
    const peer = await a.enter();
    const announced = new Uint8Array(8);
    new DataView(announced.buffer).setUint32(0, frameBytesMax, true);
    await peer.wire.write(announced);
    for (let alive = true; alive;) {
      await peer.wire.write(new Uint8Array(1));
      alive = (await peer.frame()).type === "frame"; // a keepalive
    }
    await a.says("it fell silent");
  });
});
