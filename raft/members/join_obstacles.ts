// Why an address of --join has not let a node in: what answers there instead of a member, as
// values, and in words that say what to do. Pure: `join_question.ts` asks, `join.ts` asks again,
// and `join_log.ts` writes the lines.

import type { Reply } from "../../base/resp_client.ts";
import { raftPortText } from "../../base/wrong_port.ts";

/** The answer of a node that has found no cluster itself; `host.ts` gives it. */
export const noClusterText = "this node has found no cluster to join yet";

/** Why one address has not helped. */
export type Obstacle =
  /** The name leads to no address; `reason` is the resolver's. */
  | { readonly type: "unresolved"; readonly reason: string }
  /** No connection, or none that lasted. */
  | { readonly type: "unreachable"; readonly reason: string }
  | { readonly type: "silent"; readonly millis: number }
  | { readonly type: "hung-up" }
  | { readonly type: "raft-port" }
  /** The node has reached itself. */
  | { readonly type: "itself" }
  /** A node that seeks a cluster itself. */
  | { readonly type: "waits" }
  /** No ticketd; `name` says what, as far as that is known. */
  | { readonly type: "foreign"; readonly name: string }
  /** A ticketd of the original, in Go. */
  | { readonly type: "original" }
  /** A member that cannot let the node in now. */
  | { readonly type: "refusal"; readonly text: string };

const foundOrWait =
  "if there is a cluster, start its members; for a new one, which " +
  "begins at 1, start one node without --join";
const inPlace = "--join takes the client address (--saddr) of a ticketd node";

/** `obstacle` in words, with what to do about it. */
export function obstacleText(obstacle: Obstacle): string {
  switch (obstacle.type) {
    case "unresolved":
      return `${obstacle.reason}: check the name, and DNS`;
    case "unreachable":
      return obstacle.reason;
    case "silent":
      return `no answer in time (${obstacle.millis} ms): is a node running ` +
        `there, and is this its client address (--saddr)?`;
    case "hung-up":
      return `connection closed before the reply, as a raft port does: ${inPlace}`;
    case "raft-port":
      return `this is the raft port of a ticketd node: ${inPlace}`;
    case "itself":
      return "this is the node itself: name another node, or leave --join " +
        "out to found a cluster";
    case "waits":
      // Its reader may have lost disks: a cluster that is only down must not be founded anew.
      return `the node there has found no cluster either: ${foundOrWait}`;
    case "foreign":
      return `this is ${obstacle.name}, and no ticketd: ${inPlace}`;
    case "original":
      return "this is a ticketd of the original, in Go, whose clusters take " +
        "no node of this one: name a node of this ticketd";
    case "refusal":
      return obstacle.text;
    default:
      return obstacle satisfies never;
  }
}

/** The obstacle behind `reply`, which is not the answer that was asked for. */
export function obstacleOf(reply: Reply): Obstacle {
  if (!(reply instanceof Error)) {
    return { type: "foreign", name: "a server with a strange answer" };
  }
  const { message } = reply;
  if (message.includes(noClusterText)) return { type: "waits" };
  if (message.includes(raftPortText)) return { type: "raft-port" };
  if (wantsPassword(reply)) return protectedServer;
  if (/^DENIED /.test(message)) return { type: "foreign", name: "Redis" };
  return { type: "refusal", text: message };
}

/** Whether `reply` says that the command is not known: then no member of ours has answered. */
export function isUnknownCommand(reply: Reply): boolean {
  return reply instanceof Error && /^ERR unknown command/i.test(reply.message);
}

/** The server that knows no RAFT.CLUSTER, by its replies to RAFT.LEADER and INFO. */
export function foreignServer(leader: Reply, info: Reply): Obstacle {
  if (typeof leader === "string") return { type: "original" };
  if (wantsPassword(info)) return protectedServer;
  const versions = typeof info === "string" ? info : "";
  for (const [key, name] of servers) {
    const pattern = new RegExp(`^${key}_version:(\\S{1,20})`, "m");
    const version = pattern.exec(versions)?.[1];
    if (version === undefined) continue;
    return { type: "foreign", name: `${name} ${version}` };
  }
  return { type: "foreign", name: "another server that speaks RESP" };
}

const protectedServer: Obstacle = {
  ...{ type: "foreign", name: "a server that wants a password" },
};

function wantsPassword(reply: Reply): boolean {
  return reply instanceof Error && /^(NOAUTH|NOPERM) /.test(reply.message);
}

/** By the key of their version in INFO. Valkey names a version of Redis, too. */
const servers = [
  ["valkey", "Valkey"],
  ["dragonfly", "Dragonfly"],
  ["redis", "Redis"],
] as const;

/** What to do when joining is given up, by all that was tried: each address with its obstacle. */
export function givenUpText(
  obstacles: ReadonlyMap<string, Obstacle>,
  seconds: number,
): string {
  const failed = `cannot join a cluster within ${seconds} s`;
  const others = [...obstacles].filter(([, { type }]) => type !== "itself");
  const names = [...obstacles.keys()].join(", ");
  if (obstacles.size > 0 && others.length === 0) {
    return `${failed}: --join names this node alone (${names}): name another ` +
      `node, or leave --join out to found a cluster`;
  }
  if (others.length > 0 && others.every(([, { type }]) => type === "waits")) {
    return `${failed}: all nodes of --join (${names}) wait for one ` +
      `themselves: ${foundOrWait}`;
  }
  const tried = [...obstacles].map(([address, obstacle]) =>
    `${address}: ${obstacleText(obstacle)}`
  );
  return `${failed}; ${tried.join("; ")}`;
}
