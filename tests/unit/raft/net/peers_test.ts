// Peers on real loopback sockets: against each other, and against strangers that know
// the bytes. Every wait is for an event: a message, a log line, the end of a connection.

import assert from "node:assert/strict";
import { freePort } from "../../../lib/ports.ts";
import {
  decodePeerMessage,
  encodePeerMessage,
} from "../../../../raft/core/message_codec.ts";
import type { NodeId, PeerMessage } from "../../../../raft/core/types.ts";
import {
  encodeFrame,
  frameBytesMax,
  guestFrameBytesMax,
} from "../../../../raft/net/frame.ts";
import {
  decodeGreeting,
  encodeGreeting,
  type Refused,
} from "../../../../raft/identity/hello.ts";
import { queueBytesMax } from "../../../../raft/net/link.ts";
import {
  inboundMax,
  inboundShares,
  peerTimes,
} from "../../../../raft/net/peer_limits.ts";
import {
  listenForPeers,
  Peers,
  type PeersOptions,
} from "../../../../raft/net/peers.ts";
import { type Members, nobody } from "../../../../raft/identity/ranks.ts";
import { Wire } from "../../../../raft/net/wire.ts";
import {
  FakePeer,
  frameOf,
  helloOf,
  type Role,
} from "../../../lib/fake_peer.ts";

const cluster = "c".repeat(32);
const host = "127.0.0.1";
/** Retries at once, and no beats unless a test is about them. */
const times = {
  dialMillis: 2000,
  retryMinMillis: 1,
  retryMaxMillis: 4,
  beatMillis: 60_000,
  movedMillis: 0,
};

/** A Peers, and all that it told. */
class Station {
  readonly id: NodeId;
  readonly received: PeerMessage[] = [];
  readonly refusals: string[] = [];
  /** What the others told of themselves. */
  readonly met = new Map<NodeId, string>();
  readonly lines: string[] = [];
  readonly moves: string[] = [];
  /** Dials that came to nothing: each is followed by a pause. */
  failures = 0;
  /** By id; of the first three others the one that they have. */
  readonly incarnations = new Map<NodeId, string>(
    ["1", "2", "3"].map((id) => [id, id.repeat(16)]),
  );
  readonly peers: Peers;
  configurationIndex = 0;
  #changed = Promise.withResolvers<void>();

  constructor(
    id: NodeId,
    options: Partial<PeersOptions> & { port?: number | undefined } = {},
  ) {
    this.id = id;
    this.peers = Peers.listen({
      identity: { cluster, node: id, incarnation: id.repeat(16) },
      about: { client: `:${id}`, version: `${id}.0.0` },
      address: `${host}:${options.port ?? id}`,
      listen: { host, port: options.port ?? 0 },
      members: () => this.members,
      receive: (message) => void this.#note(() => this.received.push(message)),
      met: (by, { client, version }) =>
        this.#note(() => this.met.set(by, `${client} ${version}`)),
      refused: (by, reason) =>
        this.#note(() => this.refusals.push(`${by} ${reason}`)),
      moved: (id, address) =>
        this.#note(() => this.moves.push(`${id} ${address}`)),
      random: () => {
        this.#note(() => this.failures++);
        return 0.5;
      },
      log: (_level, text) => this.#note(() => this.lines.push(text)),
      ...options,
      times: { ...times, ...options.times },
    });
  }

  get address(): { id: NodeId; address: string } {
    return { id: this.id, address: `${host}:${this.peers.port}` };
  }

  get members(): Members {
    const { configurationIndex, incarnations } = this;
    return {
      configurationIndex,
      decidedIndex: configurationIndex,
      incarnationOf: (id) => incarnations.get(id) ?? "",
      disksOf: (id) => incarnations.has(id) ? [incarnations.get(id)!] : [],
    };
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.#changed.promise;
  }

  /** Waits for `count` log lines with `part`. */
  async says(part: string, count = 1): Promise<void> {
    const saying = () => this.lines.filter((line) => line.includes(part));
    await this.until(() => saying().length >= count);
  }

  /** Sends numbered messages and returns once the last one has come. */
  async reaches(other: Station, count = 1): Promise<void> {
    const messages = numbered(this.id, other.id, count);
    const before = other.received.length;
    this.peers.send(messages);
    await other.until(() => other.received.length >= before + count);
    assert.deepEqual(other.received.slice(before), messages);
  }

