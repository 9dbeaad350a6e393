// What a node of the protocol is told when it is made, what it can be, and why it refuses
// to change its members: the words of `raft.ts` that others use without the node itself.
// Types only.

export type Role = "follower" | "preCandidate" | "candidate" | "leader";

export type RaftOptions = {
  /** Ticks between a leader's heartbeats. */
  readonly heartbeatTicks: number;
  /** Ticks without a leader before an election: this to twice this, drawn each time. */
  readonly electionTicks: number;
  /** An integer from 0 to `below - 1`. */
  readonly random: (below: number) => number;
};

/** Why a membership change is not begun. */
export type ChangeRefusal =
  | "not-leader"
  /** Another change is not committed yet (thesis 4.1). */
  | "pending"
  /** Nothing of the own term is committed yet (the 2015 single-server bug). */
  | "not-ready";
