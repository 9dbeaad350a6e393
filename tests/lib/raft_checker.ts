// Watches a cluster from outside and fails at the first step that breaks a promise of
// Raft (paper, figure 3), of the disks, or of the membership rules. It believes no
// core: commits are counted on the disks, promises compared with the disks.
//
//   election safety       one leader per term
//   log matching          an index and term mean one entry, after one predecessor
//   leader completeness   an entry committed in a term is in every later leader's log
//   state machine safety  the same index means the same history everywhere
//   durability            no vote, candidacy or acknowledgement before its save
//   membership            one voter changes at a time, on a committed footing

import assert from "node:assert/strict";
import type { Raft } from "../../raft/core/raft.ts";
import { votersChanged } from "../../raft/core/membership.ts";
import type {
  Configuration,
  Entry,
  HardState,
  Index,
  Message,
  NodeId,
  Saved,
  Term,
} from "../../raft/core/types.ts";

/** One computer, as the checker sees it. */
export interface Watched {
  readonly id: NodeId;
  /** The content that would be read back after a power loss now. */
  readonly disk: Saved;
  /** Disks that it lost for good; their entries were counted before. */
  readonly lost?: readonly Saved[];
  /** `undefined` while it is down. */
  readonly raft: Raft | undefined;
}

type Committed = { readonly term: Term; readonly by: Term };
type Known = { readonly entry: Entry; readonly before: Term };
/** The entries of one log as they were checked last, from `first` on. */
type Seen = { first: Index; entries: Entry[] };

export class Checker {
  readonly #hosts: ReadonlyMap<NodeId, Watched>;
  readonly #onCommitted: (entry: Entry) => void;
  /** Entries below it were in the first disks' snapshots, committed before the watch began. */
  readonly #firstIndex: Index;
  /** Of each term its leader, and the log that it began with. */
  readonly #leaders = new Map<Term, { id: NodeId; terms: Map<Index, Term> }>();
  readonly #known = new Map<string, Known>();
  readonly #committed = new Map<Index, Committed>();
  readonly #digests = new Map<Index, unknown>();
  readonly #votes = new Map<string, NodeId>();
  readonly #seen = new Map<NodeId, Seen>();
  /** How far each host's commitIndex was checked. */
  readonly #checked = new Map<NodeId, Index>();
  /** Of each host since its process started. */
  readonly #before = new Map<NodeId, HardState & { commitIndex: Index }>();
  #commitIndex: Index = 0;

  /** `onCommitted` is told each entry once, in order, when it is committed at first. */
  constructor(
    hosts: ReadonlyMap<NodeId, Watched>,
    onCommitted: (entry: Entry) => void = () => {},
  ) {
    this.#hosts = hosts;
    this.#onCommitted = onCommitted;
    const disks = [...hosts.values()].map(({ disk }) => disk);
    this.#firstIndex = 1 + Math.max(...disks.map((d) => d.snapshot.index));
  }

  /** The highest index that anybody has committed. */
  get commitIndex(): Index {
    return this.#commitIndex;
  }

  /** The term of the entry that is committed at `index`, if one is. */
  committedTerm(index: Index): Term | undefined {
    return this.#committed.get(index)?.term;
  }

  /** Whether `id` has led any term. */
  hasLed(id: NodeId): boolean {
    return this.#leaders.values().some((leader) => leader.id === id);
  }

  /** How many terms have had a leader. */
  get elections(): number {
    return this.#leaders.size;
  }

  started(host: Watched): void {
    this.#seen.delete(host.id);
    this.#before.delete(host.id);
    this.#checked.set(host.id, host.raft?.log.commitIndex ?? 0);
    this.changed(host);
  }

  /** `host` has processed an input. */
  changed({ id, raft }: Watched): void {
    if (raft === undefined) return;
    const { snapshot, lastApplied, commitIndex, lastIndex } = raft.log;
    assert(
      snapshot.index <= lastApplied && lastApplied <= commitIndex &&
        commitIndex <= lastIndex,
      `${id}: ${snapshot.index} <= ${lastApplied} <= ${commitIndex} <= ${lastIndex}`,
    );
    this.#checkAdvance(id, raft);
    const lastBefore = this.#lastSeen(id);
    this.#checkLog(id, raft);
    if (raft.role === "leader") this.#checkLeader(raft);
    this.#checkCommitted(raft, lastBefore);
    this.#forgetCompacted(id, snapshot.index);
  }

