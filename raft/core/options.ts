// The options of a node of the protocol, its roles, and why it refuses to change members:
// words of `raft.ts` that other files use without the node itself. Types only; messages
// and entries stand in `types.ts`.

/** A follower, a candidate before or after its pre-vote (thesis 9.6), or the leader. */
export type Role = "follower" | "preCandidate" | "candidate" | "leader";

/** Times are counted in ticks, whose length the shell decides. */
export type RaftOptions = {
  /** Between a leader's heartbeats; fewer than `electionTicks`. */
  readonly heartbeatTicks: number;
  /** Without a leader before an election: from this to twice this, drawn each time. */
  readonly electionTicks: number;
  /** An integer from 0 to `below - 1`. */
  readonly random: (below: number) => number;
  /** Bytes of a snapshot's data in one message, at most; see `chunkBytesMax`. */
  readonly chunkBytes: number;
  /** Whether the machine can restore the data of a snapshot. */
  readonly canRestore: (data: Uint8Array) => boolean;
};

/** Why a membership change is not begun. */
export type ChangeRefusal =
  | "not-leader"
  /** Another change is not committed yet (thesis 4.1). */
  | "pending"
  /** Nothing of the own term is committed yet (the 2015 single-server bug). */
  | "not-ready";
