// The stage for tests of the core: logs written as lists of terms, configurations written as
// strings of one-letter ids, messages whose other fields are filled in, nodes in a given
// role, and a disk that saves when it is told to.
//
//   raftOf({ id: "a", voters: "abc", terms: [1, 1, 2] })   entries 1:1 2:1 3:2
//
// The members stand in the snapshot at index 0, so that entry numbers are the paper's.

import assert from "node:assert/strict";
import { chunkBytesMax } from "../../../../raft/core/limits.ts";
import type { RaftOptions } from "../../../../raft/core/options.ts";
import { headOf } from "../../../../raft/core/outgoing_snapshot.ts";
import { Raft } from "../../../../raft/core/raft.ts";
import type {
  AppendEntries,
  AppendEntriesResponse,
  Configuration,
  Entry,
  Index,
  InstallSnapshot,
  Message,
  NodeId,
  PreVote,
  RequestVote,
  Saved,
  Server,
  Snapshot,
  Suffrage,
  Term,
} from "../../../../raft/core/types.ts";

export const electionTicks = 10;
export const heartbeatTicks = 2;

export function server(id: NodeId, suffrage: Suffrage = "voter"): Server {
  return { id, address: `${id}:1`, suffrage, incarnation: "1" };
}

export function members(voters: string, learners = ""): Configuration {
  return {
    servers: [
      ...[...voters].map((id) => server(id)),
      ...[...learners].map((id) => server(id, "learner")),
    ],
  };
}

export function command(index: Index, term: Term): Entry {
  return { type: "command", index, term, data: Uint8Array.of(index, term) };
}

/** Commands with these terms, from `first` on. */
export function commands(terms: readonly Term[], first: Index = 1): Entry[] {
  return terms.map((term, i) => command(first + i, term));
}

export function configured(
  index: Index,
  term: Term,
  configuration: Configuration,
): Entry {
  return { type: "configuration", index, term, configuration };
}

export type Setup = {
  readonly id?: NodeId;
  readonly voters?: string;
  readonly learners?: string;
  /** Of the entries; or the entries themselves. */
  readonly terms?: readonly Term[];
  readonly entries?: readonly Entry[];
  /** The default is the last entry's. */
  readonly term?: Term;
  readonly votedFor?: NodeId | undefined;
  readonly snapshot?: Snapshot;
  readonly random?: (below: number) => number;
};

export function savedOf(setup: Setup): Saved {
  const {
    id = "a",
    voters = "abc",
    learners = "",
    votedFor,
    snapshot = snapshotAt(0, 0, members(voters, learners)),
    entries = commands(setup.terms ?? [], snapshot.index + 1),
  } = setup;
  const term = setup.term ?? entries.at(-1)?.term ?? snapshot.term;
  return {
    identity: { cluster: "c".repeat(32), node: id, incarnation: "1" },
    hardState: { currentTerm: term, votedFor },
    snapshot,
    entries,
  };
}

/** The first disk of a new cluster's node: entry 1 of term 1 names the members. */
export function founded(id: NodeId, configuration: Configuration): Saved {
  const isMember = configuration.servers.some((server) => server.id === id);
  const entries = isMember ? [configured(1, 1, configuration)] : [];
  return savedOf({ id, voters: "", entries });
}

export function snapshotAt(
  index: Index,
  term: Term,
  configuration: Configuration = members("abc"),
): Snapshot {
  return {
    index,
    term,
    configuration,
    configurationIndex: 0,
    data: Uint8Array.of(index),
  };
}

export function optionsOf(random: RaftOptions["random"]): RaftOptions {
  return {
    ...{ electionTicks, heartbeatTicks, random },
    chunkBytes: chunkBytesMax,
    canRestore: () => true,
  };
}

export function raftOf(setup: Setup = {}): Raft {
  return new Raft(optionsOf(setup.random ?? (() => 0)), savedOf(setup));
}

/** Makes everything durable, and whatever becomes of that. */
export function persist(raft: Raft): void {
  for (let save = raft.takeSave(); save; save = raft.takeSave()) {
    raft.saved(save.number);
  }
}

/** Everything that may be sent, once everything is durable. */
export function sent(raft: Raft): Message[] {
  persist(raft);
  return [...raft.takeMessages()];
}

/** The messages of one type among those, by receiver. */
export function sentOf<T extends Message["type"]>(
  raft: Raft,
  type: T,
): Extract<Message, { type: T }>[] {
  return sent(raft).filter((m): m is Extract<Message, { type: T }> =>
    m.type === type
  ).toSorted((a, b) => a.to < b.to ? -1 : 1);
}

export function ticks(raft: Raft, count: number): void {
  for (let i = 0; i < count; i++) raft.tick();
}

