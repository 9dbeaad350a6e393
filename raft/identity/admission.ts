// Whom this node lets in, whom it stays with after dialling, and what people are told of a
// refusal: which node, why, and what can be done about it. The order goes from the gross
// to the fine. Pure; `handshake.ts` asks.

import { unreachable } from "../../base/assert.ts";
import type { Identity, NodeId } from "../core/types.ts";
import {
  type Evidence,
  type Greeted,
  type Hello,
  protocolVersion,
  type Refused,
} from "./hello.ts";
import { isProved, type Meeting } from "./proof.ts";
import { type Members, type PeerProof, type Rank, rankOf } from "./ranks.ts";

/** A fault found in a greeting; `fact` fills the sentence "refused, because …". */
export type Fault = { readonly reason: Refused; readonly fact: string };

/** Whether there is a place for `id`: two may come under one id. */
export type Places = (
  id: NodeId,
  by: {
    readonly proof: PeerProof;
    readonly rank: Rank;
    readonly isDialled: boolean;
  },
) => boolean;

/** What is wrong with a first frame, before whoever sent it has said more. */
export function faultOfHello(
  hello: Greeted,
  own: Identity,
  meetingOf: (hello: Hello) => Meeting,
): Fault | undefined {
  if (hello.type === "foreign") return foreign(hello.version);
  if (hello.type !== "hello") {
    return { reason: "malformed", fact: "its hello cannot be read" };
  }
  const { sender, receiver, proof } = hello;
  if (!isProved(proof, meetingOf(hello), "dialler knows the cluster")) {
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

/** Whether the dialler goes on after what it was answered. */
export function faultOfChallenge(
  challenge: Greeted,
  meeting: Meeting,
): Fault | undefined {
  if (challenge.type === "foreign") return foreign(challenge.version);
  if (challenge.type !== "challenge") {
    return { reason: "malformed", fact: "its answer cannot be read" };
  }
  if (isProved(challenge.proof, meeting, "acceptor knows the cluster")) {
    return undefined;
  }
  const fact = "it does not belong to the cluster of this node";
  return { reason: "wrong-cluster", fact };
}

/** Why `id`, which has proved to be of the cluster, is not listened to. */
export function faultOfProof(
  id: NodeId,
  { proof, members, places, isDialled }: {
    readonly proof: PeerProof;
    readonly members: Members;
    readonly places: Places;
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
  if (places(id, { proof, rank, isDialled })) return undefined;
  const fact = `node ${id} is connected already, and is better known`;
  return { reason: "taken", fact };
}

/** What `evidence` of one side proves to `own`, the other one. */
export function proofOf(
  { lives, knows, mark, since }: Evidence,
  { own, meeting, isDialler }: {
    readonly own: Identity;
    readonly meeting: Meeting;
    /** Whether the dialler gave it. */
    readonly isDialler: boolean;
  },
): PeerProof {
  const [livesOn, knowsDisk] = isDialler
    ? [
      "dialler lives on the disk",
      "dialler knows the acceptor's disk",
    ] as const
    : [
      "acceptor lives on the disk",
      "acceptor knows the dialler's disk",
    ] as const;
  /** Asked with every message: hashed once. */
  let proved: string | undefined;
  return {
    isOn(incarnation) {
      if (incarnation === proved) return true;
      const isSo = isProved(lives, meeting, livesOn, incarnation);
      if (isSo) proved = incarnation;
      return isSo;
    },
    mark: mark.toHex(),
    knowsUs: isProved(knows, meeting, knowsDisk, own.incarnation),
    since,
  };
}

/** Why another node does not talk to `own`, as seen from `own`. */
export function factOfRefusal(reason: Refused, own: Identity): string {
  switch (reason) {
    case "wrong-cluster":
      return `it does not belong to cluster ${own.cluster}`;
    case "wrong-receiver":
      return "another node answers there";
    case "used-id":
      return `it knows node ${own.node} with another data directory`;
    case "version":
      return `it does not speak peer protocol ${protocolVersion}`;
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
  const fact =
    `it speaks peer protocol ${version}, this node ${protocolVersion}`;
  return { reason: "version", fact };
}

/** What whoever runs the nodes can do about it. */
export const remedies: Readonly<Record<Refused, string>> = {
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
