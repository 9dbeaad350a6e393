// The vocabulary of the protocol: ids, log entries, the content of a disk, and every
// message between nodes. Plain data without behaviour: `save_codec.ts` and
// `message_codec.ts` give its bytes, `raft.ts` its meaning. Names are those of the Raft
// paper (Ongaro and Ousterhout 2014) and of Ongaro's thesis.

/** An election term; 0 before the first. A safe integer. */
export type Term = number;

/** A position in the replicated log; the first entry is 1. A safe integer. */
export type Index = number;

/** A server's name in its cluster: 1 to 64 characters of `[A-Za-z0-9._-]`. */
export type NodeId = string;

/**
 * The node and cluster that a data directory belongs to, written when it is created.
 *
 * `incarnation` tells two directories of one id apart: one that was wiped and made anew has
 * another, so that it cannot vote again in a term whose vote it has forgotten.
 */
export type Identity = {
  /** 32 hex digits, drawn when the cluster was created. */
  readonly cluster: string;
  readonly node: NodeId;
  /** 16 hex digits, drawn when the directory was created. */
  readonly incarnation: string;
};

/** Term and vote, which must survive every crash (paper, figure 2: persistent state). */
export type HardState = {
  readonly currentTerm: Term;
  readonly votedFor: NodeId | undefined;
};

/**
 * A `voter` counts for elections and commitment; the others only receive the log. A
 * `learner` is promoted to voter once it has caught up, a `nonvoter` only if people ask.
 */
export type Suffrage = "voter" | "learner" | "nonvoter";

/** One member of a configuration. */
export type Server = {
  readonly id: NodeId;
  /** Where its peers dial it: `host:port`, or `:port` on the dialler's own host. */
  readonly address: string;
  readonly suffrage: Suffrage;
  /** Of its data directory; empty when it is not known yet. */
  readonly incarnation: string;
};

/** The members in the order in which they were added. */
export type Configuration = { readonly servers: readonly Server[] };

/** One slot of the replicated log. */
export type Entry =
  | { readonly type: "noop"; readonly index: Index; readonly term: Term }
  | {
    readonly type: "command";
    readonly index: Index;
    readonly term: Term;
    /** Meaningful to the machine only. */
    readonly data: Uint8Array;
  }
  | {
    readonly type: "configuration";
    readonly index: Index;
    readonly term: Term;
    readonly configuration: Configuration;
  };

/** The state after applying every entry up to and including `index`. */
export type Snapshot = {
  readonly index: Index;
  readonly term: Term;
  readonly configuration: Configuration;
  /** The index of the entry that `configuration` came from; 0 if from none. */
  readonly configurationIndex: Index;
  /** Meaningful to the machine only. */
  readonly data: Uint8Array;
};

/** The content of a data directory when it was opened. */
export type Saved = {
  readonly identity: Identity;
  readonly hardState: HardState;
  /** Index 0 and no members before the first one was taken. */
  readonly snapshot: Snapshot;
  /** Contiguous, from `snapshot.index + 1`. */
  readonly entries: readonly Entry[];
};

/**
 * One atomic change of the disk's content: after a crash either all of it is there or none
 * of it.
 *
 * A save that carries a snapshot replaces the whole log: `entries` is then all that
 * follows the snapshot. One that does not replaces the log from `firstIndex` on:
 * entries at or above it that were saved before are gone.
 */
export type Save = {
  /** 1, 2, 3 … in the order in which saves were taken, within one process. */
  readonly number: number;
  /** Always whole, so that each save can stand first in a file. */
  readonly hardState: HardState;
  /**
   * Sync it at every durability: term, vote or members changed, or it holds a leader's
   * first entry (`saves.ts` gives the reasons).
   */
  readonly mustSync: boolean;
  readonly snapshot: Snapshot | undefined;
  /** The index of `entries[0]`, or the last index + 1 when there are none. */
  readonly firstIndex: Index;
  readonly entries: readonly Entry[];
};

/** A disk's content, all but its identity, which a new snapshot has made shorter. */
export type Compacted = Pick<Saved, "hardState" | "snapshot" | "entries">;

type Envelope = {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
};

/** "Would you vote for me in `term`?" Neither side changes its term or vote (thesis 9.6). */
export type PreVote = Envelope & {
  readonly type: "PreVote";
  readonly lastLogIndex: Index;
  readonly lastLogTerm: Term;
};

/** `term` is the term asked about when granted, the responder's own when not. */
export type PreVoteResponse = Envelope & {
  readonly type: "PreVoteResponse";
  readonly granted: boolean;
};

/** Paper, figure 2, RequestVote. */
export type RequestVote = Envelope & {
  readonly type: "RequestVote";
  readonly lastLogIndex: Index;
  readonly lastLogTerm: Term;
  /** The leader itself asked for this election: do not protect it (thesis 4.2.3). */
  readonly transfer: boolean;
};

/** Paper, figure 2, RequestVote: the answer. */
export type RequestVoteResponse = Envelope & {
  readonly type: "RequestVoteResponse";
  readonly granted: boolean;
};

/** Paper, figure 2, AppendEntries; without entries it is the heartbeat. */
export type AppendEntries = Envelope & {
  readonly type: "AppendEntries";
  readonly prevLogIndex: Index;
  readonly prevLogTerm: Term;
  readonly leaderCommit: Index;
  readonly entries: readonly Entry[];
  /** Counts this leader's messages to this follower, so that answers can be dated. */
  readonly sequence: number;
};

