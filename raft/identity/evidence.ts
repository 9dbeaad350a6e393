// Evidence: the proofs about disks that the two sides of a handshake give each other, once
// both have proved to belong to one cluster. One side makes it here, the other reads it here.
// `peer_ranks.ts` draws the conclusions; the bytes of a single proof are in `proof.ts`. Pure.

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
  /** Proves that the sender runs on its disk, to a receiver that knows which disk that is. */
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
    ownDisk: "dialler runs on the disk",
    peerDisk: "dialler knows the acceptor's disk",
  },
  acceptor: {
    ownDisk: "acceptor runs on the disk",
    peerDisk: "acceptor knows the dialler's disk",
  },
} as const;

/** An end of a connection. */
export type Side = keyof typeof statementsOf;

/** The evidence that node `own`, which knows `members`, gives as the side `by` of `meeting`. */
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

/** Reads `evidence`, which the side `by` of `meeting` sent to node `own`, the other side. */
export function proofOf(
  evidence: Evidence,
  { own, meeting, by }: {
    readonly own: Identity;
    readonly meeting: Meeting;
    readonly by: Side;
  },
): PeerProof {
  const { ownDisk, peerDisk } = statementsOf[by];
  // `isOn` is called with every message: it hashes once.
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
