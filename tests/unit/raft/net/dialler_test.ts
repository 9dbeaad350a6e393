// When a node is dialled again, and when a member that cannot be reached has moved.

import assert from "node:assert/strict";
import { Dialler, type DiallerOptions } from "../../../../raft/net/dialler.ts";
import { encodeFrame } from "../../../../raft/net/frame.ts";
import { Link } from "../../../../raft/net/link.ts";
import type { Wire } from "../../../../raft/net/wire.ts";
import { freePort } from "../../../lib/ports.ts";
import {
  FakeNode,
  host,
  incarnationOf,
  inTime,
  Station,
  withNodes,
} from "./station.ts";

Deno.test("A peer that restarts is back without anybody asking", async () => {
  const a = new Station("1");
  const first = new Station("2");
  const { port } = first.peers;
  a.peers.connect([first.address]);
  await a.reaches(first);
  await first.close();
  await a.says("cannot reach node 2");
  const second = new Station("2", { port });
  await withNodes([a, second], async () => {
    await a.says("connected to node 2", 2);
    await a.reaches(second);
  });
});

Deno.test("A peer that dials us ends the pause before we dial it", async () => {
  const slow = { retryMinMillis: 600_000, retryMaxMillis: 600_000 };
  const a = new Station("1", { times: slow });
  const gone = new Station("2");
  const { address, peers: { port } } = gone;
  await gone.close();
  a.peers.connect([address]);
  await a.says("cannot reach node 2");
  const b = new Station("2", { port });
  await withNodes([a, b], async () => {
    b.peers.connect([a.address]);
    await a.says("connected to node 2");
    await a.reaches(b);
  });
});

Deno.test("A dialled connection that breaks the rules is dialled anew", async () => {
  const a = new Station("1");
  const fake = new FakeNode();
  await withNodes([a, fake], async () => {
    a.peers.connect([fake.address]);
    const first = await fake.accept();
    await first.wire.write(encodeFrame(new Uint8Array([0])));
    await a.says("it sent a message that cannot be read");
    await fake.accept();
    await a.says("connected to node 2", 2);
  });
});

Deno.test("connect() follows a peer to its new address", async () => {
  const [a, b, moved] = [new Station("1"), new Station("2"), new Station("2")];
  await withNodes([a, b, moved], async () => {
    a.peers.connect([b.address]);
    await a.reaches(b);
    a.peers.connect([moved.address]);
    await a.says(`connected to node 2 at ${moved.address.address}`);
    await a.reaches(moved);
    assert.equal(b.received.length, 1);
  });
});

Deno.test("A member that is not where it is dialled, and says where it is, has moved", async () => {
  const port = freePort();
  const [a, b] = [new Station("1"), new Station("2", { port })];
  await withNodes([a, b], async () => {
    a.peers.connect([{ id: "2", address: `${host}:1` }]);
    b.peers.connect([a.address]);
    await a.until("tells of moves", () => a.moves.length >= 2);
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
      claim: "A member that answers nowhere has not moved",
      port: undefined,
      movedMillis: 0,
    },
  ]
) {
  Deno.test(`${claim}, whatever the member says`, async () => {
    const a = new Station("1", { times: { movedMillis } });
    const b = new Station("2", { port });
    await withNodes([a, b], async () => {
      a.peers.connect([{ id: "2", address: `${host}:1` }]);
      b.peers.connect([a.address]);
      await b.reaches(a);
      await failsTwentyTimes(a);
      assert.deepEqual(a.moves, []);
    });
  });
}

Deno.test("A member that is reached where it is dialled stays there, whatever it says", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withNodes([a, b], async () => {
    a.peers.connect([b.address]);
    b.peers.connect([a.address]);
    await b.reaches(a);
    await a.reaches(b);
    assert.deepEqual(a.moves, []);
  });
});

Deno.test("A connection that breaks now and then does not make a member move", async () => {
  const a = new Station("1");
  const b = new FakeNode();
  await withNodes([a, b], async () => {
    a.peers.connect([b.address]);
    (await b.accept()).close();
    await a.until("fails once", () => a.failures >= 1);
    await a.enter();
    (await b.accept()).close();
    await a.until("fails twice", () => a.failures >= 2);
    await b.accept();
    await a.says("connected to node 2", 3);
    assert.deepEqual(a.moves, []);
  });
});