/** Answers AppendEntries, and InstallSnapshot once the follower's log has all of it. */
export type AppendEntriesResponse = Envelope & {
  readonly type: "AppendEntriesResponse";
  /** Of the message answered. */
  readonly sequence: number;
  readonly success: boolean;
  /**
   * On success the last index known to equal the leader's and to be durable. On
   * failure the highest index at which the logs may still agree.
   */
  readonly matchIndex: Index;
  /** The term of the follower's entry at `matchIndex` (failure only, else 0). */
  readonly matchTerm: Term;
};

/** A snapshot without its data: two with the same head are the same snapshot. */
export type SnapshotHead = Omit<Snapshot, "data"> & {
  /** Of the data. */
  readonly bytes: number;
  /** CRC-32 of the data. */
  readonly checksum: number;
};

/** Paper, figure 13, InstallSnapshot: one chunk. */
export type InstallSnapshot = Envelope & {
  readonly type: "InstallSnapshot";
  readonly sequence: number;
  readonly snapshot: SnapshotHead;
  /** Bytes of the snapshot's data before the chunk. */
  readonly offset: number;
  /** At least one byte, unless the snapshot has none. */
  readonly chunk: Uint8Array;
};

/** Answers a chunk after which the follower still lacks others. */
export type InstallSnapshotResponse = Envelope & {
  readonly type: "InstallSnapshotResponse";
  /** Of the message answered. */
  readonly sequence: number;
  /** Bytes that it holds, from the first on: the offset wanted next. */
  readonly offset: number;
};

/** "Do you still follow me in `term`?" (thesis 6.4), asked of the voters. */
export type Confirm = Envelope & {
  readonly type: "Confirm";
  /** 1, 2, 3 … within the term. */
  readonly round: number;
};

/** Positive. A node in a later term answers with a failed AppendEntriesResponse. */
export type ConfirmResponse = Envelope & {
  readonly type: "ConfirmResponse";
  readonly round: number;
};

/** The leader hands over: stand for election at once (thesis 3.10). */
export type TimeoutNow = Envelope & { readonly type: "TimeoutNow" };

/** A node was asked for a vote, and its configuration does not name the asker any more. */
export type NotMember = Envelope & {
  readonly type: "NotMember";
  /** The index of that configuration, which is committed. */
  readonly configurationIndex: Index;
};

/** Why a message was refused: the end of a sentence that begins with "node 2 sent". */
export type Fault = string;

/** Every message of the protocol. */
export type Message =
  | PreVote
  | PreVoteResponse
  | RequestVote
  | RequestVoteResponse
  | AppendEntries
  | AppendEntriesResponse
  | InstallSnapshot
  | InstallSnapshotResponse
  | Confirm
  | ConfirmResponse
  | TimeoutNow
  | NotMember;

/** A client's command that only the leader can carry out, forwarded to it. */
export type Forward = {
  readonly type: "Forward";
  readonly from: NodeId;
  readonly to: NodeId;
  readonly id: number;
  readonly data: Uint8Array;
};

/** The answer to a Forward, under its `id`. */
export type ForwardResponse = {
  readonly type: "ForwardResponse";
  readonly from: NodeId;
  readonly to: NodeId;
  readonly id: number;
  readonly data: Uint8Array;
};

/** A node asks the leader for tickets, for all its clients and of many sequences at once. */
export type Take = {
  readonly type: "Take";
  readonly from: NodeId;
  readonly to: NodeId;
  /** The term in which `to` leads, as `from` knows; in no other may it be executed. */
  readonly term: Term;
  /** Drawn by the asking process; with `id` it names this take, however often it is sent. */
  readonly process: number;
  readonly id: number;
  /** All takes of this process with ids up to this one are answered in full, or given up. */
  readonly answered: number;
  /** At least one; no two of one sequence for one isolate. */
  readonly parts: readonly TakePart[];
};

/** The numbers of one sequence that a {@linkcode Take} asks for: all of them, or none. */
export type TakePart = {
  /** Of the sequence. */
  readonly name: string;
  /** Tickets, at least 1. */
  readonly count: number;
  /** None of them may be above 2^63 - 1. */
  readonly isCapped: boolean;
};

/**
 * The leader's answer to parts of a {@linkcode Take}, under its `process` and `id`: those that
 * are settled. The others follow in further answers.
 */
export type TakeResponse = {
  readonly type: "TakeResponse";
  readonly from: NodeId;
  readonly to: NodeId;
  readonly process: number;
  readonly id: number;
  readonly answers: readonly TakeAnswer[];
};

/** What became of one part of a {@linkcode Take}. */
export type TakeAnswer = {
  /** Which part, from 0 on. */
  readonly at: number;
  /** The last of its numbers; without one it is refused, and gets none. */
  readonly last: bigint | undefined;
  /**
   * Why it is refused: `lost` if the outcome is unknown, and numbers that it took are never
   * given; the others are those of the machine.
   */
  readonly refusal:
    | undefined
    | "lost"
    | "exhausted"
    | "above-int64"
    | "unknown-sequence"
    | "too-many-sequences";
};

/** Everything that travels between nodes after the handshake. */
export type PeerMessage =
  | Message
  | Forward
  | ForwardResponse
  | Take
  | TakeResponse;
