// Mistakes with many sequences on the clients' side: lanes, blocks, capped requests, the desk for
// groups, the order of takes and groups on a connection, and the slots of the take box.

import type { Mutant } from "./mutant.ts";

const lane = "server/tickets/lane.ts";
const care = "server/tickets/care.ts";
const box = "raft/channel/take_box.ts";
const memory = "raft/channel/box_memory.ts";
const laneTests = [
  "unit/server/tickets/lanes_test.ts",
  "unit/server/tickets/lanes_model_test.ts",
];
const boxTests = ["unit/raft/channel/take_box_test.ts"];
const repliesTests = ["unit/server/resp/replies_test.ts"];

/** All about lanes. */
export const laneMutants: readonly Mutant[] = [
  {
    name: "block-in-two-parts",
    mistake: "a block begins with what is lent and ends with other numbers",
    source: "promise 1; README, Sequences",
    file: lane,
    find: "if (there === 0 || (isBlock && there < count)) return 0;",
    replace: "if (there === 0) return 0;",
    tests: laneTests,
  },
  {
    name: "loan-kept-behind-a-block",
    mistake: "a block that does not fit into the loan leaves it where it is",
    source: "raft/channel/messages.ts, rule 8",
    file: lane,
    find: "const rest = this.#loan.count;",
    replace: "const rest = 0 * this.#loan.count;",
    tests: laneTests,
  },
  {
    name: "loan-past-a-block-that-waits",
    mistake: "a client is served from the loan while a block before it waits",
    source: "promise 2",
    file: lane,
    find: "const lent = this.waiting > 0 ?",
    replace: "const lent = this.waiting < 0 ?",
    tests: laneTests,
  },
  {
    name: "capped-from-any-loan",
    mistake: "INCR gives a number of the loan that its client cannot read",
    source: "README, Sequences",
    file: lane,
    find: "const fit = this.#loan.fit(from + there, int64Max) - from;",
    replace: "const fit = int64Max > 0n ? there : from;",
    tests: laneTests,
  },
  {
    name: "capped-unsaid",
    mistake: "a take for INCR does not say that its numbers have a limit",
    source: "README, Sequences",
    file: lane,
    find: "    if (request.isCapped) this.#isCapped = true;\n",
    replace: "",
    tests: laneTests,
  },
  {
    name: "all-refused-with-one",
    mistake: "a block that is too large has all requests beside it refused",
    source: "README, Sequences",
    file: lane,
    find: "if (!isOwnAnswer(this.#askers.first, { count, reason })) {",
    replace:
      "if (count < 0 && !isOwnAnswer(this.#askers.first, { count, reason })) {",
    tests: laneTests,
  },
  {
    name: "overflow-without-a-limit",
    mistake: "a TICKET hears that an increment would overflow",
    source: "README, Sequences",
    file: care,
    find: '  if (reason === "above-int64" && !first.isCapped) return false;\n',
    replace: "",
    tests: laneTests,
  },
  {
    name: "uncapped-refused-with-capped",
    mistake: "TICKETs behind an INCR that would overflow are refused with it",
    source: "README, Sequences",
    file: care,
    find: '    if (reason !== "exhausted" && !asker.isCapped) break;\n',
    replace: "",
    tests: laneTests,
  },
  {
    name: "part-of-a-former-queue",
    mistake: "a take is counted by the requests that were just answered",
    source: "promise 1",
    file: lane,
    find: "const isPart = this.#care.isTaken || this.#toPost > takeTicketsMax;",
    replace: "const isPart = this.#care.isTaken;",
    tests: laneTests,
  },
  {
    name: "loan-forgotten-with-its-lane",
    mistake: "a lane that was lent numbers is dropped, and they burn",
    source: "README, What a crash may burn",
    file: lane,
    find: "      this.#loan.count === 0 && !this.#isWoken;",
    replace: "      !this.#isWoken;",
    tests: laneTests,
  },
  {
    name: "slot-given-away",
    mistake: "a slot of the box is given away while a take lies in it",
    source: "promise 1",
    file: box,
    find: "        if (this.#options?.isAsking(owner) !== false) continue;\n",
    replace: "",
    tests: boxTests,
  },
  {
    name: "former-name-of-a-slot",
    mistake: "a take is taken for one of the sequence that had its slot before",
    source: "promise 1",
    file: "raft/channel/node_box.ts",
    find: "if (known?.version === version) return known;",
    replace: "if (known !== undefined && version > 0) return known;",
    tests: boxTests,
  },
  {
    name: "offer-forgets-the-limit",
    mistake: "an INCR that is taken along may get any number",
    source: "README, Sequences",
    file: memory,
    find: "const after = (before + 2 * count) | (isCapped ? 1 : 0);",
    replace: "const after = before + 2 * count + (isCapped ? 0 : 0);",
    tests: boxTests,
  },
  {
    name: "bell-for-the-first-alone",
    mistake: "of several takes of a turn the node hears of the first only",
    source: "README, Promises",
    file: memory,
    find: "      this.#hasRung = false;\n      this.flush(direction);",
    replace: "      this.#hasRung = false;",
    tests: boxTests,
  },
  {
    name: "message-before-answers",
    mistake: "a recall overtakes answers for which the bell has not rung",
    source: "PITFALLS 31",
    file: "raft/channel/take_door.ts",
    find: "    box.flush();\n",
    replace: "",
    tests: boxTests,
  },
  {
    name: "rest-behind-its-recall",
    mistake: "a loan that came back with a take is taken for burnt",
    source: "promise 1",
    file: "raft/channel/doors.ts",
    find: "        this.#main.lookIntoBox();\n",
    replace: "",
    tests: ["unit/raft/channel/doors_test.ts"],
  },
  {
    name: "takes-beside-groups",
    mistake: "a GET behind a TICKET is asked before that has its number",
    source: "promise 2",
    file: "server/resp/reply_turns.ts",
    find: "return this.#open === 0 || this.#kind === kind;",
    replace: "return this.#open >= 0 || this.#kind === kind;",
    tests: repliesTests,
  },
  {
    name: "one-slot-for-two-names",
    mistake:
      "numbers of two sequences are replied in the order in which they come",
    source: "PITFALLS 31",
    file: "server/resp/replies.ts",
    find: "last.name === name && ",
    replace: "",
    tests: repliesTests,
  },
  {
    name: "desk-does-not-wait",
    mistake: "two messages with groups are under way, and answers get mixed up",
    source: "raft/channel/messages.ts, rule 9",
    file: "server/tickets/group_desk.ts",
    find: "if (this.#isWoken || this.#underWay.length > 0) return;",
    replace: "if (this.#isWoken) return;",
    tests: ["unit/server/tickets/group_desk_test.ts"],
  },
];
