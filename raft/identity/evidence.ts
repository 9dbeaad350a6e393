// Evidence: what the two sides of a handshake prove to each other beyond belonging to one
// cluster. Made here by the side that sends it, and read by the side that receives it. What
// follows from it is in `peer_ranks.ts`; the bytes of a single proof are in `proof.ts`. Pure.

import type { Identity, Index } from "../core/types.ts";
import { isProved, markOf, type Meeting, prove } from "./proof.ts";
import {
  knownDisk,
  type Members,
  type PeerProof,
  sinceOf,
} from "./peer_ranks.ts";

/** Sent by one side of a handshake about itself. */
export type Evidence = {
  /** Proves that the sender lives on its disk, to a receiver that knows which disk that is. */
  readonly ownDisk: Uint8Array;
  /** Proves that the sender knows the receiver's disk. */
  readonly peerDisk: Uint8Array;
  /** {@linkcode markOf} the sender. */
  readonly mark: Uint8Array;
  /** {@linkcode PeerProof.since} of the sender. */
  readonly since: Index;
};

const statementsOf = {
  dialler: {
    ownDisk: "dialler lives on the disk",
    peerDisk: "dialler knows the acceptor's disk",
  },
  acceptor: {
    ownDisk: "acceptor lives on the disk",
    peerDisk: "acceptor knows the dialler's disk",
  },
} as const;

/** An end of a connection. */
export type Side = keyof typeof statementsOf;

/** What node `own`, which knows `members`, proves as the `by` of `meeting`. */
export function evidenceOf(
  own: Identity,
  { members, meeting, by }: {
    readonly members: Members;
    readonly meeting: Meeting;
    readonly by: Side;
  },
): Evidence {
  const { ownDisk, peerDisk } = statementsOf[by];
  const peer = meeting[by === "dialler" ? "acceptor" : "dialler"];
  return {
    ownDisk: prove(meeting, ownDisk, own.incarnation),
    peerDisk: prove(meeting, peerDisk, knownDisk(peer, members)),
    mark: markOf(own, peer),
    since: sinceOf(own, members),
  };
}

/** What `evidence` that the `by` of `meeting` sent proves to node `own`, the other side. */
export function proofOf(
  evidence: Evidence,
  { own, meeting, by }: {
    readonly own: Identity;
    readonly meeting: Meeting;
    readonly by: Side;
  },
): PeerProof {
  const { ownDisk, peerDisk } = statementsOf[by];
  // Asked about with every message: hashed once.
  let proved: string | undefined;
  return {
    isOn(incarnation) {
      if (incarnation === proved) return true;
      const statement = { meeting, statement: ownDisk, disk: incarnation };
      const isSo = isProved(evidence.ownDisk, statement);
      if (isSo) proved = incarnation;
      return isSo;
    },
    mark: evidence.mark.toHex(),
    knowsUs: isProved(evidence.peerDisk, {
      ...{ meeting, statement: peerDisk, disk: own.incarnation },
    }),
    since: evidence.since,
  };
}
