// The raft port and its callers that are no nodes, or do not say so: garbage, silence, a flood.

import assert from "node:assert/strict";
import {
  type DecodedHandshake,
  decodeHandshake,
} from "../../../../raft/identity/hello.ts";
import { noMembers } from "../../../../raft/identity/peer_ranks.ts";
import { encodeFrame } from "../../../../raft/net/frame.ts";
import { inboundMax, inboundShares } from "../../../../raft/net/peer_limits.ts";
import { listenForPeers, Peers } from "../../../../raft/net/peers.ts";
import { Wire } from "../../../../raft/net/wire.ts";
import { frameOf, helloOf } from "../../../lib/fake_peer.ts";
import { within } from "../../../lib/until.ts";
import {
  cluster,
  frameOn,
  host,
  incarnationOf,
  inTime,
  Station,
  withNodes,
} from "./station.ts";

/** The answer to the first bytes of a caller. */
async function answerTo(
  station: Station,
  bytes: Uint8Array,
): Promise<DecodedHandshake | "closed"> {
  const wire = await station.call();
  await wire.write(bytes);
  const step = await frameOn(wire);
  return step.type === "frame" ? decodeHandshake(step.payload) : "closed";
}

Deno.test("Garbage is answered with no frame, and many callers make one line", async () => {
  const a = new Station("1");
  const utf8 = new TextEncoder();
  const garbage = [
    utf8.encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    utf8.encode("*1\r\n$6\r\nTICKET\r\n"),
    encodeFrame(new Uint8Array(1025)),
    crypto.getRandomValues(new Uint8Array(4000)).fill(255, 0, 4),
  ];
  await withNodes([a], async () => {
    for (const bytes of garbage) {
      assert.equal(await answerTo(a, bytes), "closed");
    }
    const malformed = await answerTo(a, encodeFrame(utf8.encode("hello")));
    assert.partialDeepStrictEqual(malformed, { reason: "malformed" });
    assert.equal(a.lines.length, 1);
    assert.match(
      a.lines[0]!,
      /^hung up on 127\.0\.0\.1:\d+: it does not speak the peers' protocol: this is the raft port, clients and --join use --saddr$/,
    );
  });
});

Deno.test("A client at the raft port is told which port it is, and other garbage nothing", async () => {
  const a = new Station("1");
  const answers = async (text: string): Promise<string> => {
    const conn = await Deno.connect({ hostname: host, port: a.peers.port });
    await conn.write(new TextEncoder().encode(text));
    return await new Response(conn.readable).text();
  };
  await withNodes([a], async () => {
    assert.equal(
      await answers("*1\r\n$12\r\nRAFT.CLUSTER\r\n"),
      "-ERR this is the raft port of a ticketd node; clients and --join use " +
        "its --saddr\r\n",
    );
    for (const text of ["GET / HTTP/1.1\r\n\r\n", "PING\r\n", "+OK\r\n"]) {
      assert.equal(await answers(text), "");
    }
  });
});

Deno.test("A caller that says nothing is shown out in time", async () => {
  const a = new Station("1", { times: { helloMillis: 5 } });
  await withNodes([a], async () => {
    const wire = await a.call();
    const { hello } = helloOf(a.roleOf());
    await wire.write(frameOf(hello).subarray(0, 20));
    assert.equal((await frameOn(wire)).type, "more");
    assert.match(a.lines[0]!, /which is no node: no hello/);
  });
});

Deno.test("Silent callers do not keep a node out: the oldest makes way", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withNodes([a, b], async () => {
    const wires: Wire[] = [];
    const { unauthenticated } = inboundShares(inboundMax);
    for (let i = 0; i <= unauthenticated.max; i++) wires.push(await a.call());
    assert.equal((await frameOn(wires[0]!)).type, "more");
    b.peers.connect([a.address]);
    await b.reaches(a);
  });
});

Deno.test("A burst of 300 silent callers is held by no more than their share, and a member comes in", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withNodes([a, b], async () => {
    const burst = Array.from({ length: 300 }, () => a.call());
    const wires = await Promise.all(burst);
    const { perSourceMax } = inboundShares(inboundMax).unauthenticated;
    const shownOut = Promise.withResolvers<void>();
    let left = wires.length;
    const ends = wires.map(async (wire) => {
      while ((await wire.frame()).type === "frame");
      if (--left === perSourceMax) shownOut.resolve();
    });
    b.peers.connect([a.address]);
    await b.reaches(a);
    await inTime("all but their share are shown out", shownOut.promise);
    for (const wire of wires) wire.close();
    await inTime("the others have ended", Promise.all(ends));
  });
});

Deno.test("A caller that has reset already neither delays the next nor is worth a line", async () => {
  const listener = listenForPeers({ host, port: 0 });
  const accept = listener.accept.bind(listener);
  const lines: string[] = [];
  let failures = 0;
  listener.accept = () =>
    failures < 300
      ? Promise.reject(new Deno.errors.NotConnected(`${++failures}`))
      : accept();
  const peers = new Peers({
    identity: { cluster, node: "1", incarnation: incarnationOf("1") },
    about: { client: "", version: "" },
    address: `${host}:1`,
    members: () => noMembers,
    receive: () => undefined,
    log: (level, text) => level === "warning" && lines.push(text),
  }, listener);
  const begunMillis = performance.now();
  const wire = new Wire(
    await Deno.connect({ hostname: host, port: peers.port }),
  );
  await withNodes([peers], async () => {
    await wire.write(new Uint8Array(4).fill(255));
    assert.equal((await frameOn(wire)).type, "more");
    assert.ok(performance.now() - begunMillis < 10_000, "300 pauses are 30 s");
    assert.equal(lines.filter((line) => line.includes("accept")).length, 0);
    wire.close();
  });
});

Deno.test("The 65th stranger makes the first one go, long before its time is up (PITFALLS 33)", async () => {
  const peers = Peers.listen({
    identity: { cluster: "c", node: "1", incarnation: "1" },
    about: { client: "", version: "" },
    address: "127.0.0.1:1",
    listen: { host: "127.0.0.1", port: 0 },
    members: () => noMembers,
    receive: () => undefined,
    log: () => {},
    times: { helloMillis: 600_000 },
  });
  const strangers: Deno.TcpConn[] = [];
  try {
    const address = { hostname: "127.0.0.1", port: peers.port };
    for (let i = 0; i <= inboundShares(inboundMax).unauthenticated.max; i++) {
      strangers.push(await Deno.connect(address));
    }
    const end = strangers[0]!.read(new Uint8Array(1));
    const millisMax = 10_000;
    assert.equal(await within("the first one ends", end, { millisMax }), null);
  } finally {
    for (const stranger of strangers) stranger.close();
    await peers.close();
  }
});