  #note(change: () => void): void {
    change();
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function numbered(from: NodeId, to: NodeId, count: number): PeerMessage[] {
  return Array.from({ length: count }, (_, i) => (
    { type: "NotMember", from, to, term: 7, configurationIndex: i }
  ));
}

/** Runs `body` with stations that are closed whatever happens. */
async function withStations(
  stations: readonly Station[],
  body: () => Promise<void>,
): Promise<void> {
  try {
    await body();
  } finally {
    await Promise.all(stations.map(({ peers }) => peers.close()));
  }
}

async function dialRaw(station: Station): Promise<Wire> {
  return new Wire(
    await Deno.connect({ hostname: host, port: station.peers.port }),
  );
}

/** What node 2 says to `station`, as a member would. */
function roleTo(station: Station, fields: Partial<Role> = {}): Role {
  return {
    cluster,
    id: "2",
    incarnation: "2".repeat(16),
    other: station.id,
    otherDisk: station.id.repeat(16),
    address: `${host}:2`,
    ...fields,
  };
}

function dialled(station: Station): { hostname: string; port: number } {
  return { hostname: host, port: station.peers.port };
}

/** Somebody is let in as node 2, unless told otherwise. */
async function enter(
  station: Station,
  fields: Partial<Role> = {},
): Promise<Wire> {
  const peer = await FakePeer.enter(dialled(station), roleTo(station, fields));
  assert.ok(peer instanceof FakePeer, `${peer}`);
  return peer.wire;
}

/** Somebody is not. */
async function refusal(
  station: Station,
  fields: Partial<Role> = {},
): Promise<Refused | "closed"> {
  const peer = await FakePeer.enter(dialled(station), roleTo(station, fields));
  if (!(peer instanceof FakePeer)) return peer;
  peer.close();
  return assert.fail("let in");
}

/** What answers the first frame: a greeting, or "closed". */
async function answerTo(station: Station, bytes: Uint8Array): Promise<unknown> {
  const wire = await dialRaw(station);
  await wire.write(bytes);
  const step = await wire.frame();
  wire.close();
  return step.type === "frame" ? decodeGreeting(step.payload) : "closed";
}

/** A listener that plays node 2, and hands over each connection. */
class FakeNode {
  readonly #listener = Deno.listen({ hostname: host, port: 0 });
  readonly #wires: Wire[] = [];
  readonly #role = {
    cluster,
    id: "2",
    incarnation: "2".repeat(16),
    other: "1",
    otherDisk: "1".repeat(16),
  };

  get address(): { id: NodeId; address: string } {
    return { id: "2", address: `${host}:${this.#listener.addr.port}` };
  }

  async accept(fields: Partial<Role> = {}): Promise<Wire> {
    const conn = await this.#listener.accept();
    const role = { ...this.#role, ...fields };
    const { wire } = await FakePeer.accept(conn, role);
    this.#wires.push(wire);
    return wire;
  }

  close(): void {
    this.#listener.close();
    for (const wire of this.#wires) wire.close();
  }
}

Deno.test("Peers carry messages both ways, in order", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withStations([a, b], async () => {
    a.peers.connect([a.address, b.address]);
    b.peers.connect([a.address, b.address]);
    await a.reaches(b, 1000);
    await b.reaches(a, 1000);
  });
});

Deno.test("Dialler and dialled tell each other where they serve clients, and their versions", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withStations([a, b], async () => {
    a.peers.connect([b.address]);
    await a.until(() => a.met.size > 0);
    await b.until(() => b.met.size > 0);
    assert.deepEqual([...a.met], [["2", "127.0.0.1:2 2.0.0"]]);
    assert.deepEqual([...b.met], [["1", "127.0.0.1:1 1.0.0"]]);
  });
});

Deno.test("A node that nobody can dial still takes part once it dialled the others", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withStations([a, b], async () => {
    a.peers.connect([{ id: "2", address: `${host}:1` }]);
    b.peers.connect([a.address]);
    await b.reaches(a);
    await a.reaches(b);
  });
});

