// When a node is dialled again, and when a member that cannot be reached has moved.

import assert from "node:assert/strict";
import {
  Dialler,
  type DiallerOptions,
  pauseMillis,
} from "../../../../raft/net/dialler.ts";
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
  talkative,
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
  const a = new Station("1", { times: talkative });
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

Deno.test("A member that is found elsewhere is used there at once, and has not moved before a restart would be over", async () => {
  const port = freePort();
  const a = new Station("1", { times: { movedMillis: 60_000 } });
  const b = new Station("2", { port });
  await withNodes([a, b], async () => {
    a.peers.connect([{ id: "2", address: `${host}:1` }]);
    b.peers.connect([a.address]);
    await a.says(`connected to node 2 at ${host}:${port}`);
    await a.reaches(b);
    await b.close();
    await failsTwentyTimes(a);
    assert.deepEqual(a.moves, []);
    assert.equal(a.peers.reachesDirectly("2"), false);
  });
});

Deno.test("A member that fails for a moment is not looked for elsewhere", async () => {
  const port = freePort();
  const a = new Station("1", { times: { strayMillis: 60_000 } });
  const b = new Station("2", { port });
  await withNodes([a, b], async () => {
    a.peers.connect([{ id: "2", address: `${host}:1` }]);
    b.peers.connect([a.address]);
    await b.reaches(a);
    await failsTwentyTimes(a);
    assert.deepEqual([a.moves, a.missing], [[], []]);
  });
});

Deno.test("A member that answers nowhere has not moved, whatever it says", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withNodes([a, b], async () => {
    a.peers.connect([{ id: "2", address: `${host}:1` }]);
    b.peers.connect([a.address]);
    await b.reaches(a);
    await failsTwentyTimes(a);
    assert.deepEqual(a.moves, []);
    const lines = a.lines.filter((line) => line.includes("cannot reach"));
    assert.equal(lines.length, 1, "however many addresses are tried");
  });
});

Deno.test("A member that nobody finds is found where a hint says that it is", async () => {
  const slow = { retryMinMillis: 600_000, retryMaxMillis: 600_000 };
  const a = new Station("1", { times: slow });
  const b = new Station("2");
  await withNodes([a, b], async () => {
    a.peers.hint("2", `${host}:7`); // of a node that is not dialled: ignored
    a.peers.connect([{ id: "2", address: `${host}:1` }]);
    await a.until("misses node 2", () => a.missing.length > 0);
    a.peers.hint("2", b.address.address); // ends the pause
    await a.says(`connected to node 2 at ${b.address.address}`);
    await a.reaches(b);
    await a.until("tells of the move", () => a.moves.length >= 2);
    assert.equal(a.moves[0], `2 ${b.address.address}`);
  });
});

Deno.test("A hint that leads to another node, or to another disk, is not followed", async () => {
  for (const { id, disk } of [{ id: "3", disk: "3" }, { id: "2", disk: "9" }]) {
    const [a, other] = [new Station("1"), new Station(id)];
    a.incarnations.set("2", incarnationOf("2"));
    if (disk === "9") {
      a.incarnations.set("2", incarnationOf("9"));
      a.configurationIndex = 0;
      other.configurationIndex = 9;
    }
    await withNodes([a, other], async () => {
      a.peers.connect([{ id: "2", address: `${host}:1` }]);
      a.peers.hint("2", other.address.address);
      await failsTwentyTimes(a);
      assert.deepEqual([a.moves, other.received], [[], []]);
      assert.equal(a.peers.reaches("2"), false);
    });
  }
});

Deno.test("When the configuration has followed a member, the connection to it goes on", async () => {
  const [a, b] = [new Station("1"), new Station("2")];
  await withNodes([a, b], async () => {
    a.peers.connect([{ id: "2", address: `${host}:1` }]);
    a.peers.hint("2", b.address.address);
    await a.until("tells of the move", () => a.moves.length >= 1);
    assert.equal(a.peers.reachesDirectly("2"), false);
    a.peers.connect([b.address]);
    assert.equal(a.peers.reachesDirectly("2"), true);
    const { length } = a.moves;
    await a.reaches(b, 100);
    assert.equal(a.moves.length, length);
    const connected = a.lines.filter((line) => line.includes("connected to"));
    assert.equal(connected.length, 1);
  });
});

Deno.test("A name is looked up at each try, and each of its addresses is tried", async () => {
  const b = new Station("2");
  const { port } = b.peers;
  // The third is another node behind the same name.
  const other = new Station("3", { listen: { host: "127.0.0.3", port } });
  const answers = [[], ["127.0.0.2"], ["127.0.0.2", "127.0.0.3", host]];
  const a = new Station("1", {
    times: talkative,
    lookup: (name) => {
      assert.equal(name, "nodes");
      const found = answers.length > 1 ? answers.shift()! : answers[0]!;
      return found.length > 0
        ? Promise.resolve(found)
        : Promise.reject(new Error(`no such host: ${name}`));
    },
  });
  await withNodes([a, b, other], async () => {
    a.peers.connect([{ id: "2", address: `nodes:${port}` }]);
    await a.says(`connected to node 2 at nodes:${port}`);
    await a.reaches(b);
    await a.says(`cannot reach node 2 at nodes:${port}: no such host: nodes`);
    await a.says(`cannot reach node 2 at nodes:${port}: connection refused`);
    assert.equal(a.peers.reachesDirectly("2"), true);
  });
});