Deno.test("Only the disk that the configuration names can say that a member has moved", async () => {
  // Unknown; another disk, which a node that is behind lets in; the same address; none.
  const cases = [
    { known: "" },
    { known: "another disk", since: 9 },
    { claim: `${host}:1` },
    { claim: "nowhere" },
    { claim: `${host}:0` },
  ];
  for (const { known = incarnationOf("2"), since = 0, claim } of cases) {
    const a = new Station("1");
    const b = new Station("2");
    a.incarnations.set("2", known);
    b.configurationIndex = since;
    await withNodes([a, b], async () => {
      a.peers.connect([{ id: "2", address: `${host}:1` }]);
      const address = claim ?? b.address.address;
      await a.enter({ since, address });
      await failsTwentyTimes(a);
      assert.deepEqual(a.moves, []);
    });
  }
});

/** Many more failures than it takes to believe in a move. */
async function failsTwentyTimes(station: Station): Promise<void> {
  const { failures } = station;
  const holds = () => station.failures >= failures + 20;
  await station.until("fails twenty times", holds);
}

/** A dialler of node 2 whose dials are scripted. */
function scripted(
  fields: Pick<DiallerOptions, "open"> & Partial<DiallerOptions>,
): { dialler: Dialler; link: Link } {
  const counters = { sent: 0, dropped: 0, received: 0, writes: 0 };
  const link = new Link("2", { counters, drained: () => {} });
  const disk = incarnationOf("2");
  const dialler = new Dialler(link, {
    address: { host, port: 1 },
    times: { retryMinMillis: 1, retryMaxMillis: 1, movedMillis: 0 },
    use: () => Promise.resolve(),
    members: () => ({
      ...{ configurationIndex: 1, decidedIndex: 1 },
      incarnationOf: () => disk,
      disksOf: () => [disk],
    }),
    moved: () => {},
    random: () => 0,
    ...fields,
  });
  return { dialler, link };
}

/** A connection to node 2, on its own disk unless told otherwise. */
function wireOf(
  { incarnation = incarnationOf("2"), close = () => {} } = {},
): Wire {
  const isOn = (disk: string) => disk === incarnation;
  const proof = { isOn, mark: incarnation, knowsUs: true, since: 1 };
  return { proof, remote: `${host}:7`, close } as unknown as Wire;
}

Deno.test("Another disk that answers where a member says it is does not make it move", async () => {
  for (const incarnation of [incarnationOf("2"), incarnationOf("3")]) {
    const moves: string[] = [];
    let dials = 0;
    const { dialler, link } = scripted({
      open() {
        if (++dials === 1) return Promise.resolve(undefined);
        dialler.stop();
        return Promise.resolve(wireOf({ incarnation }));
      },
      moved: (id, address) => moves.push(`${id} ${address}`),
    });
    link.accepted = wireOf();
    link.advertised = `${host}:2`;
    await inTime("the dialler has ended", dialler.run());
    const isMember = incarnation === incarnationOf("2");
    assert.deepEqual(moves, isMember ? [`2 ${host}:2`] : []);
  }
});

Deno.test("A dialler that is stopped closes the connection that it was opening", async () => {
  let closed = 0;
  let used = 0;
  const { dialler } = scripted({
    open() {
      dialler.stop();
      return Promise.resolve(wireOf({ close: () => closed++ }));
    },
    use: () => Promise.resolve(void used++),
  });
  await inTime("the dialler has ended", dialler.run());
  assert.deepEqual([closed, used], [1, 0]);
});

Deno.test("A dialler that is stopped does not look for where a member has moved", async () => {
  for (const stopsAt of [1, 2]) {
    let dials = 0;
    const { dialler, link } = scripted({
      open() {
        // The first is where it is dialled, the second where it says that it is.
        if (++dials === stopsAt) dialler.stop();
        return Promise.resolve(undefined);
      },
    });
    link.accepted = wireOf();
    link.advertised = `${host}:2`;
    await inTime("the dialler has ended", dialler.run());
    assert.equal(dials, stopsAt);
  }
});