Deno.test("A member that is not where it is dialled, and says where it is, has moved", async () => {
  const port = freePort();
  const [a, b] = [new Station("1"), new Station("2", { port })];
  a.incarnations.set("2", "2".repeat(16));
  await withStations([a, b], async () => {
    a.peers.connect([{ id: "2", address: `${host}:1` }]);
    b.peers.connect([a.address]);
    await a.until(() => a.moves.length >= 2);
    assert.deepEqual(new Set(a.moves), new Set([`2 ${host}:${port}`]));
    assert.deepEqual(b.moves, []);
  });
});

for (
  const { claim, port, movedMillis } of [
    {
      claim: "An address that fails for a while stays",
      port: freePort(),
      movedMillis: 60_000,
    },
    {
      claim: "Where nobody answers nobody has moved",
      port: undefined,
      movedMillis: 0,
    },
  ]
) {
  Deno.test(`${claim}, whatever the member says`, async () => {
    const a = new Station("1", { times: { movedMillis } });
    const b = new Station("2", { port });
    a.incarnations.set("2", "2".repeat(16));
    await withStations([a, b], async () => {
      a.peers.connect([{ id: "2", address: `${host}:1` }]);
      b.peers.connect([a.address]);
      await b.reaches(a);
      const { failures } = a;
      await a.until(() => a.failures >= failures + 20);
      assert.deepEqual(a.moves, []);
    });
  });
}

Deno.test("A member that is reached where it is dialled stays there, whatever it says", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  a.incarnations.set("2", "2".repeat(16));
  await withStations([a, b], async () => {
    a.peers.connect([b.address]);
    b.peers.connect([a.address]);
    await b.reaches(a);
    await a.reaches(b);
    assert.deepEqual(a.moves, []);
  });
});

Deno.test("A connection that breaks now and then makes nobody move", async () => {
  const a = new Station("1");
  const incarnation = "2".repeat(16);
  a.incarnations.set("2", incarnation);
  const b = new FakeNode();
  await withStations([a], async () => {
    a.peers.connect([b.address]);
    (await b.accept({ incarnation })).close();
    await a.until(() => a.failures >= 1);
    await enter(a);
    (await b.accept({ incarnation })).close();
    await a.until(() => a.failures >= 2);
    await b.accept({ incarnation });
    await a.says("connected to node 2", 3);
    assert.deepEqual(a.moves, []);
  });
  b.close();
});

Deno.test("Only the disk that the configuration names can say that a member has moved", async () => {
  // Unknown; another life, which a node that is behind lets in; the same address; none.
  const cases = [
    { known: "" },
    { known: "another life", since: 9 },
    { claim: `${host}:1` },
    { claim: "nowhere" },
    { claim: `${host}:0` },
  ];
  for (const { known = "2".repeat(16), since = 0, claim } of cases) {
    const a = new Station("1");
    const b = new Station("2");
    a.incarnations.set("2", known);
    b.incarnations.set("2", "2".repeat(16));
    b.configurationIndex = since;
    await withStations([a, b], async () => {
      a.peers.connect([{ id: "2", address: `${host}:1` }]);
      const address = claim ?? b.address.address;
      const wire = await enter(a, { since, address });
      const { failures } = a;
      await a.until(() => a.failures >= failures + 20); // more than it takes
      assert.deepEqual(a.moves, []);
      wire.close();
    });
  }
});

Deno.test("All messages of one send leave in one write, begun before send() returns", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withStations([a, b], async () => {
    a.peers.connect([b.address]);
    await a.reaches(b);
    const { writes, sent } = a.peers.counters;
    const done = a.reaches(b, 500);
    assert.equal(a.peers.counters.writes, writes + 1);
    assert.equal(a.peers.counters.sent, sent + 500);
    await done;
    assert.equal(a.peers.counters.writes, writes + 1);
  });
});

Deno.test("What is sent while a write is under way gathers into the next one", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withStations([a, b], async () => {
    a.peers.connect([b.address]);
    await a.reaches(b);
    const { writes } = a.peers.counters;
    for (const message of numbered("1", "2", 200)) a.peers.send([message]);
    assert.equal(a.peers.counters.writes, writes + 1);
    await b.until(() => b.received.length === 201);
    assert.equal(a.peers.counters.writes, writes + 2);
    assert.deepEqual(b.received.slice(1), numbered("1", "2", 200));
  });
});