Deno.test("The pause between two dials grows with the failures, and then with the time for which a node is dead", () => {
  const times = {
    ...{ retryMinMillis: 50, retryMaxMillis: 1000, retryDeadMaxMillis: 5000 },
  };
  const pauses = [[1, 0], [2, 50], [6, 2000], [9, 8000], [20, 16_000], [
    ...[99, 3_600_000],
  ]].map(([failures, deadMillis]) =>
    pauseMillis(failures!, { times, deadMillis: deadMillis! })
  );
  assert.deepEqual(pauses, [50, 100, 1000, 1000, 2000, 5000]);
});

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
  const a = new Station("1", { times: talkative });
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
    times: {
      ...{ retryMinMillis: 1, retryMaxMillis: 1, retryDeadMaxMillis: 1 },
      ...{ strayMillis: 0, movedMillis: 0, moveToldMillis: 1000 },
    },
    use: () => Promise.resolve(),
    members: () => ({
      ...{ configurationIndex: 1, decidedIndex: 1 },
      incarnationOf: () => disk,
      disksOf: () => [disk],
    }),
    moved: () => {},
    missing: () => {},
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

Deno.test("Another disk that answers where a member says it is does not make it move, and is not used", async () => {
  for (const incarnation of [incarnationOf("2"), incarnationOf("3")]) {
    const moves: string[] = [];
    const ended = Promise.withResolvers<void>();
    let [elsewhere, used] = [0, 0];
    const { dialler, link } = scripted({
      open(_id, { address: { port } }) {
        if (port === 1) return Promise.resolve(undefined);
        if (++elsewhere === 2) dialler.stop();
        return Promise.resolve(wireOf({ incarnation }));
      },
      use: () => {
        used++;
        return ended.promise;
      },
      moved(id, address) {
        moves.push(`${id} ${address}`);
        dialler.stop();
        ended.resolve();
      },
    });
    link.accepted = wireOf();
    link.advertised = `${host}:2`;
    await inTime("the dialler has ended", dialler.run());
    const isMember = incarnation === incarnationOf("2");
    assert.deepEqual(moves, isMember ? [`2 ${host}:2`] : []);
    assert.equal(used, isMember ? 1 : 0);
  }
});

Deno.test("A member that is used elsewhere is used at its own address as soon as that answers, and has not moved", async () => {
  const used: (number | undefined)[] = [];
  const ports = new Map<Wire, number>();
  const ends = new Map<Wire, () => void>();
  let dials = 0;
  const { dialler, link } = scripted({
    open(_id, { address: { port } }) {
      // A proxy that is up again a moment later than the member behind it.
      if (port === 1 && ++dials === 1) return Promise.resolve(undefined);
      const wire: Wire = wireOf({ close: () => ends.get(wire)?.() });
      ports.set(wire, port);
      return Promise.resolve(wire);
    },
    use(wire) {
      used.push(ports.get(wire));
      if (ports.get(wire) === 1) return Promise.resolve(dialler.stop());
      return new Promise((resolve) => ends.set(wire, resolve));
    },
    moved: () => assert.fail("it has not moved"),
  });
  link.hinted = `${host}:2`;
  await inTime("the dialler has ended", dialler.run());
  assert.deepEqual(used, [2, 1]);
});

Deno.test("A stop that cuts the second look at an address short is no move", async () => {
  const ended = Promise.withResolvers<void>();
  const moves: string[] = [];
  let dials = 0;
  const { dialler, link } = scripted({
    open(_id, { address: { port }, signal }) {
      if (port === 2) return Promise.resolve(wireOf());
      if (++dials === 1) return Promise.resolve(undefined);
      // The configuration names another address: this one has not been tried.
      setTimeout(() => dialler.stop());
      setTimeout(() => ended.resolve(), 50);
      return new Promise((resolve) =>
        signal.addEventListener("abort", () => resolve(undefined))
      );
    },
    use: () => ended.promise,
    moved: (id) => void moves.push(id),
  });
  link.hinted = `${host}:2`;
  await inTime("the dialler has ended", dialler.run());
  assert.deepEqual([dials, moves], [2, []]);
});

Deno.test("A sign of life ends a dial into the void when there is another place to look at", async () => {
  const dialled: number[] = [];
  const { dialler, link } = scripted({
    open(_id, { address: { port }, signal }) {
      dialled.push(port);
      if (port === 2) dialler.stop();
      if (port === 2) return Promise.resolve(undefined);
      setTimeout(() => {
        link.hinted = `${host}:2`;
        dialler.wake();
      }, 300);
      return new Promise((resolve) =>
        signal.addEventListener("abort", () => resolve(undefined))
      );
    },
  });
  await inTime("the dialler has ended", dialler.run());
  assert.deepEqual(dialled, [1, 2]);
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
