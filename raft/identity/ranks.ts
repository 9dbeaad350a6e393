// What another node is to this one, by the configurations that this one knows and by what
// the other proved when they met. Everything else hangs on it: whether it is let in
// (`admission.ts`), what it may say (`senders.ts`), how much memory it gets. Pure.
//
//   known      a member, on the disk that a configuration names
//   unproved   a member of which no configuration names the disk yet
//   claimant   says that it is a member of a newer configuration, and proved to know the
//              disk of this node, of which members alone are told: this node may be behind
//   outsider   no member, but was one: it knows the disk of this node
//   stranger   anybody else, be it under a member's id

import type { Identity, Index, NodeId } from "../core/types.ts";

/** One data directory that has the node's id; there may have been others. */
export type PeerProof = {
  /** Whether it proved to live on the disk of this incarnation. */
  isOn(incarnation: string): boolean;
  /** Equal on all connections of one life to this node. */
  readonly mark: string;
  /** It proved to know the incarnation of this node. */
  readonly knowsUs: boolean;
  /**
   * Index of the newest configuration that it knows, if that names this very life as a
   * member; else 0. A claim: nothing proves it.
   */
  readonly since: Index;
};

/** What a node knows of the members. */
export interface Members {
  /** Of the newest configuration's entry; 0 when there is none. */
  readonly configurationIndex: Index;
  /** Of the newest that is known to be decided. */
  readonly decidedIndex: Index;
  /** In the newest configuration; empty: not known, or no member. */
  incarnationOf(id: NodeId): string;
  /**
   * Under which incarnations any configuration that may be in force knows `id`; one may
   * be empty. The newest one alone would not do: if it was never committed, the others
   * go on without it, and a node that it leaves out may be the one that leads them.
   */
  disksOf(id: NodeId): readonly string[];
}

/** Before a node has begun to live, it knows of none. */
export const nobody: Members = {
  configurationIndex: 0,
  decidedIndex: 0,
  incarnationOf: () => "",
  disksOf: () => [],
};

export type Rank = "known" | "unproved" | "claimant" | "outsider" | "stranger";

export function rankOf(id: NodeId, proof: PeerProof, members: Members): Rank {
  // With nearly every message: the newest alone is quicker to look at.
  const newest = members.incarnationOf(id);
  if (newest !== "" && proof.isOn(newest)) return "known";
  const disks = members.disksOf(id);
  if (disks.some((disk) => disk !== "" && proof.isOn(disk))) return "known";
  if (disks.includes("")) return "unproved";
  if (!proof.knowsUs) return "stranger";
  // Not compared with the newest: that may have been undone while this node was away.
  if (proof.since > members.decidedIndex) return "claimant";
  // Under a member's id it is another one: the disk was lost, or the name taken.
  return disks.length === 0 ? "outsider" : "stranger";
}

/** The disk by which `id` is known best; empty when none is. */
export function knownDisk(id: NodeId, members: Members): string {
  return members.incarnationOf(id) ||
    (members.disksOf(id).find((disk) => disk !== "") ?? "");
}

/** The index that `own` tells of itself as {@linkcode PeerProof.since}. */
export function sinceOf(own: Identity, members: Members): Index {
  const isMember = members.incarnationOf(own.node) === own.incarnation;
  return isMember ? members.configurationIndex : 0;
}

/** How `other` looks to `own`, where nobody lies: what a handshake between them proves. */
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
