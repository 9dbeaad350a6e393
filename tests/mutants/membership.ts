// Mistakes about members and their changes, put back into the core and the node.

import type { Mutant } from "./mutant.ts";

const election = "raft/core/election.ts";
const raft = "raft/core/raft.ts";
const replication = "raft/core/replication.ts";
const memberChanges = "raft/core/member_changes.ts";
const follower = "raft/core/follower.ts";
const state = "raft/core/raft_state.ts";
const tests = ["unit/raft/core/member_changes_test.ts"];
const learnerTests = ["unit/raft/core/learners_test.ts"];
const removalTests = ["unit/raft/core/removed_servers_test.ts"];

export const membershipMutants: readonly Mutant[] = [
  {
    name: "change-while-pending",
    mistake: "a change is accepted while another is not committed",
    source: "thesis 4.1, PITFALLS 25",
    file: memberChanges,
    find: 'if (membership.currentIndex > log.commitIndex) return "pending";',
    replace: "",
    tests,
  },
  {
    name: "change-before-own-commit",
    mistake:
      "a change is accepted before anything of the own term is committed",
    source: "PITFALLS 25",
    file: memberChanges,
    find: 'if (log.termAt(log.commitIndex) !== term) return "not-ready";',
    replace: 'if (term === 0) return "not-ready";',
    tests,
  },
  {
    name: "change-in-force-when-committed",
    mistake: "a follower keeps a configuration whose entry is gone",
    source: "thesis 4.1",
    file: follower,
    find: "if (membership.truncate(entry.index)) saves.membersChanged();",
    replace: "",
    tests,
  },
  {
    name: "learners-counted",
    mistake: "learners vote, and count for commitment",
    source: "thesis 4.2.1",
    file: "raft/core/membership.ts",
    find:
      'this.#voters = current.servers.filter((s) => s.suffrage === "voter")',
    replace: "this.#voters = current.servers",
    tests: learnerTests,
  },
  {
    name: "voters-of-before",
    mistake: "the voters are those of the first configuration, for good",
    source: "thesis 4.1",
    file: "raft/core/membership.ts",
    find: "if (current === this.#votersOf) return this.#voters;",
    replace: "if (this.#votersOf !== undefined) return this.#voters;",
    tests: learnerTests,
  },
  {
    name: "learner-refuses-vote",
    mistake:
      "a node that does not know yet that it is a voter refuses its vote",
    source: "PITFALLS 27",
    file: election,
    find: "const granted = message.term === raft.currentTerm &&",
    replace:
      "const granted = raft.membership.isVoter(raft.id) && message.term === raft.currentTerm &&",
    tests: learnerTests,
  },
  {
    name: "removed-leader-counts-itself",
    mistake: "a leader that is being removed counts its own disk",
    source: "thesis 4.2.2, PITFALLS 26",
    file: replication,
    find: "const matchIndexes = raft.membership.voters.map((id) =>",
    replace:
      "const matchIndexes = [...new Set([raft.id, ...raft.membership.voters])].map((id) =>",
    tests: removalTests,
  },
  {
    name: "removed-leader-stays",
    mistake: "a leader goes on after its removal is committed",
    source: "thesis 4.2.2, PITFALLS 26",
    file: replication,
    find:
      "if (configurationCommitted && !raft.membership.isVoter(raft.id)) leave(raft);",
    replace: "void [configurationCommitted, leave];",
    tests: removalTests,
  },
  {
    name: "removed-leader-leaves-too-soon",
    mistake: "a leader leaves at any commit while its removal is on its way",
    source: "thesis 4.2.2, PITFALLS 26",
    file: replication,
    find:
      "if (configurationCommitted && !raft.membership.isVoter(raft.id)) leave(raft);",
    replace:
      "if (index > 0 * Number(configurationCommitted) && !raft.membership.isVoter(raft.id)) leave(raft);",
    tests: removalTests,
  },
  {
    name: "removed-server-not-told",
    mistake: "a removed server never learns why nobody answers it",
    source: "thesis 4.2.3, PITFALLS 26",
    file: election,
    find: "if (membership.find(id) !== undefined) return false;",
    replace:
      "if (term >= 0 || membership.find(id) !== undefined) return false;",
    tests: removalTests,
  },
  {
    name: "old-removal-believed",
    mistake: "a word of an older configuration makes a member give up",
    source: "PITFALLS 29",
    file: election,
    find: "if (message.configurationIndex < currentIndex && !isLost) return;",
    replace: "",
    tests: removalTests,
  },
  {
    name: "lost-membership-clung-to",
    mistake:
      "a server that was added by a lost entry never hears that it is no member",
    source: "PITFALLS 26",
    file: election,
    find: "message.term > log.termOf(currentIndex);",
    replace: "message.term < 0;",
    tests: removalTests,
  },
  {
    name: "promoted-before-caught-up",
    mistake: "a learner becomes a voter before it has caught up",
    source: "thesis 4.2.1, PITFALLS 28",
    file: "raft/core/progress.ts",
    find:
      'return this.state === "replicate" &&\n      this.matchIndex >= this.#catchUpTarget;',
    replace: 'return this.state === "replicate";',
    tests: learnerTests,
  },
  {
    name: "promoted-without-a-disk",
    mistake: "a voter is made of a server whose disk nobody knows",
    source: "PITFALLS 17",
    file: memberChanges,
    find: 'server.suffrage !== "learner" || server.incarnation === ""',
    replace: 'server.suffrage !== "learner"',
    tests: learnerTests,
  },
  {
    name: "new-disk-old-credit",
    mistake: "a wiped server that returns keeps what it had acknowledged",
    source: "PITFALLS 17",
    file: memberChanges,
    find: "if (known?.incarnation !== incarnation || progress === undefined) {",
    replace: "if (known === undefined || progress === undefined) {",
    tests: learnerTests,
  },
  {
    name: "sequence-begins-anew",
    mistake: "answers to a removed server's messages count for its successor",
    source: "PITFALLS 17, 23",
    file: memberChanges,
    find: "new Progress(log.lastIndex, lastSequence)",
    replace: "new Progress(log.lastIndex, 0 * lastSequence)",
    tests: learnerTests,
  },
  {
    name: "configuration-not-in-snapshot",
    mistake: "a second snapshot carries the members of the first",
    source: "PITFALLS 14",
    file: raft,
    find:
      "const { configuration, index } = this.membership.at(this.log.lastApplied);",
    replace:
      "const { configuration, configurationIndex: index } = this.log.snapshot;",
    tests: [
      "unit/raft/node_compact_test.ts",
      "unit/raft/core/snapshot_test.ts",
    ],
  },
  {
    name: "uncommitted-members-in-snapshot",
    mistake: "a snapshot carries members that are not committed",
    source: "thesis 5.1, PITFALLS 14",
    file: raft,
    find:
      "const { configuration, index } = this.membership.at(this.log.lastApplied);",
    replace:
      "const { configuration, index } = this.membership.at(this.log.lastIndex);",
    tests: [
      "unit/raft/core/member_changes_test.ts",
      "unit/raft/core/snapshot_test.ts",
      "unit/raft/core/random_cluster_test.ts",
    ],
  },
  {
    name: "snapshot-without-members",
    mistake: "a follower that takes a snapshot keeps its old members",
    source: "PITFALLS 14, 29",
    file: state,
    find: `    this.membership.restore(
      snapshot.configurationIndex,
      snapshot.configuration,
    );`,
    replace: "",
    tests: ["unit/raft/core/snapshot_test.ts"],
  },
  {
    name: "members-resurrected",
    mistake: "a restarted node goes back to the members of its snapshot",
    source: "PITFALLS 29",
    file: state,
    find: `      if (entry.type === "configuration") {
        this.membership.append(`,
    replace: `      if (entry.type === "configuration" && entry.index === 1) {
        this.membership.append(`,
    tests: ["unit/raft/core/snapshot_test.ts"],
  },
  {
    name: "nonvoter-promoted",
    mistake: "a nonvoter gets a vote as soon as it has caught up",
    source: "thesis 4.2.1",
    file: memberChanges,
    find: 'server.suffrage !== "learner" || server.incarnation === ""',
    replace: 'server.suffrage === "voter" || server.incarnation === ""',
    tests: ["unit/raft/core/nonvoter_test.ts"],
  },
  {
    name: "promoted-for-what-it-had",
    mistake: "a nonvoter that is far behind is promoted for what it had once",
    source: "thesis 4.2.1, PITFALLS 28",
    file: memberChanges,
    find: "progress.beginCatchUp(log.lastIndex);",
    replace: "",
    tests: ["unit/raft/core/nonvoter_test.ts"],
  },
  {
    name: "late-heartbeat-counts",
    mistake: "a heartbeat of before tells a node that it has read all there is",
    source: "PITFALLS 29",
    file: follower,
    find: "if (message.sequence > raft.newestSequence) {",
    replace: "if (message.sequence > 0) {",
    tests: ["unit/raft/members/removal_test.ts"],
  },
  {
    name: "voteless-asks-nobody",
    mistake:
      "a node without a vote that was removed while it was away never learns of it",
    source: "PITFALLS 26",
    file: "raft/core/raft.ts",
    find: "if (!this.isStalled && !this.removed) inquire(this);",
    replace: "if (this.isStalled && !this.removed) inquire(this);",
    tests: ["unit/raft/members/removal_test.ts"],
  },
  {
    name: "moved-at-a-blink",
    mistake: "a member has moved as soon as a dial fails",
    source: "OPERATING, Members",
    file: "raft/net/dialler.ts",
    find: "if (performance.now() - this.#reachedMillis >= times.movedMillis) {",
    replace: "if (performance.now() - this.#reachedMillis >= 0) {",
    tests: ["unit/raft/net/dialler_test.ts"],
  },
  {
    name: "moved-to-nowhere",
    mistake: "a member has moved to wherever it says, reached there or not",
    source: "OPERATING, Members",
    file: "raft/net/dialler.ts",
    find: "      wire?.close();\n    }\n    return undefined;\n",
    replace:
      "      this.#options.moved(id, formatAddress(at));\n    }\n    return undefined;\n",
    tests: ["unit/raft/net/dialler_test.ts"],
  },
  {
    name: "followers-silent",
    mistake:
      "a removed node that knows followers alone never learns of its removal",
    source: "PITFALLS 26",
    file: election,
    find: "  if (!isLeader && !isInformed) return false;",
    replace: "  if (!isLeader) return false;",
    tests: ["unit/raft/members/removal_test.ts"],
  },
  {
    name: "follower-tells-hearsay",
    mistake:
      "a follower tells a server that it is no member, which an entry on its way may deny",
    source: "PITFALLS 29",
    file: election,
    find: "raft.isUpToDate &&\n    log.termAt(log.commitIndex) === term;",
    replace: "raft.isUpToDate && log.lastIndex > 0;",
    tests: ["unit/raft/core/removed_servers_test.ts"],
  },
  {
    name: "follower-tells-without-a-leader",
    mistake:
      "a follower that hears no leader tells others that they are no members",
    source: "PITFALLS 29",
    file: election,
    find: "const isInformed = raft.hearsLeader && raft.isUpToDate &&",
    replace: "const isInformed = raft.isUpToDate &&",
    tests: [
      "unit/raft/core/removed_servers_test.ts",
      "unit/raft/members/removal_test.ts",
    ],
  },
];
