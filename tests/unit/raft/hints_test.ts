// What a member asks at --join about others that have moved, how often, and which answers it
// takes for hints.

import assert from "node:assert/strict";
import { type Address, formatAddress } from "../../../base/address.ts";
import type { Reply } from "../../../base/resp_client.ts";
import { hintIn, Hints } from "../../../raft/hints.ts";

/** Hints of a node whose questions are answered by `replies`, by their address. */
function hintsOf(
  { addresses, replies = {}, names = {} }: {
    readonly addresses: readonly string[];
    readonly replies?: Record<string, Reply>;
    readonly names?: Record<string, readonly string[]>;
  },
) {
  const asked: string[] = [];
  const found: string[] = [];
  const clock = { millis: 0 };
  const stopping = new AbortController();
  const hints = new Hints({
    addresses,
    found: (id, address) => found.push(`${id} ${address}`),
    log: () => {},
    signal: stopping.signal,
    ask(address: Address, words) {
      asked.push(`${words} ${formatAddress(address)}`);
      const text = formatAddress(address);
      return Promise.resolve(
        Object.hasOwn(replies, text)
          ? { type: "reply", reply: replies[text] }
          : { type: "failure", reason: "connection refused" },
      );
    },
    lookup(name) {
      const all = names[name];
      return all === undefined
        ? Promise.reject(new Error(`no such host: ${name}`))
        : Promise.resolve(all);
    },
    now: () => clock.millis,
  });
  /** Runs until nothing is asked any more. */
  const round = async () => {
    hints.wanted();
    for (let i = 0; i < 20; i++) await Promise.resolve();
    return asked.splice(0);
  };
  return { round, found, clock, stopping };
}

const nodeAt = (id: string, address: string): Reply => [
  ...["id", id, "address", address],
];

Deno.test("Every address behind every name of --join is asked which node is there", async () => {
  const { round, found } = hintsOf({
    addresses: ["nodes:11001", "10.0.0.9:11001", "gone:11001"],
    names: { nodes: ["10.0.0.1", "10.0.0.2"] },
    replies: {
      "10.0.0.1:11001": nodeAt("1", ":12001"),
      "10.0.0.2:11001": nodeAt("2", "node-2:12001"),
    },
  });
  assert.deepEqual((await round()).toSorted(), [
    "RAFT.NODE 10.0.0.1:11001",
    "RAFT.NODE 10.0.0.2:11001",
    "RAFT.NODE 10.0.0.9:11001",
  ]);
  assert.deepEqual(found.toSorted(), ["1 10.0.0.1:12001", "2 node-2:12001"]);
});

Deno.test("Hints are asked for at once, and then less and less often, up to every five seconds", async () => {
  const { round, clock } = hintsOf({ addresses: ["10.0.0.1:11001"] });
  const times: number[] = [];
  for (; clock.millis < 30_000; clock.millis += 100) {
    if ((await round()).length > 0) times.push(clock.millis);
  }
  const pauses = times.slice(1).map((at, i) => at - times[i]!);
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 5000, 5000, 5000, 5000]);
});

Deno.test("Hints that are wanted again after a while are asked for at once", async () => {
  const { round, clock } = hintsOf({ addresses: ["10.0.0.1:11001"] });
  for (; clock.millis < 20_000; clock.millis += 100) await round();
  clock.millis += 20_000;
  assert.equal((await round()).length, 1);
  clock.millis += 500;
  assert.equal((await round()).length, 1);
});

Deno.test("A node without --join, or that stops, asks for no hints", async () => {
  const none = hintsOf({ addresses: [] });
  assert.deepEqual(await none.round(), []);
  const { round, stopping } = hintsOf({ addresses: ["10.0.0.1:11001"] });
  stopping.abort();
  assert.deepEqual(await round(), []);
});

Deno.test("An answer that is no node's, or names what must not be dialled, is no hint", () => {
  const at = { host: "10.0.0.1", port: 11001 };
  assert.deepEqual(hintIn(nodeAt("1", ":12001"), at), {
    ...{ id: "1", address: "10.0.0.1:12001" },
  });
  const strange: Reply[] = [
    "OK",
    undefined,
    new Error("ERR unknown command 'RAFT.NODE'"),
    ["id", "1"],
    ["address", "h:1", "id", "1"],
    nodeAt("", "h:1"),
    nodeAt("a b", "h:1"),
    nodeAt("1", "h"),
    nodeAt("1", "h:0"),
    nodeAt("1", "0.0.0.0:1"),
    nodeAt("1", "224.0.0.1:1"),
    nodeAt("1", `${"h".repeat(300)}:1`),
  ];
  for (const reply of strange) assert.equal(hintIn(reply, at), undefined);
});
