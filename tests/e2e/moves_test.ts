// Members that come back at other addresses, on the same disks: one, two, all, while another
// is down, and those that have swapped their addresses. No command is sent; --join says where
// hints may be found. How long it takes is for the deadlines of the waits alone.

import assert from "node:assert/strict";
import { Cluster, e2e, type Lab } from "../lib/harness.ts";
import { freePort } from "../lib/ports.ts";
import { calm, type Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";

/** The nodes `old` at new addresses, each started with the client ports of the others. */
function movedTo(
  lab: Lab,
  old: readonly Server[],
  raftPorts: readonly number[] = old.map(() => freePort()),
): Server[] {
  const ports = old.map(() => freePort());
  return old.map(({ id }, i) =>
    lab.server({
      id,
      port: ports[i]!,
      raftPort: raftPorts[i]!,
      join: ports.filter((_, other) => other !== i),
    })
  );
}

/** Waits until every node knows every node at its present address. */
async function known(servers: readonly Server[]): Promise<void> {
  for (const node of servers) {
    for (const { id, raftAddress } of servers) {
      const state = `node ${node.id} knows node ${id} at ${raftAddress}`;
      await until(state, async () => {
        const members = await node.ask("RAFT.CONFIGURATION");
        const text = JSON.stringify(members);
        return text.includes(`"${id}","address","${raftAddress}"`);
      });
    }
  }
}

/** Three nodes in a cluster, which have given ten tickets. */
async function founded(lab: Lab): Promise<Server[]> {
  const { servers } = await lab.cluster(3);
  await servers[0]!.tickets(10);
  return [...servers];
}

async function stopped(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}

/** Starts `servers`; each must give a ticket, higher than those before. */
async function serve(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => server.start()));
  const tickets = await Promise.all(servers.map((server) => server.ticket()));
  for (const ticket of tickets) assert.ok(ticket > 10n, `${ticket}`);
}

for (const [what, count] of [["Two", 2], ["All", 3]] as const) {
  e2e(
    `${what} of three nodes that move at once are back without a command`,
    async (lab) => {
      const old = await founded(lab);
      const leaving = old.slice(0, count);
      await stopped(leaving);
      const fresh = movedTo(lab, leaving);
      await serve(fresh);
      const all = [...fresh, ...old.slice(count)];
      await known(all);
      await new Cluster(all).settled();
      // The configuration is enough from now on: nobody needs a hint any more.
      await stopped(all);
      await serve(
        all.map(({ id, port, raftPort }) => lab.server({ id, port, raftPort })),
      );
    },
  );
}

e2e(
  "Nodes that have moved are back if each knows one of them alone, and a wrong hint does no harm",
  async (lab) => {
    const old = await founded(lab);
    await stopped(old);
    const [one, two, three] = movedTo(lab, old);
    const deaf = freePort();
    const nodes = [
      lab.server({ ...of(one!), join: [two!.port, deaf] }),
      lab.server({ ...of(two!), join: [three!.port, deaf] }),
      lab.server({ ...of(three!), join: [deaf, two!.port] }),
    ];
    // A hint at a node of another cluster, under the id that is looked for.
    await lab.server({
      ...{ id: "1", port: deaf, directory: `${lab.directory}/other` },
    }).start();
    await serve(nodes);
    await known(nodes);
  },
);

e2e(
  "Three nodes that swap their addresses are back without a command",
  async (lab) => {
    const old = await founded(lab);
    await stopped(old);
    const [a, b, c] = old.map(({ raftPort }) => raftPort);
    const fresh = movedTo(lab, old, [b!, c!, a!]);
    await serve(fresh);
    await known(fresh);
    await new Cluster(fresh).settled();
  },
);

e2e(
  "Two nodes move while the third is down, and it finds them when it is back",
  async (lab) => {
    const old = await founded(lab);
    await stopped(old);
    const [third, ...others] = old.toReversed();
    const fresh = movedTo(lab, others);
    await serve(fresh);
    await known(fresh);
    // At its own former address, where the others dial it.
    await serve([third!]);
    const all = [...fresh, third!];
    await known(all);
    await new Cluster(all).settled();
  },
);

e2e(
  "A follower, and then the leader, move one after the other, without hints",
  async (lab) => {
    const old = await founded(lab);
    let nodes = old;
    for (const isLeader of [false, true]) {
      const leader = await new Cluster(nodes).leader();
      const leaving = nodes.find((node) => (node === leader) === isLeader)!;
      const rest = nodes.filter((node) => node !== leaving);
      await leaving.kill();
      const moved = lab.server({ id: leaving.id });
      await serve([moved]);
      nodes = [...rest, moved];
      await known(nodes);
    }
    await new Cluster(nodes).settled();
  },
);

e2e(
  "Nodes that know each other by names are reached again when one moves",
  async (lab) => {
    const named = (id: string, port: number, raftPort: number) => ({
      ...{ id, port, raftPort },
      flags: [...calm, "--advertise", `localhost:${raftPort}`],
    });
    const one = lab.server(named("1", freePort(), freePort()));
    const two = lab.server(named("2", freePort(), freePort()));
    await one.start();
    await two.start("--join", `localhost:${one.port}`);
    await until(
      "both vote",
      async () => (await two.members()).join() === "1 Voter,2 Voter",
    );
    await two.stop();
    const moved = lab.server(named("2", two.port, freePort()));
    await moved.start();
    assert.equal(await moved.ticket(), 1n);
    await until(
      "the new name is known",
      async () =>
        JSON.stringify(await one.ask("RAFT.CONFIGURATION"))
          .includes(`localhost:${moved.raftPort}`),
    );
  },
);

e2e("A node tells at its client port which node it is", async (lab) => {
  const server = await lab.server({ id: "1" }).start();
  assert.deepEqual(await server.ask("RAFT.NODE"), [
    ...["id", "1", "address", server.raftAddress],
  ]);
});

function of({ id, port, raftPort }: Server) {
  return { id, port, raftPort, flags: calm };
}