  /** Term and commit only rise within a process, and a vote stays as long as its term. */
  #checkAdvance(id: NodeId, { currentTerm, votedFor, log }: Raft): void {
    const before = this.#before.get(id);
    const { commitIndex } = log;
    this.#before.set(id, { currentTerm, votedFor, commitIndex });
    if (before === undefined) return;
    assert(currentTerm >= before.currentTerm, `${id}: its term went back`);
    assert(commitIndex >= before.commitIndex, `${id}: its commit went back`);
    assert(
      before.votedFor === undefined || currentTerm > before.currentTerm ||
        votedFor === before.votedFor,
      `${id}: voted for ${before.votedFor}, then for ${votedFor}`,
    );
  }

  /** A machine's state after applying `index`: the same at every node. */
  applied(index: Index, digest: unknown): void {
    if (index === 0) return;
    if (!this.#digests.has(index)) this.#digests.set(index, digest);
    assert.equal(digest, this.#digests.get(index), `states differ at ${index}`);
  }

  /** `message` leaves `host`: what it promises must be on its disk. */
  sent({ id, disk }: Watched, message: Message): void {
    assert.equal(message.from, id, "nobody speaks for another");
    assert.notEqual(message.to, id, "nobody sends to itself");
    const { currentTerm, votedFor } = disk.hardState;
    const { type, term } = message;
    if (type === "PreVote" || type === "PreVoteResponse") return;
    const label = `${type} ${id} to ${message.to} in term ${term}`;
    assert(currentTerm >= term, `${label}: the term is not durable`);
    // A later term on disk makes a promise about an earlier one moot: it is kept by
    // never acting in that term again.
    if (currentTerm > term) return;
    if (type === "RequestVote") {
      assert.equal(votedFor, id, `${label}: the own vote is not durable`);
    } else if (type === "RequestVoteResponse" && message.granted) {
      assert.equal(votedFor, message.to, `${label}: the vote is not durable`);
      const vote = `${id} ${disk.identity.incarnation} ${term}`;
      const before = this.#votes.get(vote) ?? message.to;
      assert.equal(message.to, before, `${label}: voted before for ${before}`);
      this.#votes.set(vote, message.to);
    } else if (type === "AppendEntriesResponse" && message.success) {
      const leader = this.#hosts.get(message.to)?.raft;
      const index = message.matchIndex;
      assert(index <= lastOnDisk(disk), `${label}: ${index} is not durable`);
      // While the leader of that term leads, its log says which entry was acknowledged.
      const expected = leader?.role === "leader" && leader.currentTerm === term
        ? leader.log.termAt(index)
        : undefined;
      const held = termOnDisk(disk, index);
      assert(
        expected === undefined || held === undefined || expected === held,
        `${label}: entry ${index} on disk is of term ${held}, not ${expected}`,
      );
    }
  }

  #checkLog(id: NodeId, { log }: Raft): void {
    const first = log.snapshot.index + 1;
    let seen = this.#seen.get(id);
    // A snapshot of its own ends in an entry that we saw; another's replaced the log.
    const { index, term } = log.snapshot;
    const isOwn = seen?.first === first ||
      seen?.entries[index - seen.first]?.term === term;
    if (seen === undefined || !isOwn) {
      this.#seen.set(id, seen = { first, entries: [] });
    }
    // An entry that was there before had the same before it: that was checked then.
    let from = log.lastIndex + 1;
    while (from > first) {
      const [entry] = log.slice(from - 1, from - 1);
      if (seen.entries[from - 1 - seen.first] === entry) break;
      from--;
    }
    let before = log.termAt(from - 1)!;
    for (const entry of log.slice(from)) {
      this.#checkMatching(id, entry, before);
      seen.entries[entry.index - seen.first] = entry;
      before = entry.term;
    }
    seen.entries.length = Math.max(0, log.lastIndex + 1 - seen.first);
  }

  #checkMatching(id: NodeId, entry: Entry, before: Term): void {
    const key = `${entry.index}/${entry.term}`;
    const known = this.#known.get(key);
    if (known === undefined) this.#known.set(key, { entry, before });
    else if (known.entry !== entry || known.before !== before) {
      assert.deepEqual(entry, known.entry, `${id}: log matching at ${key}`);
      assert.equal(before, known.before, `${id}: log matching before ${key}`);
    }
  }

  #forgetCompacted(id: NodeId, compacted: Index): void {
    const seen = this.#seen.get(id);
    if (seen === undefined || seen.first > compacted) return;
    seen.entries.splice(0, compacted + 1 - seen.first);
    seen.first = compacted + 1;
  }

  #checkLeader(raft: Raft): void {
    const { currentTerm, id, log } = raft;
    const known = this.#leaders.get(currentTerm);
    if (known === undefined) {
      const terms = new Map<Index, Term>();
      for (let i = log.snapshot.index; i <= log.lastIndex; i++) {
        terms.set(i, log.termAt(i)!);
      }
      this.#leaders.set(currentTerm, { id, terms });
      // A later term on disk says nothing of the vote in this one.
      assert(
        this.#isMajority(
          raft.membership.current,
          ({ hardState }) =>
            hardState.currentTerm > currentTerm ||
            (hardState.currentTerm === currentTerm &&
              hardState.votedFor === id),
        ),
        `${id} leads term ${currentTerm} without a majority of votes on disk`,
      );
      for (const [index, committed] of this.#committed) {
        this.#checkComplete(index, committed, currentTerm);
      }
    } else {
      assert.equal(known.id, id, `two leaders in term ${currentTerm}`);
    }
    this.#checkConfigurations(raft);
    this.#checkMembership(raft);
  }

  /** The leader of `term` began with everything that was committed before. */
  #checkComplete(index: Index, committed: Committed, term: Term): void {
    const leader = this.#leaders.get(term)!;
    if (committed.by >= term || index < leader.terms.keys().next().value!) {
      return;
    }
    assert.equal(
      leader.terms.get(index),
      committed.term,
      `leader ${leader.id} of term ${term} lacks entry ${index}, committed in term ${committed.by}`,
    );
  }

  /** A leader that is removed steps down with the commit of that (thesis 4.2.2). */
  #checkMembership({ id, log, membership, currentTerm }: Raft): void {
    if (log.termAt(log.commitIndex) !== currentTerm) return;
    const { servers } = membership.at(log.commitIndex).configuration;
    assert(
      servers.some((s) => s.id === id && s.suffrage === "voter"),
      `${id} leads term ${currentTerm} and is no voter`,
    );
  }

  #checkConfigurations({ id, log, membership, currentTerm }: Raft): void {
    const first = log.snapshot.index + 1;
    let current: Configuration = membership.at(first - 1).configuration;
    let pending = 0;
    for (const entry of log.slice(first)) {
      if (entry.type !== "configuration") continue;
      assert(
        entry.index === 1 ||
          votersChanged(current, entry.configuration) <= 1,
        `${id}: entry ${entry.index} changes several voters at once`,
      );
      current = entry.configuration;
      if (entry.index <= log.commitIndex || entry.term !== currentTerm) {
        continue;
      }
      pending++;
      assert.equal(
        log.termAt(log.commitIndex),
        currentTerm,
        `${id}: configuration ${entry.index} before anything of term ${currentTerm} is committed`,
      );
    }
    assert(pending <= 1, `${id}: ${pending} changes at once`);
    assert.deepEqual(membership.current, current, `${id}: members of the log`);
  }

  #lastSeen(id: NodeId): Index {
    const { first, entries } = this.#seen.get(id) ?? { first: 0, entries: [] };
    return first + entries.length - 1;
  }

  #checkCommitted(raft: Raft, lastBefore: Index): void {
    const { id, log } = raft;
    const seen = this.#seen.get(id)!;
    const from = Math.max(this.#checked.get(id) ?? 0, seen.first - 1);
    this.#checked.set(id, log.commitIndex);
    for (let index = from + 1; index <= log.commitIndex; index++) {
      // An entry committed and compacted within one input is in the log no more.
      const entry = seen.entries[index - seen.first];
      const term = log.termAt(index) ?? entry?.term;
      if (term === undefined) continue; // came in a snapshot, committed by others
      const known = this.#committed.get(index);
      if (known === undefined) {
        this.#checkFirstCommit(raft, {
          index,
          term,
          entry,
          lastBefore,
        });
      } else {
        assert.equal(
          term,
          known.term,
          `${id}: committed entry ${index} changed`,
        );
      }
    }
  }

  /** Whether `holds` is true of a majority of the voters' disks, of the incarnations named. */
  #isMajority(
    { servers }: Configuration,
    holds: (disk: Saved) => boolean,
  ): boolean {
    const voters = servers.filter((s) => s.suffrage === "voter");
    const held = voters.filter(({ id, incarnation }) => {
      const { disk, lost = [] } = this.#hosts.get(id)!;
      return [disk, ...lost].some((one) =>
        (incarnation === "" || one.identity.incarnation === incarnation) &&
        holds(one)
      );
    });
    return 2 * held.length > voters.length;
  }

  /** Nobody has committed `index` before. */
  #checkFirstCommit(
    raft: Raft,
    { index, term, entry, lastBefore }: {
      index: Index;
      term: Term;
      entry?: Entry | undefined;
      lastBefore: Index;
    },
  ): void {
    const { id, log, currentTerm } = raft;
    if (index < this.#firstIndex) return;
    // It may have led until this very commit, which removed it.
    const leader = this.#leaders.get(currentTerm)?.id;
    assert.equal(leader, id, `${id} commits ${index} by itself`);
    const committed = { term, by: currentTerm };
    this.#committed.set(index, committed);
    this.#commitIndex = Math.max(this.#commitIndex, index);
    if (entry !== undefined) this.#onCommitted(entry);
    for (const term of this.#leaders.keys()) {
      this.#checkComplete(index, committed, term);
    }
    // Of the own term, or followed by one of the own term that counts in its place.
    if (index < log.commitIndex) return;
    assert.equal(committed.term, currentTerm, `${id} counts an older term`);
    // A shell may commit, and then propose new members, within one input.
    const { membership } = raft;
    const inForce = [
      membership.current,
      membership.at(Math.max(lastBefore, log.commitIndex)).configuration,
    ];
    const holds = (one: Saved) => {
      const held = termOnDisk(one, index);
      return held === undefined ? one.snapshot.index > index : held === term;
    };
    assert(
      inForce.some((configuration) => this.#isMajority(configuration, holds)),
      `${id} commits ${index}, which no majority has on disk`,
    );
  }
}

function lastOnDisk({ snapshot, entries }: Saved): Index {
  return snapshot.index + entries.length;
}

function termOnDisk(
  { snapshot, entries }: Saved,
  index: Index,
): Term | undefined {
  if (index === snapshot.index) return snapshot.term;
  return entries[index - snapshot.index - 1]?.term;
}