Deno.test("A peer that restarts is back without anybody asking", async () => {
  const a = new Station("1");
  const first = new Station("2");
  const { port } = first.peers;
  a.peers.connect([first.address]);
  await a.reaches(first);
  await first.peers.close();
  await a.says("cannot reach node 2");
  const second = new Station("2", { port });
  await withStations([a, second], async () => {
    await a.says("connected to node 2", 2);
    await a.reaches(second);
  });
});

Deno.test("A peer that dials us ends the pause before we dial it", async () => {
  const slow = { retryMinMillis: 600_000, retryMaxMillis: 600_000 };
  const a = new Station("1", { times: slow });
  const gone = new Station("2");
  const { address, peers: { port } } = gone;
  await gone.peers.close();
  a.peers.connect([address]);
  await a.says("cannot reach node 2");
  const b = new Station("2", { port });
  await withStations([a, b], async () => {
    b.peers.connect([a.address]);
    await a.says("connected to node 2");
    await a.reaches(b);
  });
});

Deno.test("A node of another cluster is refused, told so, and logged once (PITFALLS 30)", async () => {
  const a = new Station("1");
  const b = new Station("2", {
    identity: { cluster: "d".repeat(32), node: "2", incarnation: "2" },
  });
  await withStations([a, b], async () => {
    b.peers.connect([a.address]);
    await b.until(() => b.refusals.length >= 5);
    assert.equal(b.refusals[0], "1 wrong-cluster");
    b.peers.send(numbered("2", "1", 1));
    assert.equal(a.received.length, 0);
    for (const { lines } of [a, b]) assert.equal(lines.length, 1, `${lines}`);
    assert.match(a.lines[0]!, /refused node 2 from .*: it does not belong to/);
    assert.match(b.lines[0]!, /no connection with node 1 at .*cluster d{32}/);
  });
});

Deno.test("A node under a used id is refused until the configuration names it (PITFALLS 17, 30)", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withStations([a, b], async () => {
    a.incarnations.set("2", "a directory that was wiped");
    b.peers.connect([a.address]);
    await b.until(() => b.refusals.length > 0);
    assert.deepEqual(b.refusals[0], "1 used-id");
    a.incarnations.set("2", "2".repeat(16));
    await b.says("connected to node 1");
    await b.reaches(a);
  });
});

Deno.test("A message meant for another node at this address is not taken (PITFALLS 29)", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withStations([a, b], async () => {
    b.peers.connect([{ ...a.address, id: "3" }]);
    await b.until(() => b.refusals.length > 0);
    assert.equal(b.refusals[0], "3 wrong-receiver");
    await b.says("another node answers there");
  });
});

Deno.test("A node does not talk to itself (PITFALLS 29)", async () => {
  const a = new Station("1");
  await withStations([a], async () => {
    a.peers.connect([a.address, { ...a.address, id: "2" }]);
    await a.until(() => a.refusals.length > 0);
    assert.equal(a.refusals[0], "2 wrong-receiver");
    assert.equal(await refusal(a, { id: "1" }), "used-id");
  });
});

Deno.test("A dialler hangs up on the wrong cluster, and on the wrong life of a node", async () => {
  const a = new Station("1");
  const fake = new FakeNode();
  await withStations([a], async () => {
    a.peers.connect([fake.address]);
    const foreign = await fake.accept({ cluster: "d".repeat(32) });
    assert.equal((await foreign.frame()).type, "more");
    await a.says("it does not belong to the cluster of this node");
    const other = await fake.accept({ incarnation: "3" });
    assert.equal((await other.frame()).type, "more");
    await a.says("another data directory");
    await fake.accept();
    await a.says("connected to node 2");
  });
  fake.close();
});

Deno.test("A newer protocol version is refused by name", async () => {
  const a = new Station("1");
  await withStations([a], async () => {
    const hello = encodeGreeting(helloOf(roleTo(a)).hello);
    hello[12] = 9;
    const answer = await answerTo(a, encodeFrame(hello));
    assert.deepEqual(answer, { type: "refused", reason: "version" });
    assert.match(a.lines[0]!, /protocol 9, this node 4; run the same version/);
  });
});

