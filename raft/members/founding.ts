// How N nodes found one cluster together, exactly once: the decision of one of them, as a
// pure function of its draft and of one round of answers. A node believes only answers to
// questions that it asked after its draft was durable. The lowest id proposes, each accepts
// durably, and a node founds what all of the others have accepted. Why this is safe:
//
// - If X founds P and Y founds Q, and both proposals name both disks, then each has seen the
//   other's acceptance after its own last one, because to accept ends the round and a node
//   that has founded accepts nothing more. That is a contradiction.
// - Numbers are given only once a majority of P's disks has founded P. A disk that ever
//   accepted P accepts Q only if so many of P's disks have founded nothing that the others
//   are no majority. Q names these disks, too. If Q is founded, all of them have accepted Q,
//   and never found P, even if a disk that counted as lost comes back and has founded P: a
//   node that has accepted Q follows a founder of P only if Q needs that founder's disk.
// - So a disk of P never helps to forget P's numbers. Disks that never accepted P can: nodes
//   that see no disk of P, because all that they can reach are lost, begin again at 1.

import {
  type Draft,
  type Founder,
  names,
  type Proposal,
  proposalText,
} from "./proposal.ts";
import type { NodeId } from "../core/types.ts";

/** What another node has answered in this round. */
export type Answer =
  /** It waits as well, and has founded nothing. */
  | (Founder & {
    readonly type: "waiting";
    /** How many nodes it expects. */
    readonly expect: number;
    readonly accepted: Proposal | undefined;
  })
  /** It has a cluster. */
  | {
    readonly type: "founded";
    readonly id: NodeId;
    readonly cluster: string;
    /** Whether it knows a leader there, so that the cluster lives. */
    readonly isLed: boolean;
    /** How the cluster was founded, if the asking disk is a founder by that. */
    readonly proposal: Proposal | undefined;
  };

/** The node that decides. */
export type Self = {
  readonly draft: Draft;
  /** Where other nodes dial it. */
  readonly address: string;
  /** How many nodes are to found the cluster, itself included; at least 2. */
  readonly expect: number;
};

/** What the node does next. */
export type Decision =
  /** Asks again later; `why` begins with a verb whose subject is this node. */
  | { readonly type: "wait"; readonly why: string }
  /** The same, and somebody has to do something. */
  | { readonly type: "fault"; readonly why: string }
  /** Makes the acceptance durable, then begins a new round. */
  | { readonly type: "accept"; readonly proposal: Proposal }
  | { readonly type: "found"; readonly proposal: Proposal }
  /** Asks the members of that cluster to let it in. */
  | { readonly type: "join"; readonly cluster: string };

type Waiting = Answer & { readonly type: "waiting" };
type Founded = Answer & { readonly type: "founded" };

/**
 * Decides after one round. `answers` may hold this node's own answer, and one node twice;
 * `cluster` is a fresh id for the cluster that it may propose.
 */
export function decide(
  self: Self,
  answers: readonly Answer[],
  cluster: string,
): Decision {
  const { draft } = self;
  const others = answers.filter((one) =>
    one.type === "founded" || one.incarnation !== draft.incarnation
  );
  const founded = others.filter((one) => one.type === "founded");
  if (founded.length > 0) return followed(draft, founded);
  const waiting = others.filter((one) => one.type === "waiting");
  const mine: Waiting = {
    type: "waiting",
    id: draft.node,
    ...{ address: self.address, incarnation: draft.incarnation },
    ...{ expect: self.expect, accepted: draft.accepted },
  };
  const clash = clashOf([mine, ...waiting]);
  if (clash !== undefined) return { type: "fault", why: clash };
  const seen = new Map([mine, ...waiting].map((one) => [one.id, one]));
  return agreed(self, seen, cluster);
}

/** Somebody has a cluster: this node is a founder of it that lags behind, or joins it. */
function followed(draft: Draft, founded: readonly Founded[]): Decision {
  const clusters = new Set(founded.map(({ cluster }) => cluster));
  if (clusters.size > 1) {
    const each = founded.map(({ id, cluster }) =>
      `node ${id} is of ${cluster}`
    );
    return {
      type: "fault",
      why: `sees more than one cluster (${each.join(", ")}): ` +
        "let --join name the nodes of one",
    };
  }
  let former: string | undefined;
  for (const { id, cluster, proposal } of founded) {
    const isFounder = proposal !== undefined && proposal.cluster === cluster &&
      names(proposal, draft);
    if (!isFounder) continue;
    if (mayFollow(draft, id, proposal)) return { type: "found", proposal };
    former = cluster;
  }
  const led = founded.find(({ isLed }) => isLed);
  if (led !== undefined) return { type: "join", cluster: led.cluster };
  // A disk that counted as lost is back. What was agreed to since may have given numbers.
  if (former !== undefined) {
    return { type: "fault", why: passedOver(former, draft, founded) };
  }
  const ids = founded.map(({ id }) => id).join(", ");
  return {
    type: "wait",
    why:
      `waits to join cluster ${
        founded[0]?.cluster
      }: node ${ids} is a member, and ` +
      "knows no leader yet",
  };
}

function isAccepted({ accepted }: Draft, proposal: Proposal): boolean {
  return accepted !== undefined && isSame(accepted, proposal);
}

/**
 * Whether this disk may found `proposal`, as node `id` has done: it has accepted nothing
 * since, or what it has accepted since needs the disk of that node, and is never founded.
 */
