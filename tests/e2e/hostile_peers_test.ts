// Every message of the peers' protocol, from each kind of sender that must not send it, to a
// real cluster under load: no node ends, no number repeats, no member is forgotten.

import assert from "node:assert/strict";
import { termJumpMax } from "../../raft/core/limits.ts";
import type { PeerMessage, Saved } from "../../raft/core/types.ts";
import { checkTickets } from "../lib/checker.ts";
import { everyMessage } from "../lib/every_message.ts";
import { FakePeer, type Role } from "../lib/fake_peer.ts";
import { diskOf } from "../lib/disk_of.ts";
import { type Cluster, e2e, type Lab } from "../lib/harness.ts";
import type { Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";

function portOf(server: Server): { hostname: string; port: number } {
  return { hostname: server.host, port: server.raftPort };
}

async function termOf(server: Server): Promise<number> {
  return Number((await server.stats())["term"]);
}

/** Sends each message on a connection of its own, so that no refusal hides the next. */
async function sendAll(
  to: Server,
  role: Role,
  messages: readonly PeerMessage[],
): Promise<number> {
  let letIn = 0;
  for (const message of messages) {
    const peer = await FakePeer.enter(portOf(to), role);
    if (!(peer instanceof FakePeer)) continue;
    letIn++;
    await peer.sayAndPart(message);
  }
  return letIn;
}

type Scene = {
  readonly cluster: Cluster;
  readonly disks: ReadonlyMap<string, Saved>;
};

/** Runs `act` on a cluster of three and a nonvoter, under load; all must be well afterwards. */
async function survives(
  lab: Lab,
  act: (scene: Scene) => Promise<void>,
): Promise<void> {
  const cluster = await lab.cluster(3);
  const fourth = lab.server({ id: "4", join: [cluster.servers[0]!.port] });
  await fourth.start("--nonvoter");
  const all = [...cluster.servers, fourth];
  const members = await cluster.servers[0]!.members();
  const disks = new Map(
    all.map((server) => [server.id, diskOf(server, lab.directory)]),
  );
  // A fake peer plays it from now on.
  await fourth.stop();
  const load = lab.load(cluster.servers, { connections: 6 });
  await load.more(100);
  await act({ cluster, disks });
  await load.more(100);
  const { tickets } = { tickets: await load.stop() };
  checkTickets(tickets);
  for (const server of cluster.servers) {
    assert.equal(server.running, true, `${server.id}: ${server.log}`);
    assert.doesNotMatch(server.log, / error /);
  }
  const { largest } = load;
  await Promise.all(cluster.servers.map((server) => server.stop()));
  await Promise.all(cluster.servers.map((server) => server.start()));
  const leader = await cluster.leader();
  assert.deepEqual(await leader.members(), members);
  assert(await leader.ticket() > largest);
}

/** A fake peer with this id, and with the disk that the members know under it. */
function roleOf(
  { disks }: Scene,
  { id, to, incarnation }: { id: string; to: Server; incarnation?: string },
): Role {
  const { identity } = disks.get(to.id)!;
  return {
    cluster: identity.cluster,
    id,
    incarnation: incarnation ?? disks.get(id)?.identity.incarnation ?? "none",
    other: to.id,
    otherDisk: identity.incarnation,
  };
}

async function leaderAndFollower(cluster: Cluster): Promise<Server[]> {
  const leader = await cluster.leader();
  return [leader, cluster.servers.find((server) => server !== leader)!];
}

e2e(
  "Strangers are let in under no name, and told nothing but a reason",
  async (lab) => {
    await survives(lab, async (scene) => {
      const [first, second] = scene.cluster.servers;
      const since = 2 ** 50;
      for (const to of [first!, second!]) {
        const known = roleOf(scene, { id: "9", to });
        const other = to === first ? second! : first!;
        const rows: [Partial<Role>, string][] = [
          [{ cluster: "d".repeat(32), since }, "wrong-cluster"],
          // It knows the cluster, as every client may, and claims to be far ahead …
          [{ otherDisk: "", since }, "stranger"],
          // … under the id of a member, on another disk …
          [{ id: other.id, otherDisk: "", since }, "used-id"],
          // … or with a disk that it has guessed.
          [{ otherDisk: "0".repeat(16), since }, "stranger"],
          [{ id: to.id, since }, "used-id"],
          [{ other: other.id, since }, "wrong-receiver"],
          // A former disk of a member, whatever it knows.
          [{ id: other.id, incarnation: "0".repeat(16) }, "used-id"],
        ];
        for (const [fields, reason] of rows) {
          const answer = await FakePeer.enter(portOf(to), {
            ...known,
            ...fields,
          });
          assert.equal(answer, reason);
        }
      }
    });
  },
);

e2e(
  "A former member, or one that claims to be a later member, changes nothing",
  async (lab) => {
    await survives(lab, async (scene) => {
      for (const to of await leaderAndFollower(scene.cluster)) {
        const role = roleOf(scene, { id: "9", to });
        for (const since of [0, 2 ** 50]) {
          const term = await termOf(to);
          for (
            const claimed of [term - 1, term, term + 1, term + termJumpMax + 9]
          ) {
            const envelope = { from: "9", to: to.id, term: claimed };
            const messages = everyMessage(envelope);
            const letIn = await sendAll(to, { ...role, since }, messages);
            assert.equal(letIn, messages.length);
          }
        }
        assert.equal(await termOf(to), await termOf(scene.cluster.servers[0]!));
      }
    });
  },
);

e2e("A member without a vote does nothing that takes one", async (lab) => {
  await survives(lab, async (scene) => {
    const wish = { type: "promote", id: "nobody", prevIndex: "0" };
    for (const to of await leaderAndFollower(scene.cluster)) {
      const role = roleOf(scene, { id: "4", to });
      const term = await termOf(to);
      for (
        const claimed of [term - 1, term, term + 1, term + termJumpMax + 9]
      ) {
        const envelope = { from: "4", to: to.id, term: claimed, wish };
        const messages = everyMessage(envelope);
        assert.equal(await sendAll(to, role, messages), messages.length);
      }
    }
  });
});

e2e(
  "A voter that does not lead, or leads in no term that there is, changes nothing",
  async (lab) => {
    await survives(lab, async (scene) => {
      const leader = await scene.cluster.leader();
      const [to, played] = await scene.cluster.followers();
      await played!.stop();
      const wish = { type: "promote", id: "nobody", prevIndex: "0" };
      for (const target of [leader, to!]) {
        const role = roleOf(scene, { id: played!.id, to: target });
        const term = await termOf(target);
        for (const claimed of [term - 1, term, term + termJumpMax + 9]) {
          const from = played!.id;
          const envelope = { from, to: target.id, term: claimed, wish };
          const messages = everyMessage(envelope);
          assert.equal(await sendAll(target, role, messages), messages.length);
        }
      }
      await played!.start();
      await until(
        `node ${played!.id} follows a leader`,
        async () => (await played!.stats())["leader_id"] !== "",
      );
    });
  },
);