Deno.test("Garbage is closed unanswered, and many strangers make one line", async () => {
  const a = new Station("1");
  const utf8 = new TextEncoder();
  const garbage = [
    utf8.encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    utf8.encode("*1\r\n$6\r\nTICKET\r\n"),
    encodeFrame(new Uint8Array(1025)),
    crypto.getRandomValues(new Uint8Array(4000)).fill(255, 0, 4),
  ];
  await withStations([a], async () => {
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

Deno.test("A stranger that says nothing is shown out in time", async () => {
  const a = new Station("1", { times: { ...times, helloMillis: 5 } });
  await withStations([a], async () => {
    const wire = await dialRaw(a);
    const { hello } = helloOf(roleTo(a));
    await wire.write(frameOf(hello).subarray(0, 20));
    assert.equal((await wire.frame()).type, "more");
    wire.close();
    assert.match(a.lines[0]!, /which is no node: no hello/);
  });
});

Deno.test("Silent strangers do not keep a node out: the oldest makes way", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withStations([a, b], async () => {
    const wires: Wire[] = [];
    const { strangers } = inboundShares(inboundMax);
    for (let i = 0; i <= strangers.max; i++) wires.push(await dialRaw(a));
    assert.equal((await wires[0]!.frame()).type, "more");
    b.peers.connect([a.address]);
    await b.reaches(a);
    for (const wire of wires) wire.close();
  });
});

Deno.test("A frame that breaks the rules ends the connection, and no message of it is taken", async () => {
  const good = encodeFrame(encodePeerMessage(numbered("2", "1", 1)[0]!));
  const flipped = good.slice();
  flipped[flipped.length - 1]! ^= 1;
  const oversized = good.slice();
  new DataView(oversized.buffer).setUint32(0, frameBytesMax + 1, true);
  const cases: [string, Uint8Array][] = [
    ["wrong checksum", flipped],
    [`above ${frameBytesMax}`, oversized],
    ["cannot be read", encodeFrame(new Uint8Array([99, 1, 2]))],
    ["from 3 to 1", encodeFrame(encodePeerMessage(numbered("3", "1", 1)[0]!))],
    ["from 2 to x", encodeFrame(encodePeerMessage(numbered("2", "x", 1)[0]!))],
  ];
  const a = new Station("1");
  await withStations([a], async () => {
    for (const [fault, bytes] of cases) {
      const wire = await enter(a);
      await wire.write(new Uint8Array([...bytes, ...good]));
      assert.equal((await wire.frame()).type, "more", fault);
      wire.close();
      await a.says(fault);
    }
    assert.equal(a.received.length, 0);
    const wire = await enter(a);
    await wire.write(good);
    await a.until(() => a.received.length === 1);
    wire.close();
  });
});

Deno.test("A dialled connection that breaks the rules is dialled anew", async () => {
  const a = new Station("1");
  const fake = new FakeNode();
  await withStations([a], async () => {
    a.peers.connect([fake.address]);
    const first = await fake.accept();
    await first.write(encodeFrame(new Uint8Array([0])));
    await a.says("it sent a message that cannot be read");
    await fake.accept();
    await a.says("connected to node 2", 2);
  });
  fake.close();
});

Deno.test("What waits for a peer that never reads is bounded, and close() does not wait for it (PITFALLS 6)", async () => {
  const a = new Station("1");
  const fake = new FakeNode();
  await withStations([a], async () => {
    a.peers.connect([fake.address]);
    await fake.accept();
    await a.says("connected to node 2");
    const data = new Uint8Array(64 * 1024);
    const big = { type: "Forward", from: "1", to: "2", id: 1, data } as const;
    const count = Math.ceil(2 * queueBytesMax / data.length);
    for (let i = 0; i < count; i++) a.peers.send([big]);
    const { dropped } = a.peers.counters;
    assert.ok(
      dropped >= count / 2 && dropped < count,
      `${dropped} of ${count}`,
    );
  });
  fake.close();
});

Deno.test("A second connection of the same peer replaces the first", async () => {
  const a = new Station("1");
  await withStations([a], async () => {
    const first = await enter(a);
    const second = await enter(a);
    assert.equal((await first.frame()).type, "more");
    a.peers.send(numbered("1", "2", 1));
    assert.equal((await second.frame()).type, "frame");
    first.close();
    second.close();
  });
});

const claim = { since: 9, incarnation: "another life" };

Deno.test("A stranger is not let in under a member's id, however new a configuration it claims", async () => {
  const a = new Station("1");
  await withStations([a], async () => {
    const since = 2 ** 50;
    const incarnation = "x".repeat(16);
    const stranger = { since, incarnation, otherDisk: "" };
    assert.equal(await refusal(a, stranger), "used-id");
    assert.equal(await refusal(a, { ...stranger, id: "9" }), "stranger");
    assert.equal(
      await refusal(a, { cluster: "d".repeat(32) }),
      "wrong-cluster",
    );
    assert.equal(a.met.size, 0);
  });
});

Deno.test("A node tells its disk to nobody that it does not know", async () => {
  const a = new Station("1");
  const disk = "1".repeat(16);
  await withStations([a], async () => {
    const welcomes: Record<string, string> = {};
    for (const fields of [{}, { id: "9", incarnation: "9" }]) {
      const peer = await FakePeer.enter(dialled(a), roleTo(a, fields));
      assert.ok(peer instanceof FakePeer);
      welcomes[peer.role.id] = peer.told;
      peer.close();
    }
    assert.deepEqual(welcomes, { 2: disk, 9: "" });
  });
});

Deno.test("Nodes of the cluster that are no members fill no log, whatever ids they invent", async () => {
  const a = new Station("1");
  await withStations([a], async () => {
    a.configurationIndex = 5;
    for (let i = 0; i < 20; i++) {
      const stranger = { id: `x${i}`, otherDisk: "" };
      assert.equal(await refusal(a, stranger), "stranger");
    }
    const told = a.lines.filter((line) => line.includes("is no member"));
    assert.equal(told.length, 1);
  });
});

Deno.test("A node that is joining, and knows nobody yet, warns of nobody that dials it", async () => {
  const a = new Station("1", {
    members: () => nobody,
    log: (level, text) => void (level === "warning" && a.lines.push(text)),
  });
  await withStations([a], async () => {
    assert.equal(await refusal(a, { otherDisk: "" }), "stranger");
    assert.deepEqual(a.lines, []);
    (await enter(a, { since: 3 })).close();
  });
});

Deno.test("A claim neither replaces nor outlives the connection of the member that is known", async () => {
  const a = new Station("1");
  await withStations([a], async () => {
    const claims = await enter(a, claim);
    const known = await enter(a);
    assert.equal((await claims.frame()).type, "more", "it makes way");
    assert.equal(await refusal(a, claim), "taken");
    a.peers.send(numbered("1", "2", 1));
    assert.equal((await known.frame()).type, "frame");
    known.close();
    claims.close();
  });
});

Deno.test("A former disk that may still be a member's makes way for the present one", async () => {
  const [former, present] = ["2".repeat(16), "3".repeat(16)];
  const members: Members = {
    ...{ configurationIndex: 9, decidedIndex: 1 },
    incarnationOf: (id) => id === "2" ? present : "",
    disksOf: (id) => id === "2" ? [present, former] : [],
  };
  const a = new Station("1", { members: () => members });
  await withStations([a], async () => {
    const one = await enter(a, { incarnation: former });
    const other = await enter(a, { incarnation: present });
    assert.equal((await one.frame()).type, "more", "it makes way");
    assert.equal(await refusal(a, { incarnation: former }), "taken");
    other.close();
  });
});

Deno.test("What waits for one life of a node is not sent to another", async () => {
  const a = new Station("1");
  const fake = new FakeNode();
  await withStations([a], async () => {
    a.configurationIndex = 5;
    a.peers.connect([fake.address]);
    const claims = await fake.accept(claim);
    await a.says("connected to node 2");
    // More than sockets take: the rest waits in the queue.
    const data = new Uint8Array(64 * 1024);
    const big = { type: "Forward", from: "1", to: "2", id: 1, data } as const;
    for (let i = 0; i < 100; i++) a.peers.send([big]);
    // The second write takes all that gathered, and is never done.
    const { writes } = a.peers.counters;
    while (a.peers.counters.writes === writes) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    for (let i = 0; i < 10; i++) a.peers.send([big]);
    const known = await enter(a);
    a.peers.send(numbered("1", "2", 1));
    const step = await known.frame();
    assert.ok(step.type === "frame");
    assert.deepEqual(decodePeerMessage(step.payload), numbered("1", "2", 1)[0]);
    known.close();
    claims.close();
  });
  fake.close();
});

Deno.test("A node that is not known yet both dials and is dialled, and is known again by its mark", async () => {
  const a = new Station("1");
  const fake = new FakeNode();
  await withStations([a], async () => {
    a.configurationIndex = 5;
    a.peers.connect([fake.address]);
    const dialled = await fake.accept(claim);
    await a.says("connected to node 2");
    const accepted = await enter(a, claim);
    // Another one that claims the same is not let in beside it.
    const other = { ...claim, incarnation: "a third" };
    assert.equal(await refusal(a, other), "taken");
    for (const wire of [dialled, accepted]) {
      await wire.write(
        encodeFrame(encodePeerMessage(numbered("2", "1", 1)[0]!)),
      );
    }
    await a.until(() => a.received.length === 2);
    accepted.close();
  });
  fake.close();
});

Deno.test("A burst of 300 silent strangers is held by no more than their share, and a member comes in", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withStations([a, b], async () => {
    const burst = Array.from({ length: 300 }, () => dialRaw(a));
    const wires = await Promise.all(burst);
    const { perSourceMax } = inboundShares(inboundMax).strangers;
    const shownOut = Promise.withResolvers<void>();
    let left = wires.length;
    const ends = wires.map(async (wire) => {
      while ((await wire.frame()).type === "frame");
      if (--left === perSourceMax) shownOut.resolve();
    });
    b.peers.connect([a.address]);
    await b.reaches(a);
    await shownOut.promise;
    for (const wire of wires) wire.close();
    await Promise.all(ends);
  });
});

Deno.test("Of guests, who are not known, sixteen are held: the oldest makes way", async () => {
  const a = new Station("1");
  await withStations([a], async () => {
    const { max } = inboundShares(inboundMax).guests;
    const wires: Wire[] = [];
    for (let i = 0; i <= max; i++) {
      wires.push(await enter(a, { id: `guest${i}`, incarnation: `${i}` }));
    }
    assert.equal((await wires[0]!.frame()).type, "more");
    const known = await enter(a);
    a.peers.send(numbered("1", "guest1", 1));
    assert.equal(
      (await wires[1]!.frame()).type,
      "frame",
      "a member takes no place of theirs",
    );
    for (const wire of [...wires, known]) wire.close();
  });
});

Deno.test("Frames above 64 KiB are taken of members alone, from when they are known", async () => {
  const a = new Station("1");
  const big = new Uint8Array(guestFrameBytesMax + 1);
  await withStations([a], async () => {
    const guest = await enter(a, { id: "9", incarnation: "9" });
    await guest.write(encodeFrame(big));
    assert.equal((await guest.frame()).type, "more");
    await a.says(`above ${guestFrameBytesMax}`);
    const member = await enter(a, { id: "9", incarnation: "9" });
    a.incarnations.set("9", "9");
    a.peers.connect([]);
    await member.write(encodeFrame(big));
    await a.says("it sent a message that cannot be read");
    guest.close();
    member.close();
  });
});

Deno.test("What is refused by whom it is for ends the connection, with one warning", async () => {
  const a = new Station("1", { receive: () => "NotMember of nobody" });
  await withStations([a], async () => {
    const message = encodePeerMessage(numbered("2", "1", 1)[0]!);
    for (let i = 0; i < 3; i++) {
      const wire = await enter(a);
      await wire.write(encodeFrame(message));
      assert.equal((await wire.frame()).type, "more");
      wire.close();
    }
    const lines = a.lines.filter((line) => line.includes("of nobody"));
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /^hung up on node 2 \(.*\): it sent NotMember/);
  });
});

Deno.test("Shares of few places leave most of them to members", () => {
  for (const max of [16, 32, 64, 128, 256, 1000]) {
    const { strangers, guests } = inboundShares(max);
    assert.ok(strangers.max + guests.max <= max / 2, `${max}`);
    assert.ok(strangers.perSourceMax < strangers.max);
  }
});

Deno.test("An idle connection is kept alive by beats; one that falls silent is dialled anew", async () => {
  const beating = { beatMillis: 5, silenceMillis: 50 };
  const a = new Station("1", { times: { ...times, ...beating } });
  const fake = new FakeNode();
  await withStations([a], async () => {
    a.peers.connect([fake.address]);
    const wire = await fake.accept();
    for (let i = 0; i < 20; i++) {
      const step = await wire.frame();
      assert.ok(step.type === "frame" && step.payload.length === 0);
      await wire.write(encodeFrame(new Uint8Array(0)));
    }
    await a.says("it fell silent");
    await fake.accept();
    await a.says("connected to node 2", 2);
  });
  fake.close();
});

Deno.test("Bytes without a whole frame do not count as life for ever", async () => {
  const beating = { beatMillis: 5, frameMillis: 50 };
  const a = new Station("1", { times: { ...times, ...beating } });
  await withStations([a], async () => {
    const wire = await enter(a);
    const announced = new Uint8Array(8);
    new DataView(announced.buffer).setUint32(0, frameBytesMax, true);
    await wire.write(announced);
    for (let alive = true; alive;) {
      await wire.write(new Uint8Array(1));
      alive = (await wire.frame()).type === "frame"; // a beat of theirs
    }
    wire.close();
    await a.says("it fell silent");
  });
});

Deno.test("connect() hangs up on who is no longer named, after what waits has left", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withStations([a, b], async () => {
    a.peers.connect([b.address]);
    await a.reaches(b);
    a.peers.send(numbered("1", "2", 1000));
    a.peers.send(numbered("1", "2", 1000));
    a.peers.connect([]);
    await b.until(() => b.received.length === 2001);
    const { dropped } = a.peers.counters;
    b.peers.send(numbered("2", "1", 1)); // the connection may be half closed by now
    a.peers.connect([b.address]);
    await a.says("connected to node 2", 2);
    await a.reaches(b);
    assert.equal(a.peers.counters.dropped, dropped);
  });
});

