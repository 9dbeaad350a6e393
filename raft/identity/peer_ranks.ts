// Ranks: what another node is to this one, by the configurations that this node knows and by
// what the other node proved of its disk in the handshake. The rank decides whether the node
// is let in (`admission.ts`), what it may send (`sender_rights.ts`) and how much memory it gets. Pure.
//
//   known      a member, on the disk that a configuration names
//   unproved   a member whose disk no configuration names yet
//   claimant   claims to be a member by a newer configuration, and proved to know the disk
//              of this node, which is told to members only: this node may be behind
//   outsider   no member, but was one: it knows the disk of this node
//   stranger   any other node, even under the id of a member

import type { Identity, Index, NodeId } from "../core/types.ts";

/**
 * What another node proved of its disk in the handshake of one connection. It says nothing
 * about membership: {@linkcode rankOf} compares it with the configurations.
 */
export type PeerProof = {
  /** Whether the node proved to live on the disk with this incarnation. */
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

/** Before the other side has proved anything. */
export const noProof: PeerProof = {
  isOn: () => false,
  mark: "",
  knowsUs: false,
  since: 0,
};

/** The members of the cluster, as far as this node knows its configurations. */
export interface Members {
  /** Of the newest configuration's entry; 0 when there is none. */
  readonly configurationIndex: Index;
  /** Of the newest configuration that is known to be committed. */
  readonly decidedIndex: Index;
  /** That the newest configuration names for `id`; empty: not known, or no member. */
  incarnationOf(id: NodeId): string;
  /**
   * The incarnations that the configurations which may be in force name for `id`; one of
   * them may be empty. The newest configuration alone would not do: if it was never
   * committed, the other nodes go on without it, perhaps led by a node that it leaves out.
   */
  disksOf(id: NodeId): readonly string[];
}

/** What a node knows before it has joined a cluster: no members. */
export const nobody: Members = {
  configurationIndex: 0,
  decidedIndex: 0,
  incarnationOf: () => "",
  disksOf: () => [],
};

/** See the top of this file. */
export type Rank = "known" | "unproved" | "claimant" | "outsider" | "stranger";

/** The rank of the node that gave `proof` under the name `id`. */
export function rankOf(id: NodeId, proof: PeerProof, members: Members): Rank {
  // Asked with every message, and nearly always answered by the newest configuration.
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
 * What a handshake with the honest node `other` proves to `own`: for simulated networks,
 * which have no handshake.
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