/** Lets its time run out; it is then a pre-candidate, or more if it is alone. */
export function timeOut(raft: Raft): void {
  ticks(raft, raft.electionTimeout - raft.electionElapsed);
}

/** Asks for votes after every other voter granted it the pre-vote. */
export function stand(raft: Raft): void {
  timeOut(raft);
  for (const from of raft.membership.voters) {
    if (raft.role !== "preCandidate" || from === raft.id) continue;
    raft.step({
      type: "PreVoteResponse",
      from,
      to: raft.id,
      term: raft.currentTerm + 1,
      granted: true,
    });
  }
}

export function vote(raft: Raft, from: NodeId, granted = true): void {
  raft.step({
    type: "RequestVoteResponse",
    from,
    to: raft.id,
    term: raft.currentTerm,
    granted,
  });
}

/** A leader with the votes of everybody; its noop is durable, its messages are gone. */
export function leaderOf(setup: Setup = {}): Raft {
  const raft = raftOf(setup);
  stand(raft);
  persist(raft);
  for (const from of raft.membership.voters) {
    if (raft.role === "candidate") vote(raft, from);
  }
  assert.equal(raft.role, "leader");
  sent(raft);
  return raft;
}

/** `raft` hears the answer of a follower that has everything, or the log up to `matchIndex`. */
export function accept(
  raft: Raft,
  message: Message,
  matchIndex?: Index,
): void {
  assert(
    message.type === "AppendEntries" || message.type === "InstallSnapshot",
  );
  const last = message.type === "AppendEntries"
    ? message.prevLogIndex + message.entries.length
    : message.snapshot.index;
  raft.step(
    answer(message, { success: true, matchIndex: matchIndex ?? last }),
  );
}

export function answer(
  message: AppendEntries | InstallSnapshot,
  fields: Partial<AppendEntriesResponse>,
): AppendEntriesResponse {
  return {
    type: "AppendEntriesResponse",
    from: message.to,
    to: message.from,
    term: message.term,
    sequence: message.sequence,
    success: true,
    matchIndex: 0,
    matchTerm: 0,
    ...fields,
  };
}

/** Heartbeats of `raft` now, each answered by these followers as a sound one would. */
export function acknowledge(raft: Raft, followers: string): void {
  for (let beat = 0; beat < 3; beat++) {
    ticks(raft, heartbeatTicks);
    for (const message of sent(raft)) {
      const known = message.type === "AppendEntries" ||
        message.type === "InstallSnapshot";
      if (known && followers.includes(message.to)) accept(raft, message);
    }
  }
}

export function appendEntries(fields: Partial<AppendEntries>): AppendEntries {
  return {
    type: "AppendEntries",
    from: "b",
    to: "a",
    term: 1,
    prevLogIndex: 0,
    prevLogTerm: 0,
    leaderCommit: 0,
    entries: [],
    sequence: 1,
    ...fields,
  };
}

export function requestVote(fields: Partial<RequestVote>): RequestVote {
  return {
    type: "RequestVote",
    from: "b",
    to: "a",
    term: 1,
    lastLogIndex: 0,
    lastLogTerm: 0,
    transfer: false,
    ...fields,
  };
}

export function preVote(fields: Partial<PreVote>): PreVote {
  return {
    type: "PreVote",
    from: "b",
    to: "a",
    term: 1,
    lastLogIndex: 0,
    lastLogTerm: 0,
    ...fields,
  };
}

/** All of `snapshot` in one chunk. */
export function installSnapshot(
  snapshot: Snapshot,
  fields: Partial<InstallSnapshot> = {},
): InstallSnapshot {
  return {
    type: "InstallSnapshot",
    from: "b",
    to: "a",
    term: snapshot.term,
    sequence: 1,
    snapshot: headOf(snapshot),
    offset: 0,
    chunk: snapshot.data,
    ...fields,
  };
}

/** The terms of the entries after the snapshot. */
export function termsOf(raft: Raft): Term[] {
  return raft.log.slice(raft.log.snapshot.index + 1).map((entry) => entry.term);
}

/** Every role that a node can have. */
export const roles = [
  "follower",
  "preCandidate",
  "candidate",
  "leader",
] as const;

/** A node in that role, in some term, with nothing left to send. */
export function inRole(role: typeof roles[number], setup: Setup = {}): Raft {
  const raft = raftOf(setup);
  if (role === "preCandidate") timeOut(raft);
  if (role === "candidate" || role === "leader") stand(raft);
  persist(raft);
  if (role === "leader") vote(raft, "b");
  assert.equal(raft.role, role);
  sent(raft);
  return raft;
}

/** Changes the members at `raft`, which must take the change. */
export function change(raft: Raft, configuration: Configuration): void {
  const index = raft.changeMembership(configuration);
  assert.equal(typeof index, "number", String(index));
}