Deno.test("connect() follows a peer to its new address", async () => {
  const [a, b, moved] = [new Station("1"), new Station("2"), new Station("2")];
  await withStations([a, b, moved], async () => {
    a.peers.connect([b.address]);
    await a.reaches(b);
    a.peers.connect([moved.address]);
    await a.says(`connected to node 2 at ${moved.address.address}`);
    await a.reaches(moved);
    assert.equal(b.received.length, 1);
  });
});

Deno.test("connect() hangs up on the holder of an id that was given to another directory", async () => {
  const a = new Station("1");
  await withStations([a], async () => {
    const wire = await enter(a);
    a.incarnations.set("2", "another");
    a.peers.connect([]);
    assert.equal((await wire.frame()).type, "more");
    wire.close();
  });
});

Deno.test("connect() says which address cannot be dialled, once", async () => {
  const a = new Station("1");
  await withStations([a], () => {
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
  const a = new Station("1", { times: { ...times, retryMinMillis: 600_000 } });
  await withStations([a], async () => {
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

Deno.test("close() lets what waits leave first, and a second close() is harmless", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withStations([a, b], async () => {
    a.peers.connect([b.address]);
    await a.reaches(b);
    a.peers.send(numbered("1", "2", 1000));
    a.peers.send(numbered("1", "2", 1000));
    await Promise.all([a.peers.close(), a.peers.close()]);
    await b.until(() => b.received.length === 2001);
    a.peers.connect([b.address]);
    a.peers.send(numbered("1", "2", 1));
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
    identity: { cluster, node: "1", incarnation: "1".repeat(16) },
    about: { client: "", version: "" },
    address: `${host}:1`,
    members: () => nobody,
    receive: () => undefined,
    log: (level, text) => level === "warning" && lines.push(text),
  }, listener);
  const begunMillis = performance.now();
  const wire = new Wire(
    await Deno.connect({ hostname: host, port: peers.port }),
  );
  await wire.write(new Uint8Array(4).fill(255));
  assert.equal((await wire.frame()).type, "more");
  assert.ok(performance.now() - begunMillis < 10_000, "300 pauses are 30 s");
  assert.equal(lines.filter((line) => line.includes("accept")).length, 0);
  wire.close();
  await peers.close();
});

Deno.test("listen() says which address is in use and what to do", async () => {
  const a = new Station("1");
  await withStations([a], () => {
    const { port } = a.peers;
    assert.throws(() => new Station("2", { port }), {
      message: `cannot listen on 127.0.0.1:${port} for peers: ` +
        "address in use; choose another with --raddr",
    });
    return Promise.resolve();
  });
});

Deno.test("The limits of peers agree with each other", () => {
  assert.ok(queueBytesMax > frameBytesMax, "a whole frame can wait");
  const { beatMillis, silenceMillis, frameMillis, retryMaxMillis } = peerTimes;
  assert.ok(3 * beatMillis < silenceMillis && silenceMillis < frameMillis);
  assert.ok(retryMaxMillis <= 1000);
});
