// Mistakes of reasons, put back: what the log says about elections, lost leaderships, disks, gaps
// and joining. A wrong reason sends an operator to the wrong machine.

import type { Mutant } from "./mutant.ts";

const changeLog = "raft/stats/change_log.ts";
const diskLog = "raft/stats/disk_log.ts";
const obstacles = "raft/members/join_obstacles.ts";
const question = "raft/members/join_question.ts";
const reasons = "raft/core/reasons.ts";
const words = "raft/stats/reason_words.ts";
const coreTests = ["unit/raft/core/reasons_test.ts"];
const logTests = ["unit/raft/stats/change_log_test.ts"];
const joinTests = ["unit/raft/members/join_obstacles_test.ts"];
const source = "OPERATING: The reasons in the log";

export const whyMutants: readonly Mutant[] = [
  {
    name: "live-voters-called-silent",
    mistake: "a leader without a majority names the voters that answered",
    source,
    file: "raft/core/leadership.ts",
    find: "raft.membership.voters.filter((id) => !answers(raft, id))",
    replace:
      "raft.membership.voters.filter((id) => id !== raft.id && answers(raft, id))",
    tests: coreTests,
  },
  {
    name: "silence-of-another-voter",
    mistake: "each silent voter is said to be silent for as long as the first",
    source,
    file: "raft/core/leadership.ts",
    find: "      ticks: silentTicks(raft, id),\n",
    replace: "      ticks: silentTicks(raft, raft.membership.voters[1]!),\n",
    tests: coreTests,
  },
  {
    name: "silence-begins-with-candidacy",
    mistake: "a leader's silence is counted anew in each candidacy",
    source,
    file: "raft/core/raft_state.ts",
    find: "  becomeCandidate(candidate: Candidate): void {\n",
    replace: `  becomeCandidate(candidate: Candidate): void {
    this.reasons.silentTicks = this.electionTimeout;
`,
    tests: coreTests,
  },
  {
    name: "present-leader-blamed",
    mistake: "the leader that was found is named as the one that was silent",
    source,
    file: reasons,
    find: "    this.formerLeaderId = this.leaderId;\n    this.leaderId = id;\n",
    replace:
      "    this.leaderId = id;\n    this.formerLeaderId = this.leaderId;\n",
    tests: [...coreTests, ...logTests],
  },
  {
    name: "asked-for-ever",
    mistake:
      "a node that was asked to take over once says so of every candidacy",
    source,
    file: "raft/core/election.ts",
    find: "  raft.reasons.askedBy = undefined;\n",
    replace: "",
    tests: coreTests,
  },
  {
    name: "rival-taken-for-successor",
    mistake: "a leader that a rival has deposed says that it handed over",
    source,
    file: reasons,
    find: "handOver?.isTold && !isRival",
    replace: "handOver?.isTold && isRival !== undefined",
    tests: coreTests,
  },
  {
    name: "hand-over-before-word",
    mistake:
      "a leader says that it handed over to a voter that it has not told",
    source,
    file: "raft/core/leadership.ts",
    find: "cause, isTold: false }",
    replace: "cause, isTold: true }",
    tests: coreTests,
  },
  {
    name: "old-loss-kept",
    mistake: "a second loss of leadership is told with the reason of the first",
    source,
    file: reasons,
    find: "    this.loss = this.handOver = undefined;\n",
    replace: "    this.handOver = undefined;\n",
    tests: coreTests,
  },
  {
    name: "refusal-called-silence",
    mistake: "voters that refuse are said not to have answered",
    source,
    file: words,
    find: "voter !== id && !votes?.has(voter)",
    replace: "voter !== id && votes?.get(voter) !== true",
    tests: logTests,
  },
  {
    name: "failed-elections-flood",
    mistake:
      "a node cut off from its leader fills the log, a line an election timeout",
    source: "PITFALLS 38",
    file: changeLog,
    find:
      'if (unelected === "" || this.#now - toldMillis < pauseMillis) return;',
    replace:
      'if (unelected === "" || this.#now - toldMillis < 0 * pauseMillis) return;',
    tests: logTests,
  },
  {
    name: "standstill-blamed-on-disk",
    mistake: "a process that was stopped blames its disk",
    source,
    file: diskLog,
    find: "const millis = tookMicros / 1000 - standstill.since(",
    replace: "const millis = tookMicros / 1000 - 0 * standstill.since(",
    tests: ["unit/raft/stats/disk_log_test.ts"],
  },
  {
    name: "standstill-forgotten",
    mistake: "a leader that was stopped does not say so when it is deposed",
    source,
    file: changeLog,
    find: "        this.#recentStandstill,\n",
    replace: '        "",\n',
    tests: logTests,
  },
  {
    name: "standstill-untold",
    mistake: "a timer that was late is not told to the node",
    source,
    file: "raft/ticker.ts",
    find: "    this.#sleeper.stoodStill?.(lateMillis);\n",
    replace: "",
    tests: ["unit/raft/ticker_test.ts"],
  },
  {
    name: "slow-disk-floods",
    mistake: "every write of a slow disk is a line in the log",
    source: "PITFALLS 38",
    file: diskLog,
    find: "    if (this.#now - this.#slowMillis < pauseMillis) {",
    replace: "    if (this.#now - this.#slowMillis < 0) {",
    tests: ["unit/raft/stats/disk_log_test.ts"],
  },
  {
    name: "two-voters-on-the-way",
    mistake: "a cluster is called one of two voters while its third catches up",
    source,
    file: "raft/stats/voter_notice.ts",
    find: "this.#ticks = isGrowing ? 0 : this.#ticks + 1;",
    replace: "this.#ticks = isGrowing ? this.#ticks + 1 : this.#ticks + 1;",
    tests: ["unit/raft/stats/voter_notice_test.ts"],
  },
  {
    name: "gap-ends-too-high",
    mistake: "a new leader counts its own first numbers among those that burnt",
    source: "promise 4",
    file: "raft/node.ts",
    find: `    if (entry.type === "noop") {
      this.#parts.changeLog.termBegan(entry.term, this.lastTicket);
    }
    if (entry.type !== "command") return;
    this.#parts.reserve.applied(entry, this.#machine.apply(entry.data));
`,
    replace: `    if (entry.type !== "command") return;
    const outcomes = this.#machine.apply(entry.data);
    this.#parts.changeLog.termBegan(entry.term, this.lastTicket);
    this.#parts.reserve.applied(entry, outcomes);
`,
    tests: logTests,
  },
  {
    name: "gap-untold",
    mistake: "numbers that burn are counted, and told to nobody",
    source: "promise 4",
    file: "raft/tickets/reserve.ts",
    find: "    this.#options.burnt?.(gap);\n",
    replace: "",
    tests: ["unit/raft/tickets/reserve_test.ts"],
  },
  {
    name: "valkey-called-redis",
    mistake: "Valkey, which names a version of Redis as well, is called Redis",
    source,
    file: obstacles,
    find: '  ["valkey", "Valkey"],\n',
    replace: "",
    tests: joinTests,
  },
  {
    name: "joins-itself",
    mistake:
      "a node waits for its own answer, which it gives when it has joined",
    source,
    file: question,
    find: "      if (isSelf) throw new ReachedItself();\n",
    replace: "      isSelf = false;\n",
    tests: joinTests,
  },
  {
    name: "any-port-is-its-own",
    mistake: "a node takes others on its host for itself",
    source,
    file: question,
    find:
      "if (self === undefined || remoteAddr.port !== self.port) return false;",
    replace: "if (self === undefined) return false;",
    tests: joinTests,
  },
  {
    name: "first-address-alone",
    mistake: "of a name with several addresses only the first is asked",
    source,
    file: question,
    find: "  for (const one of found) {\n",
    replace: "  for (const one of found.slice(0, 1)) {\n",
    tests: joinTests,
  },
  {
    name: "deadline-hides-obstacle",
    mistake: "the last question, cut short, hides what was met before it",
    source,
    file: "raft/members/join_log.ts",
    find: "if (isCut && before !== undefined) {",
    replace: "if (isCut && before === obstacle) {",
    tests: joinTests,
  },
  {
    name: "raft-port-says-nothing",
    mistake: "a client at the raft port is left to guess where it is",
    source,
    file: "raft/net/inbound_handshake.ts",
    find: "step.first === respCommandByte && !wire.closed",
    replace: "step.first < 0 * respCommandByte && !wire.closed",
    tests: ["unit/raft/net/acceptor_test.ts"],
  },
];
