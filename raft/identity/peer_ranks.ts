// Ranks: how much this node trusts another one. A rank follows from the configurations that
// this node knows, and from the proof of its disk that the other one gave in the handshake. It
// decides whether that node is let in (`admission.ts`), which messages it may send
// (`sender_rights.ts`) and how much memory it gets. Pure.
//
//   known      a member, on the disk that a configuration names
//   unproved   a member whose disk no configuration names yet
//   claimant   claims to be a member by a newer configuration, and proved to know the disk
//              of this node, which is told to members only: this node may be behind
//   outsider   no member, but was one: it knows the disk of this node
//   stranger   any other node, even under the id of a member

import type { Identity, Index, NodeId } from "../core/types.ts";

/**
 * The proof of its disk that another node gave in the handshake of one connection. It says
 * nothing about membership: {@linkcode rankOf} compares it with the configurations.
 */
export type PeerProof = {
  /** Whether the node proved to run on the disk with this incarnation. */
  isOn(incarnation: string): boolean;
  /**
   * Equal on all connections of one incarnation to this node, and on no others: it recognises
   * a disk whose incarnation this node does not know. Hex digits.
   */
  readonly mark: string;
  /** Whether the node proved to know the incarnation of this node's disk. */
  readonly knowsUs: boolean;
  /**
   * Index of the newest configuration that the node knows, if that configuration names it
   * with its present incarnation; else 0. Only a claim: nothing proves it.
   */
  readonly since: Index;
};

/** The proof of a node that has proved nothing yet. */
export const noProof: PeerProof = {
  isOn: () => false,
  mark: "",
  knowsUs: false,
  since: 0,
};

/** The members of the cluster, as far as this node knows its configurations. */
export interface Members {
  /** Index of the newest configuration's entry; 0 when there is none. */
  readonly configurationIndex: Index;
  /** Index of the newest configuration that is known to be committed. */
  readonly decidedIndex: Index;
  /** The incarnation of `id` in the newest configuration; empty: unknown, or no member. */
  incarnationOf(id: NodeId): string;
  /**
   * The incarnations that the configurations which may be in force name for `id`; one of
   * them may be empty. The newest configuration alone would not do: if it was never
   * committed, the other nodes go on without it, perhaps led by a node that it leaves out.
   */
  disksOf(id: NodeId): readonly string[];
}

/** The members that a node knows before it has joined a cluster: none. */
export const noMembers: Members = {
  configurationIndex: 0,
  decidedIndex: 0,
  incarnationOf: () => "",
  disksOf: () => [],
};

/** The ranks, as the top of this file defines them. */
export type Rank = "known" | "unproved" | "claimant" | "outsider" | "stranger";

/** The rank of the node that gave `proof` under the name `id`. */
export function rankOf(id: NodeId, proof: PeerProof, members: Members): Rank {
  // Called with every message, and nearly always answered by the newest configuration.
  const newest = members.incarnationOf(id);
  if (newest !== "" && proof.isOn(newest)) return "known";
  const disks = members.disksOf(id);
  if (disks.some((disk) => disk !== "" && proof.isOn(disk))) return "known";
  if (disks.includes("")) return "unproved";
  if (!proof.knowsUs) return "stranger";
  // Not compared with the newest configuration: the cluster may have dropped that one.
  if (proof.since > members.decidedIndex) return "claimant";
  // A member's id on another disk: the member's disk was lost, or the id is used twice.
  return disks.length === 0 ? "outsider" : "stranger";
}

/** The newest incarnation that a configuration names for `id`; empty when none does. */
export function knownDisk(id: NodeId, members: Members): string {
  return members.incarnationOf(id) ||
    (members.disksOf(id).find((disk) => disk !== "") ?? "");
}

/** The index that `own` tells of itself as {@linkcode PeerProof.since}. */
export function sinceOf(own: Identity, members: Members): Index {
  const isMember = members.incarnationOf(own.node) === own.incarnation;
  return isMember ? members.configurationIndex : 0;
}

/**
 * The proof that the honest node `other` gives to `own`: for simulated networks, which have no
 * handshake.
 */
export function honestProof(
  other: { readonly identity: Identity; readonly members: Members },
  own: Identity,
): PeerProof {
  const { identity, members } = other;
  return {
    isOn: (incarnation) => incarnation === identity.incarnation,
    mark: identity.incarnation,
    knowsUs: knownDisk(own.node, members) === own.incarnation,
    since: sinceOf(identity, members),
  };
}
