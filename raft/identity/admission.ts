// Admission: which nodes this one lets in when they dial it, which it accepts when it dials
// them, and the words for a refusal. The order of the checks is protocol, cluster, receiver,
// id, disk. Pure; the handshakes of `raft/net/` ask.

import { unreachable } from "../../base/assert.ts";
import { wireVersion } from "../core/message_codec.ts";
import type { Identity, NodeId } from "../core/types.ts";
import type { DecodedHandshake, Hello, RefusalReason } from "./hello.ts";
import { isProved, type Meeting } from "./proof.ts";
import {
  type Members,
  type PeerProof,
  type Rank,
  rankOf,
} from "./peer_ranks.ts";

/** Why a connection is refused; `fact` completes "refused, because …". */
export type Fault = { readonly reason: RefusalReason; readonly fact: string };

/**
 * Whether the node of this proof and rank may connect as `id`: not while another incarnation
 * that is better known is connected under that id.
 */
export type IsIdFree = (
  id: NodeId,
  by: {
    readonly proof: PeerProof;
    readonly rank: Rank;
    /** This node dialled the other. */
    readonly isDialled: boolean;
  },
) => boolean;

/**
 * The fault of the first message of a node that dialled `own`; `undefined` if it has none.
 * `meetingOf` gives the meeting that a hello begins.
 */
export function faultOfHello(
  hello: DecodedHandshake,
  own: Identity,
  meetingOf: (hello: Hello) => Meeting,
): Fault | undefined {
  if (hello.type === "foreign") return foreign(hello.version);
  if (hello.type !== "hello") {
    return { reason: "malformed", fact: "its hello cannot be read" };
  }
  const { sender, receiver, proof } = hello;
  const meeting = meetingOf(hello);
  if (!isProved(proof, { meeting, statement: "dialler knows the cluster" })) {
    const fact = "it does not belong to the cluster of this node";
    return { reason: "wrong-cluster", fact };
  }
  if (receiver !== own.node) {
    const fact = `it looked for node ${receiver} and found node ${own.node}`;
    return { reason: "wrong-receiver", fact };
  }
  if (sender === own.node) {
    const fact = `it calls itself ${sender}, as this node`;
    return { reason: "used-id", fact };
  }
  return undefined;
}

/** The fault of the answer to a hello; the dialler sends no more after one. */
export function faultOfChallenge(
  challenge: DecodedHandshake,
  meeting: Meeting,
): Fault | undefined {
  if (challenge.type === "foreign") return foreign(challenge.version);
  if (challenge.type !== "challenge") {
    return { reason: "malformed", fact: "its answer cannot be read" };
  }
  const statement = "acceptor knows the cluster";
  if (isProved(challenge.proof, { meeting, statement })) return undefined;
  const fact = "it does not belong to the cluster of this node";
  return { reason: "wrong-cluster", fact };
}

/** Why this node has no connection with node `id`, which has proved to be of the cluster. */
export function faultOfProof(
  id: NodeId,
  { proof, members, isFree, isDialled }: {
    readonly proof: PeerProof;
    readonly members: Members;
    readonly isFree: IsIdFree;
    readonly isDialled: boolean;
  },
): Fault | undefined {
  const rank = rankOf(id, proof, members);
  if (rank === "stranger") {
    return members.disksOf(id).length > 0
      ? {
        reason: "used-id",
        fact: `member ${id} has another data directory`,
      }
      : {
        reason: "stranger",
        fact: `node ${id} is no member, as far as this node knows`,
      };
  }
  if (isFree(id, { proof, rank, isDialled })) return undefined;
  const fact = `node ${id} is connected already, and is better known`;
  return { reason: "taken", fact };
}

/** Why another node refused `own`, as `own` tells it. */
export function factOfRefusal(reason: RefusalReason, own: Identity): string {
  switch (reason) {
    case "wrong-cluster":
      return `it does not belong to cluster ${own.cluster}`;
    case "wrong-receiver":
      return "another node answers there";
    case "used-id":
      return `it knows node ${own.node} with another data directory`;
    case "version":
      return `it does not speak peer protocol ${wireVersion}`;
    case "malformed":
      return "it could not read our hello";
    case "stranger":
      return `it knows of no member ${own.node}`;
    case "taken":
      return `it is connected with another node under the id ${own.node}`;
    default:
      return unreachable(reason);
  }
}

function foreign(version: number): Fault {
  const fact = `it speaks peer protocol ${version}, this node ${wireVersion}`;
  return { reason: "version", fact };
}

/** The remedy for each refusal, for the operators of the nodes. */
export const remedies: Readonly<Record<RefusalReason, string>> = {
  "wrong-cluster":
    "to move a node to another cluster, start it with an empty directory and --join",
  "wrong-receiver": "check --advertise and --raddr of both nodes",
  "used-id":
    "choose another --id, or RAFT.REMOVESERVER the id before it is used anew",
  version: "run the same version of ticketd on all nodes",
  malformed: "run the same version of ticketd on all nodes",
  stranger: "a node that was removed comes back with --join",
  taken: "two nodes must not have one --id",
};
