// From RAFT.STATS of several nodes to a table, and to what is wrong.

import assert from "node:assert/strict";
import {
  type Asked,
  faultOfStats,
  membersIn,
  type Stats,
  statusOf,
} from "../../../admin/status_table.ts";

const [at1, at2, at3] = [1, 2, 3].map((n) => `10.0.0.${n}:11001`);

/** What node `id` answers, with the servers that it knows of. */
function statsOf(
  id: string,
  state: string,
  { term = 4, ...more }: Record<string, string | number> = {},
): Stats {
  const pairs: Record<string, string | number> = {
    state,
    term,
    cluster: "c",
    id,
    disk_latency_avg_us: 826,
    disk_latency_max_us: 12_345,
    disk_stalled: 0,
    version: "0.1.0",
    ...more,
  };
  return new Map(Object.entries(pairs).map(([k, v]) => [k, `${v}`]));
}

function server(
  id: number,
  { match = "", lag = "", contact = "", suffrage = "voter" } = {},
) {
  const [raft, client] = [12_001, 11_001].map((port) => `10.0.0.${id}:${port}`);
  return {
    [`server_${id}`]: `address=${raft},client=${client},suffrage=${suffrage},` +
      `role=?,match=${match},lag=${lag},contact_ms=${contact},version=0.1.0`,
  };
}

/** As the leader, node 1, knows them; the third is behind. */
const known = {
  ...server(1, { match: "15", lag: "0", contact: "0" }),
  ...server(2, { match: "15", lag: "0", contact: "0" }),
  ...server(3, { match: "12", lag: "3", contact: "4100" }),
};
const leader = { address: at1!, stats: statsOf("1", "Leader", known) };
const follower = {
  address: at2!,
  stats: statsOf("2", "Follower", { ...server(1), ...server(2), ...server(3) }),
};
const refused = { address: at3!, fault: "connection refused" };

function others(entries: Record<string, Asked>): ReadonlyMap<string, Asked> {
  return new Map(Object.entries(entries));
}

Deno.test("statusOf() shows the leader's report of all members and each member's own, in whatever order they were asked", () => {
  const third = { address: at3!, stats: statsOf("3", "Follower") };
  const expected = [
    "id  address         client          role      term  match  lag  contact  version  disk avg/max",
    "1   10.0.0.1:12001  10.0.0.1:11001  leader       4     15    0        -  0.1.0      826µs/12ms",
    "2   10.0.0.2:12001  10.0.0.2:11001  follower     4     15    0      0ms  0.1.0      826µs/12ms",
    "3   10.0.0.3:12001  10.0.0.3:11001  follower     4     12    3     4.1s  0.1.0      826µs/12ms",
  ].join("\n");
  for (
    const answers of [
      { first: leader, others: others({ 2: follower, 3: third }) },
      { first: follower, others: others({ 1: leader, 3: third }) },
    ]
  ) {
    const { table, fault } = statusOf(answers);
    assert.equal(table, expected);
    assert.equal(fault, undefined);
  }
});

Deno.test("statusOf() shows a member that does not answer as the leader reports it, and names it", () => {
  const { table, fault } = statusOf({
    first: leader,
    others: others({ 2: follower, 3: refused }),
  });
  assert.equal(
    table.split("\n")[3],
    "3   10.0.0.3:12001  10.0.0.3:11001  unreachable     -     12    3     4.1s  0.1.0               -",
  );
  assert.equal(
    fault,
    "node 3 is unreachable at 10.0.0.3:11001 (connection refused)",
  );
});

Deno.test("statusOf() says all that is wrong in one line", () => {
  const { table, fault } = statusOf({
    first: follower,
    others: others({ 3: refused }),
  });
  assert.equal(
    fault,
    "no node says that it leads; node 1 is unreachable (its client address is " +
      "not known); node 3 is unreachable at 10.0.0.3:11001 (connection refused)",
  );
  assert.match(table, /\n1 .* unreachable +- +- +- +- /);
});