function mayFollow(draft: Draft, id: NodeId, proposal: Proposal): boolean {
  const disk = proposal.founders.find((founder) => founder.id === id);
  const { accepted } = draft;
  return isAccepted(draft, proposal) ||
    (accepted !== undefined && disk !== undefined &&
      names(accepted, { node: id, incarnation: disk.incarnation }));
}

function passedOver(
  cluster: string,
  { accepted }: Draft,
  founded: readonly Founded[],
): string {
  const ids = founded.map(({ id }) => id).join(", ");
  return `sees node ${ids} of cluster ${cluster}, and has agreed to found cluster ` +
    `${accepted?.cluster} since, without that disk: stop the node whose directory came ` +
    "back, or empty that directory if another node has its id now";
}

/** Why these nodes cannot found anything together, if they cannot. */
function clashOf(waiting: readonly Waiting[]): string | undefined {
  const [{ expect } = { expect: 0 }] = waiting;
  const byId = new Map<NodeId, string>();
  for (const one of waiting) {
    const { id, incarnation } = one;
    if (one.expect !== expect) {
      return `expects ${expect} nodes, and node ${id} expects ${one.expect}: give all of ` +
        "them the same --bootstrap-expect";
    }
    if ((byId.get(id) ?? incarnation) !== incarnation) {
      return `sees two nodes that call themselves ${id}: give each another --id`;
    }
    byId.set(id, incarnation);
  }
  if (byId.size <= expect) return undefined;
  return `sees ${byId.size} nodes (${
    idsOf(byId.keys())
  }), and expects ${expect}: raise ` +
    "--bootstrap-expect on all of them, or stop the others";
}

/** Nobody has a cluster. `seen` are all nodes by id, this one included. */
function agreed(
  { draft, expect }: Self,
  seen: ReadonlyMap<NodeId, Waiting>,
  cluster: string,
): Decision {
  const { accepted } = draft;
  if (accepted !== undefined && isAgreed(accepted, seen)) {
    return { type: "found", proposal: accepted };
  }
  const ids = idsOf(seen.keys());
  if (seen.size < expect) {
    return {
      type: "wait",
      why: `waits for ${expect} nodes to found a cluster, and sees ${ids}`,
    };
  }
  const lowest = ids.split(", ")[0] ?? "";
  const proposal = draft.node === lowest
    ? proposedBy(draft, seen, cluster)
    : seen.get(lowest)?.accepted;
  if (proposal === undefined || !namesExactly(proposal, seen)) {
    return {
      type: "wait",
      why: `sees ${ids}, and waits for node ${lowest} to propose a cluster`,
    };
  }
  if (isAccepted(draft, proposal)) {
    return {
      type: "wait",
      why:
        `sees ${ids}, and waits for all of them to accept cluster ${proposal.cluster}`,
    };
  }
  const obstacle = obstacleTo(proposal, draft, seen);
  return obstacle === undefined
    ? { type: "accept", proposal }
    : { type: "fault", why: obstacle };
}

/** Whether every founder of `proposal` has accepted it. */
function isAgreed(
  proposal: Proposal,
  seen: ReadonlyMap<NodeId, Waiting>,
): boolean {
  return proposal.founders.every(({ id, incarnation }) => {
    const one = seen.get(id);
    return one?.incarnation === incarnation && one.accepted !== undefined &&
      isSame(one.accepted, proposal);
  });
}

/** The proposal of this node, which has the lowest id: what it has accepted, while that holds. */
function proposedBy(
  { accepted }: Draft,
  seen: ReadonlyMap<NodeId, Waiting>,
  cluster: string,
): Proposal {
  if (accepted !== undefined && namesExactly(accepted, seen)) return accepted;
  const founders = [...seen.values()]
    .map(({ id, address, incarnation }) => ({ id, address, incarnation }))
    .sort((a, b) => a.id < b.id ? -1 : 1);
  return { cluster, founders };
}

/** Whether the founders of `proposal` are the nodes that are seen, disk by disk. */
function namesExactly(
  { founders }: Proposal,
  seen: ReadonlyMap<NodeId, Waiting>,
): boolean {
  return founders.length === seen.size &&
    founders.every(({ id, incarnation }) =>
      seen.get(id)?.incarnation === incarnation
    );
}

/**
 * Why this node must not accept `proposal`, if it must not: one that it accepted before may
 * have been founded by a majority, and have given numbers.
 */
function obstacleTo(
  proposal: Proposal,
  { accepted, former }: Draft,
  seen: ReadonlyMap<NodeId, Waiting>,
): string | undefined {
  const before = accepted === undefined ? [] : [accepted, ...former];
  for (const { cluster, founders } of before) {
    const ids = idsOf(founders.map(({ id }) => id));
    if (ids !== idsOf(proposal.founders.map(({ id }) => id))) {
      return `has agreed to found a cluster with ${ids}, and sees ${
        idsOf(seen.keys())
      }: ` +
        "start those again, or empty the directories of all nodes";
    }
    const lost = founders.filter(({ id, incarnation }) =>
      seen.get(id)?.incarnation !== incarnation
    );
    const majority = Math.floor(founders.length / 2) + 1;
    if (lost.length < majority) continue;
    return `has agreed to found cluster ${cluster} with ${ids}, and ` +
      `${
        idsOf(lost.map(({ id }) => id))
      } came back without their data: that cluster may ` +
      "have given numbers, so nothing is founded. Bring their data back; or, if the " +
      "numbers may begin again at 1, empty the directories of all nodes";
  }
  return undefined;
}

function isSame(a: Proposal, b: Proposal): boolean {
  return proposalText(a) === proposalText(b);
}

function idsOf(ids: Iterable<NodeId>): string {
  return [...ids].sort().join(", ");
}
