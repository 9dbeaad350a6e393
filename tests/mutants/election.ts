// Mistakes of elections, terms and votes, put back into the core.

import type { Mutant } from "./mutant.ts";

const election = "raft/core/election.ts";
const raft = "raft/core/raft.ts";
const state = "raft/core/raft_state.ts";
const tests = [
  "unit/raft/core/election_test.ts",
  "unit/raft/core/paper_election_test.ts",
];

export const electionMutants: readonly Mutant[] = [
  {
    name: "vote-before-durable",
    mistake: "a vote leaves before it is on disk",
    source: "paper 5.2, PITFALLS 7",
    file: election,
    find: `    raft.resetElection();
  }
  raft.sendWhenDurable({`,
    replace: `    raft.resetElection();
  }
  raft.send({`,
    tests: ["unit/raft/core/paper_election_test.ts"],
  },
  {
    name: "vote-not-saved",
    mistake: "a vote is remembered in memory only",
    source: "paper figure 2, PITFALLS 12",
    file: election,
    find: "raft.setHardState(message.term, message.from);",
    replace: "raft.votedFor = message.from;",
    tests: ["unit/raft/core/election_test.ts"],
  },
  {
    name: "vote-forgotten-at-start",
    mistake: "a restarted node has voted for nobody",
    source: "paper figure 2, PITFALLS 14",
    file: state,
    find: "this.votedFor = saved.hardState.votedFor;",
    replace: "this.votedFor = undefined;",
    tests: ["unit/raft/core/paper_election_test.ts"],
  },
  {
    name: "term-forgotten-at-start",
    mistake: "a restarted node takes its term from its log",
    source: "paper figure 2, PITFALLS 14",
    file: state,
    find: "this.currentTerm = saved.hardState.currentTerm;",
    replace:
      "this.currentTerm = saved.entries.at(-1)?.term ?? saved.snapshot.term;",
    tests: [
      "unit/raft/core/paper_election_test.ts",
      "unit/raft/core/election_test.ts",
    ],
  },
  {
    name: "vote-twice",
    mistake: "a server votes for everybody who asks in a term",
    source: "paper 5.2",
    file: election,
    find:
      "(raft.votedFor === undefined || raft.votedFor === message.from) &&\n",
    replace: "",
    tests: ["unit/raft/core/paper_election_test.ts"],
  },
  {
    name: "vote-forgotten-by-loser",
    mistake: "a candidate that loses forgets whom it voted for",
    source: "paper 5.2",
    file: state,
    find:
      "if (term > this.currentTerm) this.setHardState(term, undefined);\n    this.#roleState",
    replace: `this.currentTerm = term;
    this.votedFor = undefined;
    this.saves.hardStateChanged();
    this.#roleState`,
    tests: [
      "unit/raft/core/paper_election_test.ts",
      "unit/raft/core/random_cluster_test.ts",
    ],
  },
  {
    name: "vote-for-shorter-log",
    mistake: "a vote goes to a candidate that lacks committed entries",
    source: "paper 5.4.1",
    file: election,
    find: `    raft.log.isUpToDate(message.lastLogIndex, message.lastLogTerm);
  if (granted) {`,
    replace: `    message.lastLogIndex >= 0;
  if (granted) {`,
    tests: ["unit/raft/core/paper_election_test.ts"],
  },
  {
    name: "longer-log-wins",
    mistake: "of two logs the longer is newer, whatever its last term",
    source: "paper 5.4.1",
    file: "raft/core/log.ts",
    find: `return lastLogTerm > this.lastTerm ||
      (lastLogTerm === this.lastTerm && lastLogIndex >= this.lastIndex);`,
    replace: "return lastLogTerm >= 0 && lastLogIndex >= this.lastIndex;",
    tests: [
      "unit/raft/core/paper_election_test.ts",
      "unit/raft/core/log_test.ts",
    ],
  },
  {
    name: "no-pre-vote",
    mistake: "a server stands for election without asking whether it could win",
    source: "thesis 9.6, PITFALLS 22",
    file: election,
    find: '  raft.becomeCandidate({ role: "preCandidate", votes });\n',
    replace: `  if (votes.size > 0) return campaign(raft, { transfer: false });
`,
    tests,
  },
  {
    name: "pre-vote-without-stickiness",
    mistake: "pre-votes are granted beside a leader that is heard",
    source: "thesis 4.2.3, PITFALLS 22",
    file: election,
    find: "message.term > raft.currentTerm && !raft.hearsLeader &&",
    replace: "message.term > raft.currentTerm &&",
    tests,
  },
  {
    name: "vote-without-stickiness",
    mistake: "votes are given beside a leader that is heard",
    source: "thesis 4.2.3, PITFALLS 22, 26",
    file: election,
    find:
      "raft.hearsLeader && !message.transfer && message.term > raft.currentTerm",
    replace: "raft.hearsLeader && message.term < 0",
    tests: ["unit/raft/core/paper_election_test.ts"],
  },
  {
    name: "pre-votes-count-as-votes",
    mistake: "pre-votes count as votes in the election that follows them",
    source: "PITFALLS 21",
    file: election,
    find: '{ role: "candidate", votes: new Map() }',
    replace: '{ role: "candidate", votes: new Map(raft.candidate?.votes) }',
    tests,
  },
  {
    name: "old-pre-vote-counts",
    mistake: "a pre-vote for another term counts in this one",
    source: "PITFALLS 21",
    file: election,
    find:
      "if (message.granted && message.term !== raft.currentTerm + 1) return;",
    replace: "",
    tests,
  },
  {
    name: "old-vote-counts",
    mistake: "a vote of an older term counts in this one",
    source: "paper 5.1, PITFALLS 21",
    file: election,
    find: `  if (candidate?.role !== "candidate") return;
  if (message.term !== raft.currentTerm) return;`,
    replace: '  if (candidate?.role !== "candidate") return;',
    tests: [
      "unit/raft/core/paper_election_test.ts",
      "unit/raft/core/election_test.ts",
    ],
  },
  {
    name: "leader-state-kept",
    mistake: "a leader that is elected again goes on with its former state",
    source: "paper figure 2: volatile state on leaders, PITFALLS 19, 23",
    file: state,
    find: "this.#roleState = new LeaderState();",
    replace: `const kept = this as this & { kept?: LeaderState };
    this.#roleState = kept.kept ??= new LeaderState();`,
    tests: [
      "unit/raft/core/leadership_test.ts",
      "unit/raft/core/confirmation_test.ts",
    ],
  },
  {
    name: "leader-state-not-dropped",
    mistake: "a leader that loses office goes on as one in the next term",
    source: "paper 5.1, PITFALLS 21",
    file: state,
    find: "    this.#roleState = follower;\n",
    replace: '    if (this.role !== "leader") this.#roleState = follower;\n',
    tests: [
      "unit/raft/core/leadership_test.ts",
      "unit/raft/core/paper_election_test.ts",
    ],
  },
  {
    name: "old-votes-kept",
    mistake: "a node that stands again counts the votes of its former term",
    source: "paper 5.2, PITFALLS 21",
    file: state,
    find: "    this.#roleState = candidate;\n",
    replace: `    const votes = this.candidate?.votes ?? candidate.votes;
    for (const [id, vote] of candidate.votes) votes.set(id, vote);
    this.#roleState = { ...candidate, votes };
`,
    tests,
  },
  {
    name: "half-is-a-majority",
    mistake: "two of four are a majority",
    source: "paper 5.2",
    file: "raft/core/quorum.ts",
    find: "Math.floor(count / 2) + 1",
    replace: "Math.ceil(count / 2)",
    tests: ["unit/raft/core/quorum_test.ts"],
  },
  {
    name: "timeouts-not-random",
    mistake: "all servers wait equally long, and votes split again and again",
    source: "paper 5.2",
    file: state,
    find: "electionTicks + random(electionTicks)",
    replace: "electionTicks + 0 * random(electionTicks)",
    tests: ["unit/raft/core/paper_election_test.ts"],
  },
  {
    name: "stands-again-before-own-vote",
    mistake:
      "a candidate slower than its own disk stands again, and never leads",
    source: "paper 5.2",
    file: raft,
    find:
      `    if (candidate?.role === "candidate" && !candidate.votes.has(this.id)) {
      return;
    }
`,
    replace: "    void candidate;\n",
    tests: ["unit/raft/core/election_test.ts"],
  },
  {
    name: "no-step-down",
    mistake: "a leader that hears of a newer term stays in office",
    source: "paper 5.1, PITFALLS 21, 23",
    file: "raft/core/replication.ts",
    find:
      "  if (term > raft.currentTerm) raft.becomeFollower(term, undefined);\n",
    replace: "",
    tests: [
      "unit/raft/core/paper_election_test.ts",
      "unit/raft/core/election_test.ts",
    ],
  },
  {
    name: "old-leader-obeyed",
    mistake: "a follower takes entries of a leader of an older term",
    source: "paper 5.1, PITFALLS 19",
    file: "raft/core/follower.ts",
    find: "if (message.term < raft.currentTerm) {\n    // It may",
    replace: "if (message.term < 0) {\n    // It may",
    tests: ["unit/raft/core/paper_election_test.ts"],
  },
  {
    name: "no-check-quorum",
    mistake: "a leader that nobody hears stays in office for ever",
    source: "thesis 6.2, PITFALLS 22",
    file: "raft/core/leadership.ts",
    find: "if (heard.length < majority(voters.length)) {",
    replace: "if (heard.length < majority(0)) {",
    tests: ["unit/raft/core/leadership_test.ts"],
  },
  {
    name: "stalled-disk-stays-in-office",
    mistake: "a leader whose disk hangs sends heartbeats on and on",
    source: "PITFALLS 2",
    file: "raft/core/leadership.ts",
    find: "} else if (canYield && raft.isStalled && !handOver",
    replace: "} else if (raft.saveElapsed < 0 && !handOver",
    tests: ["unit/raft/core/leadership_test.ts"],
  },
  {
    name: "stalled-disk-hands-over-for-ever",
    mistake:
      "a leader whose disk hangs waits for one successor after the other",
    source: "PITFALLS 2",
    file: "raft/core/leadership.ts",
    find: "if (canYield && raft.saveElapsed >= 2 * electionTicks) {",
    replace: "if (canYield && raft.saveElapsed < 0) {",
    tests: ["unit/raft/core/leadership_test.ts"],
  },
  {
    name: "transfer-without-catching-up",
    mistake: "leadership is handed to a voter that lacks entries",
    source: "thesis 3.10",
    file: "raft/core/leadership.ts",
    find:
      "if (progress?.get(transferTarget)?.matchIndex !== raft.log.lastIndex) return;",
    replace: "if (!progress?.has(transferTarget)) return;",
    tests: ["unit/raft/core/transfer_test.ts"],
  },
  {
    name: "old-timeout-now",
    mistake: "a server stands for election at the word of a former leader",
    source: "thesis 3.10",
    file: election,
    find:
      'if (message.term !== raft.currentTerm || raft.role !== "follower") return;',
    replace: 'if (raft.role !== "follower") return;',
    tests: ["unit/raft/core/transfer_test.ts"],
  },
  {
    name: "refused-and-done",
    mistake: "a leader that hands over refuses a take, yet proposes it",
    source: "PITFALLS 31",
    file: raft,
    find:
      `    if (leader === undefined || leader.transferTarget !== undefined) {
      return undefined;
    }
    const index = this.log.lastIndex + 1;
    appendToOwnLog(this, {
      type: "command",
      index,
      term: this.currentTerm,
      data,
    });
    return index;`,
    replace: `    if (leader === undefined) return undefined;
    const index = this.log.lastIndex + 1;
    appendToOwnLog(this, {
      type: "command",
      index,
      term: this.currentTerm,
      data,
    });
    return leader.transferTarget === undefined ? index : undefined;`,
    tests: ["unit/raft/core/transfer_test.ts"],
  },
  {
    name: "message-for-another",
    mistake: "a node acts on messages that are meant for another",
    source: "PITFALLS 29",
    file: raft,
    find:
      "if (message.to !== this.id || message.from === this.id) return undefined;",
    replace: "if (message.from === this.id) return undefined;",
    tests: ["unit/raft/core/follower_test.ts"],
  },
];
