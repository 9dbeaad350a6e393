// Node 1, which judges, node 2, which it meets, and what their configurations and proofs say.

import type { Identity, NodeId } from "../../../../raft/core/types.ts";
import { type Meeting, newNonce } from "../../../../raft/identity/proof.ts";
import type {
  Members,
  PeerProof,
} from "../../../../raft/identity/peer_ranks.ts";

export const cluster = "c".repeat(32);
export const own: Identity = {
  cluster,
  node: "1",
  incarnation: "1".repeat(16),
};
/** Of node 2. */
export const disk = "2".repeat(16);

/** Node 2 dials node 1. */
export const meeting: Meeting = {
  cluster,
  dialler: "2",
  acceptor: "1",
  diallerNonce: newNonce(),
  acceptorNonce: newNonce(),
};

/** A configuration at index 5 that names one disk. */
export function knowing(id: NodeId, incarnation: string): Members {
  return {
    configurationIndex: 5,
    decidedIndex: 5,
    incarnationOf: (other) => other === id ? incarnation : "",
    disksOf: (other) => other === id ? [incarnation] : [],
  };
}

/** What a node on one disk proves. */
export function living(
  on: string,
  { knowsUs = false, since = 0 } = {},
): PeerProof {
  return { isOn: (disk) => disk === on, mark: on, knowsUs, since };
}
