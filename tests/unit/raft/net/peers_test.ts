// Peers against each other: messages on their way, frames that break the rules, and what
// connect(), send(), close() and listen() promise.

import assert from "node:assert/strict";
import { encodeFrame, frameBytesMax } from "../../../../raft/net/frame.ts";
import {
  host,
  messageFrame,
  numbered,
  Station,
  talkative,
  withNodes,
} from "./station.ts";

Deno.test("Peers carry messages both ways, in order", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withNodes([a, b], async () => {
    a.peers.connect([a.address, b.address]);
    b.peers.connect([a.address, b.address]);
    await a.reaches(b, 1000);
    await b.reaches(a, 1000);
  });
});

Deno.test("A node that nobody can dial still takes part once it dialled the others", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withNodes([a, b], async () => {
    a.peers.connect([{ id: "2", address: `${host}:1` }]);
    b.peers.connect([a.address]);
    await b.reaches(a);
    await a.reaches(b);
  });
});

Deno.test("A frame that breaks the rules ends the connection, and no message of it is taken", async () => {
  const good = messageFrame("2", "1");
  const flipped = good.slice();
  flipped[flipped.length - 1]! ^= 1;
  const oversized = good.slice();
  new DataView(oversized.buffer).setUint32(0, frameBytesMax + 1, true);
  const cases: [string, Uint8Array][] = [
    ["wrong checksum", flipped],
    [`above ${frameBytesMax}`, oversized],
    ["cannot be read", encodeFrame(new Uint8Array([99, 1, 2]))],
    ["from 3 to 1", messageFrame("3", "1")],
    ["from 2 to x", messageFrame("2", "x")],
  ];
  const a = new Station("1", { times: talkative });
  await withNodes([a], async () => {
    for (const [fault, bytes] of cases) {
      const peer = await a.enter();
      await peer.wire.write(new Uint8Array([...bytes, ...good]));
      assert.equal((await peer.frame()).type, "more", fault);
      peer.close();
      await a.says(fault);
    }
    assert.equal(a.received.length, 0);
    const peer = await a.enter();
    await peer.wire.write(good);
    await a.receives(1);
    assert.equal(a.received.length, 1);
  });
});

Deno.test("A message that the node refuses ends the connection, with one warning", async () => {
  const a = new Station("1", { receive: () => "NotMember of nobody" });
  await withNodes([a], async () => {
    for (let i = 0; i < 3; i++) {
      const peer = await a.enter();
      await peer.wire.write(messageFrame("2", "1"));
      assert.equal((await peer.frame()).type, "more");
      peer.close();
    }
    const lines = a.lines.filter((line) => line.includes("of nobody"));
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /^hung up on node 2 \(.*\): it sent NotMember/);
  });
});

Deno.test("connect() hangs up on a node that is no longer named, after the queue has left", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withNodes([a, b], async () => {
    a.peers.connect([b.address]);
    await a.reaches(b);
    a.peers.send(numbered("1", "2", 1000));
    a.peers.send(numbered("1", "2", 1000));
    a.peers.connect([]);
    await b.receives(2001);
    assert.equal(b.received.length, 2001);
    const { dropped } = a.peers.counters;
    b.peers.send(numbered("2", "1", 1)); // the connection may be half closed by now
    a.peers.connect([b.address]);
    await a.says("connected to node 2", 2);
    await a.reaches(b);
    assert.equal(a.peers.counters.dropped, dropped);
  });
});

Deno.test("connect() says which address cannot be dialled, once", async () => {
  const a = new Station("1");
  await withNodes([a], () => {
    const servers = [{ id: "2", address: "nonsense" }, {
      id: "3",
      address: ":0",
    }];
    a.peers.connect(servers);
    a.peers.connect(servers);
    assert.deepEqual(a.lines, [
      'no address to dial node 2: "nonsense"',
      'no address to dial node 3: ":0"',
    ]);
    return Promise.resolve();
  });
});

Deno.test("send() drops and counts what it has nowhere to send", async () => {
  const a = new Station("1", { times: { retryMinMillis: 600_000 } });
  await withNodes([a], async () => {
    a.peers.send(numbered("1", "9", 3));
    assert.equal(a.peers.counters.dropped, 3);
    a.peers.connect([{ id: "2", address: `${host}:1` }]);
    a.peers.send(numbered("1", "2", 2));
    assert.equal(a.peers.counters.dropped, 3, "the first dial is under way");
    await a.says("cannot reach node 2 at 127.0.0.1:1: connection refused");
    for (let i = 0; i < 100; i++) await Promise.resolve(); // what follows the line
    a.peers.send(numbered("1", "2", 1));
    assert.equal(a.peers.counters.dropped, 6);
  });
});

Deno.test("close() lets the queue leave first, and a second close() is harmless", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withNodes([a, b], async () => {
    a.peers.connect([b.address]);
    await a.reaches(b);
    a.peers.send(numbered("1", "2", 1000));
    a.peers.send(numbered("1", "2", 1000));
    await Promise.all([a.close(), a.close()]);
    await b.receives(2001);
    assert.equal(b.received.length, 2001);
    a.peers.connect([b.address]);
    a.peers.send(numbered("1", "2", 1));
  });
});

Deno.test("listen() says which address is in use and what to do", async () => {
  const a = new Station("1");
  await withNodes([a], () => {
    const { port } = a.peers;
    assert.throws(() => new Station("2", { port }), {
      message: `cannot listen on 127.0.0.1:${port} for peers: ` +
        "address in use; choose another with --raddr",
    });
    return Promise.resolve();
  });
});
