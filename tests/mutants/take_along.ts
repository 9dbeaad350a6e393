// Mistakes of takes that the node takes along with its last answer, put back.

import type { Mutant } from "./mutant.ts";

export const takeAlongMutants: readonly Mutant[] = [
  {
    name: "refusal-overtakes-answer",
    mistake:
      "a refused take that was taken along is settled before the answer in the box",
    source: "PITFALLS 31",
    file: "server/tickets/raft_link.ts",
    find:
      "        this.#lookIntoBox();\n        return this.dispenser.refused(",
    replace: "        return this.dispenser.refused(",
    tests: ["unit/server/tickets/take_along_test.ts"],
  },
  {
    name: "along-unseen",
    mistake: "the node answers a third time before the first answer was seen",
    source: "promise 1",
    file: "raft/channel/node_box.ts",
    find: "return isLoan || !isSeen || offered < count",
    replace: "return isLoan || offered < count",
    tests: ["unit/server/tickets/take_along_test.ts"],
  },
  {
    name: "along-beside-a-loan",
    mistake: "what is lent is dealt to a take that has numbers of its own",
    source: "promise 1",
    file: "raft/channel/node_box.ts",
    find: "return isLoan || !isSeen || offered < count",
    replace: "return !isSeen || offered < count",
    tests: ["unit/raft/channel/take_box_test.ts"],
  },
  {
    name: "along-posted-again",
    mistake: "what the node has taken along is posted once more, and burns",
    source: "promise 4",
    file: "server/tickets/lane.ts",
    find: "this.#toPost -= this.#offered - left;",
    replace: "void left;",
    tests: ["unit/server/tickets/take_along_test.ts"],
  },
  {
    name: "offer-outlives-its-clients",
    mistake: "requests that were refused are taken along all the same",
    source: "promise 4",
    file: "server/tickets/lane.ts",
    find: `    this.#withdraw();
    const posted`,
    replace: "    const posted",
    tests: ["unit/server/tickets/take_along_test.ts"],
  },
];