Deno.test("statusOf() believes the leader of the newest term", () => {
  const former = {
    address: at2!,
    stats: statsOf("2", "Leader", { term: 3, ...server(2, { match: "9" }) }),
  };
  const { table } = statusOf({
    first: former,
    others: others({ 1: leader, 3: refused }),
  });
  const [, one, two] = table.split("\n");
  assert.match(one!, /leader +4 +15/);
  assert.match(two!, /leader +3 +15/, "it still says so of itself");
});

Deno.test("A learner is shown as one, and may be unreachable", () => {
  const learner = server(2, { suffrage: "learner" });
  const first = {
    address: at1!,
    stats: statsOf("1", "Leader", { ...server(1), ...learner }),
  };
  const up = { first, others: others({ 2: follower }) };
  assert.match(statusOf(up).table, /\n2 .* learner /);
  const down = { first, others: others({ 2: refused }) };
  assert.match(statusOf(down).table, /\n2 .* unreachable /);
  assert.equal(statusOf(down).fault, undefined);
});

Deno.test("A disk that hangs shows, and durations are short", () => {
  const disk = (avg: number, max: number, stalled = 0) => {
    const stats = statsOf("1", "Leader", {
      ...server(1),
      disk_latency_avg_us: avg,
      disk_latency_max_us: max,
      disk_stalled: stalled,
    });
    const { table } = statusOf({
      first: { address: at1!, stats },
      others: new Map(),
    });
    return table.split("  ").at(-1)!.trim();
  };
  assert.equal(disk(0, 0), "0µs/0µs");
  assert.equal(disk(999, 1000), "999µs/1.0ms");
  assert.equal(disk(9940, 99_400), "9.9ms/99ms");
  assert.equal(disk(1_500_000, 60_000_000, 1), "stalled 1.5s/60s");
});

Deno.test("membersIn() orders ids as people do, and takes a loopback for the host of the node that reports it", () => {
  const stats = new Map([
    ["server_10", "address=:1,client=127.0.0.1:5,suffrage=voter"],
    ["server_2", "address=:2,client=:6,suffrage=learner"],
    ["server_b", "client=h:7"],
    ["server_a", ""],
    ["term", "2"],
  ]);
  const clients = (address: string) =>
    membersIn(stats, address).map(({ id, client }) => `${id} ${client}`);
  assert.deepEqual(clients("10.0.0.1:11001"), [
    "2 10.0.0.1:6",
    "10 10.0.0.1:5",
    "a ",
    "b h:7",
  ]);
  assert.deepEqual(clients(":11001").slice(0, 2), [
    "2 127.0.0.1:6",
    "10 127.0.0.1:5",
  ]);
});

Deno.test("faultOfStats() tells which node answers in a member's place", () => {
  const node = { id: "2", cluster: "c" };
  const stats = statsOf("2", "Follower");
  assert.equal(faultOfStats(stats, node), undefined);
  assert.equal(faultOfStats(stats), undefined);
  assert.equal(
    faultOfStats(statsOf("3", "Leader"), node),
    "node 3 answers",
  );
  assert.equal(
    faultOfStats(stats, { ...node, cluster: "d" }),
    "a node of another cluster answers",
  );
  // The original has 18 pairs, and none of them says who it is.
  assert.match(
    faultOfStats(new Map([["term", "2"]]))!,
    /does not tell who it is/,
  );
});

Deno.test("A table of usual names is at most 120 columns wide", () => {
  const name = "node-a";
  const stats = statsOf(name, "Leader", {
    [`server_${name}`]:
      "address=192.168.100.101:12001,client=192.168.100.101:11001," +
      "suffrage=voter,match=12345678,lag=1234,contact_ms=25",
  });
  const { table } = statusOf({
    first: { address: "192.168.100.101:11001", stats },
    others: new Map(),
  });
  for (const line of table.split("\n")) assert.ok(line.length <= 120, line);
});
