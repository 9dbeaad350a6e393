// Mistakes about members and their changes, put back into the core and the node.

import type { Mutant } from "./mutant.ts";

const election = "raft/core/election.ts";
const raft = "raft/core/raft.ts";
const replication = "raft/core/replication.ts";
const leadership = "raft/core/leadership.ts";
const plan = "raft/change_plan.ts";
const changes = "raft/changes.ts";
const risk = "raft/change_risk.ts";
const tests = ["core/membership_change_test.ts"];

export const membershipMutants: readonly Mutant[] = [
  {
    name: "change-while-pending",
    mistake: "a change is accepted while another is not committed",
    source: "thesis 4.1, PITFALLS 25",
    file: raft,
    find:
      'if (this.membership.currentIndex > this.log.commitIndex) return "pending";',
    replace: "",
    tests,
  },
  {
    name: "change-before-own-commit",
    mistake:
      "a change is accepted before anything of the own term is committed",
    source: "PITFALLS 25",
    file: raft,
    find: "if (this.log.termAt(this.log.commitIndex) !== this.currentTerm) {",
    replace: "if (this.currentTerm === 0) {",
    tests,
  },
  {
    name: "change-in-force-when-committed",
    mistake: "a follower keeps a configuration whose entry is gone",
    source: "thesis 4.1",
    file: replication,
    find: "membership.truncate(entry.index);",
    replace: "",
    tests,
  },
  {
    name: "learners-counted",
    mistake: "learners vote, and count for commitment",
    source: "thesis 4.2.1",
    file: "raft/core/membership.ts",
    find:
      `this.current.servers.filter((s) => s.suffrage === "voter").map((s) =>`,
    replace: "this.current.servers.map((s) =>",
    tests,
  },
  {
    name: "learner-refuses-vote",
    mistake: "who does not know yet that it is a voter refuses its vote",
    source: "PITFALLS 27",
    file: election,
    find: "const granted = message.term === raft.currentTerm &&",
    replace:
      "const granted = raft.membership.isVoter(raft.id) && message.term === raft.currentTerm &&",
    tests,
  },
  {
    name: "removed-leader-counts-itself",
    mistake: "a leader that is being removed counts its own disk",
    source: "thesis 4.2.2, PITFALLS 26",
    file: replication,
    find: "const matchIndexes = raft.membership.voters.map((id) =>",
    replace:
      "const matchIndexes = [...new Set([raft.id, ...raft.membership.voters])].map((id) =>",
    tests,
  },
  {
    name: "removed-leader-stays",
    mistake: "a leader goes on after its removal is committed",
    source: "thesis 4.2.2, PITFALLS 26",
    file: replication,
    find:
      "if (configurationCommitted && !raft.membership.isVoter(raft.id)) leave(raft);",
    replace: "void [configurationCommitted, leave];",
    tests,
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
    tests,
  },
  {
    name: "removed-server-not-told",
    mistake: "a removed server never learns why nobody answers it",
    source: "thesis 4.2.3, PITFALLS 26",
    file: election,
    find:
      'if (raft.role !== "leader" || raft.membership.find(id) !== undefined) {',
    replace:
      "if (raft.currentTerm >= 0 || raft.membership.find(id) !== undefined) {",
    tests,
  },
  {
    name: "old-removal-believed",
    mistake: "a word of an older configuration makes a member give up",
    source: "PITFALLS 29",
    file: election,
    find:
      "if (message.configurationIndex < raft.membership.currentIndex) return;",
    replace: "",
    tests,
  },
  {
    name: "promoted-before-caught-up",
    mistake: "a learner becomes a voter before it has caught up",
    source: "thesis 4.2.1, PITFALLS 28",
    file: "raft/core/progress.ts",
    find:
      'return this.state === "replicate" && this.matchIndex >= this.#roundTarget;',
    replace: 'return this.state === "replicate";',
    tests,
  },
  {
    name: "promoted-without-a-disk",
    mistake: "a voter is made of a server whose disk nobody knows",
    source: "PITFALLS 17",
    file: leadership,
    find: 'server.suffrage !== "learner" || server.incarnation === ""',
    replace: 'server.suffrage !== "learner"',
    tests,
  },
  {
    name: "new-disk-old-credit",
    mistake: "a wiped server that returns keeps what it had acknowledged",
    source: "PITFALLS 17",
    file: leadership,
    find: "if (known?.incarnation !== incarnation || progress === undefined) {",
    replace: "if (progress === undefined) {",
    tests,
  },
  {
    name: "sequence-begins-anew",
    mistake: "answers to a removed server's messages count for its successor",
    source: "PITFALLS 17, 23",
    file: leadership,
    find: "new Progress(log.lastIndex, lastSequence)",
    replace: "new Progress(log.lastIndex, 0 * lastSequence)",
    tests,
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
    tests: ["raft/node_compact_test.ts", "core/replication_test.ts"],
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
      "core/membership_change_test.ts",
      "core/replication_test.ts",
      "core/random_cluster_test.ts",
    ],
  },
  {
    name: "snapshot-without-members",
    mistake: "a follower that takes a snapshot keeps its old members",
    source: "PITFALLS 14, 29",
    file: raft,
    find: `    this.membership.restore(
      snapshot.configurationIndex,
      snapshot.configuration,
    );`,
    replace: "",
    tests: ["core/replication_test.ts"],
  },
  {
    name: "members-resurrected",
    mistake: "a restarted node goes back to the members of its snapshot",
    source: "PITFALLS 29",
    file: raft,
    find: `      if (entry.type === "configuration") {
        this.membership.append(`,
    replace: `      if (entry.type === "configuration" && entry.index === 1) {
        this.membership.append(`,
    tests: ["core/replication_test.ts"],
  },
  {
    name: "used-id-joins",
    mistake: "another disk joins under the id of a member",
    source: "PITFALLS 17, 30",
    file: plan,
    find: "known.incarnation !== incarnation\n",
    replace: "known.incarnation === ''\n",
    tests: ["raft/changes_test.ts"],
  },
  {
    name: "wrong-cluster-joins",
    mistake: "a node of another cluster joins",
    source: "PITFALLS 30",
    file: plan,
    find: "return command.cluster === cluster\n",
    replace: "return command.cluster !== ''\n",
    tests: ["raft/changes_test.ts"],
  },
  {
    name: "joins-as-voter",
    mistake: "a joining node is a voter at once, with an empty log",
    source: "thesis 4.2.1, PITFALLS 28",
    file: plan,
    find: '      : nonvoter\n      ? "nonvoter"\n      : "learner",',
    replace: '      : nonvoter\n      ? "nonvoter"\n      : "voter",',
    tests: ["raft/changes_test.ts"],
  },
  {
    name: "added-as-voter",
    mistake: "RAFT.ADDVOTER costs the quorum where nobody lives",
    source: "thesis 4.2.1, PITFALLS 28",
    file: plan,
    find: 'suffrage: known?.suffrage === "voter" ? "voter" : "learner",',
    replace: 'suffrage: "voter",',
    tests: ["raft/changes_test.ts"],
  },
  {
    name: "change-answered-before-commit",
    mistake: "OK is said to a change that may never be committed",
    source: "PITFALLS 31",
    file: changes,
    find: "if (log.commitIndex < state.index) return;",
    replace: "",
    tests: ["raft/changes_test.ts"],
  },
  {
    name: "change-asked-twice",
    mistake:
      "a change that may be done already is made again on another footing",
    source: "PITFALLS 31",
    file: changes,
    find: "if (prevIndexOf(command) === 0n) change.state",
    replace: "if (prevIndexOf(command) >= 0n) change.state",
    tests: ["raft/changes_forward_test.ts"],
  },
  {
    name: "answer-of-a-former-life",
    mistake: "the answer to a question of a former life answers one of this",
    source: "PITFALLS 31",
    file: changes,
    find: "this.#nextId = options.random(2 ** 31);",
    replace: "this.#nextId = 0 * options.random(2 ** 31);",
    tests: ["raft/changes_forward_test.ts"],
  },
  {
    name: "nonvoter-promoted",
    mistake: "a nonvoter gets a vote as soon as it has caught up",
    source: "thesis 4.2.1",
    file: leadership,
    find: 'server.suffrage !== "learner" || server.incarnation === ""',
    replace: 'server.suffrage === "voter" || server.incarnation === ""',
    tests: ["core/nonvoter_test.ts"],
  },
  {
    name: "promoted-by-an-old-round",
    mistake: "a nonvoter that is far behind is promoted for what it had once",
    source: "thesis 4.2.1, PITFALLS 28",
    file: leadership,
    find: "progress.beginRound(log.lastIndex);",
    replace: "",
    tests: ["core/nonvoter_test.ts"],
  },
  {
    name: "nonvoter-joins-for-a-vote",
    mistake: "a nonvoter that joins again gets a vote",
    source: "README, Members",
    file: plan,
    find: 'isSame || known?.suffrage === "nonvoter"',
    replace: "known !== undefined && isSame",
    tests: ["raft/nonvoters_test.ts"],
  },
  {
    name: "late-join-undoes-promotion",
    mistake: "who asks to join twice loses the vote it was given in between",
    source: "PITFALLS 31",
    file: plan,
    find: 'isSame || known?.suffrage === "nonvoter"\n      ? known.suffrage',
    replace: "isSame && !nonvoter\n      ? known.suffrage",
    tests: ["raft/nonvoters_test.ts"],
  },
  {
    name: "nonvoter-takes-a-vote",
    mistake: "RAFT.ADDNONVOTER takes a voter's vote away without a question",
    source: "README, Members",
    file: plan,
    find: 'if (known?.suffrage === "voter") {',
    replace: "if (known === null) {",
    tests: ["raft/nonvoters_test.ts"],
  },
  {
    name: "promotion-answered-as-learner",
    mistake: "RAFT.PROMOTE says OK before the server has a vote",
    source: "PITFALLS 31",
    file: changes,
    find: 'command.type !== "add-voter" && command.type !== "promote"',
    replace: 'command.type !== "add-voter"',
    tests: ["raft/nonvoters_test.ts"],
  },
  {
    name: "one-of-two-goes",
    mistake: "one of two votes is taken away without a word",
    source: "README, Members",
    file: risk,
    find: "if (left.length === 1) {",
    replace: "if (left.length === 0) {",
    tests: ["raft/change_risk_test.ts"],
  },
  {
    name: "needed-voter-goes",
    mistake:
      "a vote is taken away although the rest is no majority that answers",
    source: "README, Members",
    file: risk,
    find: "if (left.length - silent.length >= needed) return undefined;",
    replace: "if (left.length >= needed) return undefined;",
    tests: ["raft/change_risk_test.ts"],
  },
  {
    name: "dead-voter-stays",
    mistake: "not even a dead voter is let go without force",
    source: "README, Members",
    file: risk,
    find: "!answers(raft, voter)",
    replace: "voter !== raft.id && !answers(raft, id)",
    tests: ["raft/change_risk_test.ts"],
  },
  {
    name: "done-called-undone",
    mistake: "what a lost leader may have done is called undone",
    source: "PITFALLS 31",
    file: changes,
    find: "change.mayBeDone = true;",
    replace: "",
    tests: ["raft/change_risk_test.ts"],
  },
  {
    name: "transfer-asked-again",
    mistake:
      "the next leader is asked for the hand-over of the last, and passes on",
    source: "raft/transfers.ts",
    file: changes,
    find: 'if (command.type === "transfer") {\n      if (state.type',
    replace:
      'if (command.type === "transfer") {\n      change.state = { type: "asked" };\n      if (state.type',
    tests: ["raft/transfers_test.ts"],
  },
  {
    name: "transfer-answered-at-once",
    mistake: "OK is said to a hand-over that nobody has taken up",
    source: "PITFALLS 31",
    file: "raft/transfers.ts",
    find: "if (leaderId === target) return ok;",
    replace: "if (leaderId === target || from === raft.id) return ok;",
    tests: ["raft/transfers_test.ts"],
  },
  {
    name: "transfer-to-the-wrong-one",
    mistake: "OK is said when another than the one that was named leads",
    source: "PITFALLS 31",
    file: "raft/transfers.ts",
    find: "return isOpen ? ok",
    replace: "return any || leaderId !== from ? ok",
    tests: ["raft/transfers_test.ts"],
  },
];
