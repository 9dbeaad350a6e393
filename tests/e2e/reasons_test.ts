// The log of real processes says why: each election and each loss of leadership is provoked, and
// its line is looked for on the node that must write it.

import assert from "node:assert/strict";
import { type Cluster, e2e } from "../lib/harness.ts";
import { freePort } from "../lib/ports.ts";
import type { Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";

/** Of the flags that the nodes of a lab are started with. */
const electionMillis = 1500;
const heartbeatMillis = 100;
/** A node on a busy machine counts its time late. */
const silenceMillisMax = 20_000;

/** The node as other nodes name it in the log. */
function named({ id, raftAddress }: Server): string {
  return `node ${id} at ${raftAddress}`;
}

/** Waits for a line of one of `servers`, and returns it with the server. */
async function lineOf(
  servers: readonly Server[],
  pattern: RegExp,
): Promise<{ server: Server; line: string }> {
  return await until(`a node has logged ${pattern}`, () => {
    for (const server of servers) {
      const line = server.log.split("\n").find((line) => pattern.test(line));
      if (line !== undefined) return { server, line };
    }
    return undefined;
  });
}

/** The time in `line` must be a silence, or a standstill, before an election. */
function silenceIn(line: string): void {
  const time = /(silent|stood still) for (\d+) (m?s)/.exec(line);
  const millis = Number(time?.[2]) * (time?.[3] === "s" ? 1000 : 1);
  // The others count from the last heartbeat, and the leader was stopped some time after it.
  const since = time?.[1] === "silent" ? 0 : 2 * heartbeatMillis;
  const least = electionMillis - since;
  assert.ok(least <= millis && millis < silenceMillisMax, line);
}

/** A leader whose disk and network are well, and the others. */
async function rolesOf(
  cluster: Cluster,
): Promise<{ leader: Server; others: Server[] }> {
  const leader = await cluster.leader();
  const others = cluster.running.filter((server) => server !== leader);
  return { leader, others };
}

e2e(
  "A hand-over says to whom and for whom, on both sides",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const { leader, others: [next] } = await rolesOf(cluster);
    assert.equal(await leader.ask("RAFT.TRANSFER", next!.id), "OK");
    await leader.logged(
      new RegExp(
        `info .*: lost leadership of term \\d+: handed over to ${
          named(next!)
        }, ` +
          `because RAFT.TRANSFER asked for it\n`,
      ),
    );
    await next!.logged(
      new RegExp(
        `info .*: stands for election in term \\d+, because ${
          named(leader)
        }, ` +
          `the leader, asked it to take over\n`,
      ),
    );
    await next!.logged(
      /became leader in term \d+ with the votes of node \d, node \d, after \d+ m?s without a leader\n/,
    );
    await cluster.leader();
    await next!.stop();
    assert.match(
      next!.log,
      /info .*: lost leadership of term \d+: handed over to node \d at \S+, because this node stops\n/,
    );
  },
);

e2e(
  "A killed leader is named as silent, with its address and the time, by those that go on",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const { leader, others } = await rolesOf(cluster);
    await leader.kill();
    const { line } = await lineOf(
      others,
      new RegExp(
        `stands for election .* because ${named(leader)}, the leader,`,
      ),
    );
    assert.match(
      line,
      / info .*was silent for \d+ m?s \(election timeout 1500 ms\)$/,
    );
    silenceIn(line);
    const next = await cluster.leader();
    const third = others.find((other) => other !== next)!;
    await third.logged(
      new RegExp(
        `follows ${
          named(next)
        } in term \\d+, \\d+ m?s after node \\d at \\S+, ` +
          "the leader before, was last heard\n",
      ),
    );
  },
);

e2e(
  "A leader that was stopped for a while says that it was, and which node leads now",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const { leader, others } = await rolesOf(cluster);
    leader.signal("SIGSTOP");
    const { server } = await lineOf(
      others,
      new RegExp(
        `became leader in term .* (?:[1-9]\\d{3} m|\\d+ )s without a leader$`,
      ),
    );
    leader.signal("SIGCONT");
    const lost = await leader.logged(
      /.* warn .*: lost leadership of term \d+: .*; this process stood still for \d+ m?s before\n/,
    );
    silenceIn(lost[0]);
    assert.ok(lost[0].includes(named(server)), lost[0]);
    const [stood] = await leader.logged(
      /.* warn .*: this process stood still .*/,
    );
    silenceIn(stood);
  },
);

e2e(
  "A leader without a majority names each silent voter, and a voter alone says which do not answer",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const { leader, others } = await rolesOf(cluster);
    await Promise.all(others.map((other) => other.kill()));
    const [lost] = await leader.logged(
      /.* warn .*: lost leadership of term \d+: no majority answers: .*/,
    );
    for (const other of others) {
      assert.ok(lost.includes(`${named(other)} was silent for `), lost);
    }
    silenceIn(lost);
    const [alone] = await leader.logged(/.* info .*: was not elected, .*/);
    for (const other of others) assert.ok(alone.includes(named(other)), alone);
    assert.match(alone, / did not answer$/);
  },
);

/** The arguments of a node that joins itself by an address that is not known to be its own. */
function joinsItself({ id, port, raftAddress, options }: Server): string[] {
  const own = Deno.networkInterfaces().find(({ family, address }) =>
    family === "IPv4" && !address.startsWith("127.")
  );
  return [
    ...["--id", id, "--raddr", raftAddress, "--dir", options.directory!],
    ...["--saddr", `:${port}`, "--join", `${own?.address}:${port}`],
  ];
}

e2e(
  "Each wrong --join has its own line within 10 s, which says what to do",
  async (lab) => {
    const node = await lab.server().start();
    const http = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      () => new Response("hello"),
    );
    const [here, one, other] = [freePort(), freePort(), freePort()];
    const cases: readonly (readonly [Server, RegExp])[] = [
      [
        lab.server({ id: "2", join: [node.raftPort] }),
        /this is the raft port of a ticketd node: --join takes the client address/,
      ],
      [
        lab.server({ id: "3", join: [http.addr.port] }),
        /this is (an HTTP server, and no ticketd|the )|connection closed before/,
      ],
      [
        lab.server({ id: "4", port: here, args: joinsItself }),
        /this is the node itself: name another node, or leave --join out/,
      ],
      [
        lab.server({ id: "5", port: one, join: [other] }),
        /the node there has found no cluster either: if there is a cluster/,
      ],
      [
        lab.server({ id: "6", port: other, join: [one] }),
        /the node there has found no cluster either: if there is a cluster/,
      ],
    ];
    for (const [server] of cases) server.spawn();
    await Promise.all(cases.map(async ([server, text]) => {
      const line = new RegExp(`.*waiting to join through .*${text.source}.*`);
      const [logged] = await server.logged(line);
      const begun = Date.parse(server.log.slice(0, 24));
      const millis = Date.parse(logged.slice(0, 24)) - begun;
      assert.ok(!(millis > 10_000), `after ${millis} ms: ${logged}`);
    }));
    await Promise.all(cases.map(([server]) => server.stop()));
    await http.shutdown();
    await node.stop();
  },
);
