// Mistakes of the loan, put back: what a node alone lends to the isolate of its clients, how
// it comes back, and the box through which it passes. Not here: the reserve (`reserve.ts`).

import type { Mutant } from "./mutant.ts";

const reserve = "raft/tickets/reserve.ts";
const hand = "raft/tickets/hand.ts";
const lending = "raft/tickets/lending.ts";
const loan = "server/tickets/loan.ts";

export const lendingMutants: readonly Mutant[] = [
  {
    name: "loan-beside-the-bound",
    mistake: "what is lent is not counted among what a crash burns",
    source: "promise 4",
    file: hand,
    find:
      "return Math.max(0, this.left + this.taking - this.wanted) + this.lent;",
    replace: "return Math.max(0, this.left + this.taking - this.wanted);",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "loan-used-at-once",
    mistake: "all that was used of a loan counts as this tick's demand",
    source: "promise 4",
    file: hand,
    find: "this.demand.used(used, this.lentTicks);",
    replace: "this.demand.used(used, 0);",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "loan-thought-used",
    mistake: "a loan counts as used up when more is asked for",
    source: "promise 4",
    file: reserve,
    find: "Math.max(0, Math.floor(hand.lentLast / 2) - 1)",
    replace: "0",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "lent-in-a-cluster",
    mistake: "a leader of several lends numbers that it cannot recall in time",
    source: "promise 2",
    file: lending,
    find: "return servers.length === 1 && servers[0]?.id === id &&",
    replace: "return servers.length > 0 && id !== '' &&",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "lent-to-one-of-many",
    mistake:
      "one of several isolates gives numbers that the others have passed",
    source: "promise 2",
    file: lending,
    find: "    if (!this.#isAllowed ||",
    replace: "    if (this.#isAlone === undefined ||",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "members-change-while-lent",
    mistake: "a node joins while numbers are lent, and is given later ones",
    source: "promise 2",
    file: "raft/node_parts.ts",
    find: "mayChange: () => lending.recallAll(),",
    replace: "mayChange: () => true,",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "answers-while-recalling",
    mistake: "a take is answered with numbers that pass those not yet returned",
    source: "promise 2",
    file: "raft/tickets/own_takes.ts",
    find: "    if (this.#lending.isRecalling(request.name)) return false;\n",
    replace: "",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "lent-for-good",
    mistake: "what is lent is never recalled while nobody comes",
    source: "promise 4",
    file: lending,
    find:
      "      if (!isRecalled && this.#reserve.aheadOf(name) === 0) this.recall(name);\n",
    replace: "      void [name, isRecalled];\n",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "box-not-looked-into",
    mistake: "a recall overtakes an answer in the box, which is then given",
    source: "promise 2",
    file: "server/tickets/raft_link.ts",
    find: `        this.#lookIntoBox();
        const { last, count }`,
    replace: "        const { last, count }",
    tests: ["unit/server/tickets/raft_link_test.ts"],
  },
  {
    name: "recalled-and-kept",
    mistake: "what was given back is given to clients as well",
    source: "promise 1",
    file: loan,
    find: "    return this.take(this.#count);",
    replace: "    return { last: this.#last, count: this.#count };",
    tests: ["unit/server/tickets/dispenser_loan_test.ts"],
  },
  {
    name: "loan-before-those-who-wait",
    mistake: "surplus is kept for who comes while others still wait",
    source: "promise 2",
    file: "server/tickets/lane.ts",
    find: "const early = this.#servable(due);",
    replace: "const early = 0 * this.#servable(due);",
    tests: ["unit/server/tickets/dispenser_loan_test.ts"],
  },
  {
    name: "none-to-spare-and-silent",
    mistake: "a client that asked during a refill in vain waits for ever",
    source: "promise 5",
    file: "server/tickets/lane.ts",
    find: `    this.#loan.endRefills();
    // Clients that asked meanwhile are in no take yet.
    this.#post();`,
    replace: "    this.#loan.endRefills();",
    tests: ["unit/server/tickets/dispenser_loan_test.ts"],
  },
  {
    name: "old-loan-joined-to-new",
    mistake: "the rest of a loan is counted into one that does not follow it",
    source: "promise 1",
    file: loan,
    find: "this.#count = isNext ? this.#count + count : count;",
    replace: "this.#count += count;",
    tests: ["unit/server/tickets/loan_test.ts"],
  },
  {
    name: "loan-from-its-end",
    mistake: "the numbers of a loan are given from the end",
    source: "PITFALLS 32",
    file: loan,
    find: "return { last: this.#last - BigInt(this.#count), count: taken };",
    replace: "return { last: this.#last, count: taken };",
    tests: [
      "unit/server/tickets/loan_test.ts",
      "unit/server/tickets/dispenser_loan_test.ts",
    ],
  },
  {
    name: "lent-while-recalled",
    mistake: "what is under way when a recall begins is lent all the same",
    source: "promise 2",
    file: lending,
    find: "if (!this.#isAllowed || this.#isRecallingAll) return 0;",
    replace: "if (!this.#isAllowed) return 0;",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "refill-is-a-take",
    mistake: "a refill is passed on as a take of one ticket, which burns",
    source: "promise 4",
    file: "raft/channel/doors.ts",
    find: "        return this.#node.refill(message.name);",
    replace:
      "        return this.#node.take(door, { name: message.name, count: 1, isCapped: false, rest: 0 });",
    tests: ["unit/raft/channel/doors_test.ts"],
  },
  {
    name: "boxed-refill-is-a-take",
    mistake: "a refill in the box is taken for the last take, once more",
    source: "promise 4",
    file: "raft/channel/node_box.ts",
    find: `      if (place.kind === aRefill) return requests.refill(place.name);
`,
    replace: `      void aRefill;
`,
    tests: ["unit/raft/channel/take_box_test.ts"],
  },
  {
    name: "boxed-loan-is-an-answer",
    mistake: "what is lent through the box is dealt as the answer to a take",
    source: "promise 1",
    file: "raft/channel/take_box.ts",
    find: `      if (kind === aTake) answers.taken(name, last, count);
      else answers.lent(name, last, count);`,
    replace: `      void [kind, aTake];
      answers.taken(name, last, count);`,
    tests: ["unit/raft/channel/take_box_test.ts"],
  },
  {
    name: "refill-unanswered",
    mistake: "an isolate that is lent nothing is not told so, and asks no more",
    source: "promise 5",
    file: lending,
    find: 'return this.#post({ type: "nothing-lent", name });',
    replace: "return;",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "refill-not-noted",
    mistake: "what a refill brought is not recalled before a node joins",
    source: "promise 2",
    file: lending,
    find: "    this.lent(name, range.last);\n",
    replace: "",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "lent-past-those-who-wait",
    mistake:
      "numbers are lent while a take waits, which gets higher ones later",
    source: "promise 2",
    file: reserve,
    find: "if (hand.length > 0 || hand.next > loanMax) return undefined;",
    replace: "if (hand.next > loanMax) return undefined;",
    tests: ["unit/raft/tickets/reserve_test.ts"],
  },
  {
    name: "refill-beside-a-take",
    mistake: "two requests are under way, and the second overwrites the box",
    source: "promise 2",
    file: "server/tickets/lane.ts",
    find:
      `return isWanted && this.#underWay === "nothing" && !this.#share.isClosed;`,
    replace: "return isWanted && !this.#share.isClosed;",
    tests: ["unit/server/tickets/dispenser_loan_test.ts"],
  },
  {
    name: "spared-before-those-who-wait",
    mistake: "more than was asked for goes out while others wait for less",
    source: "promise 2",
    file: "raft/tickets/give.ts",
    find: "const mayLend = hand.length === 1 && hand.next <= loanMax;",
    replace: "const mayLend = hand.next <= loanMax;",
    tests: ["unit/raft/tickets/reserve_test.ts"],
  },
  {
    name: "spared-for-another-node",
    mistake: "what another node asks for is answered with more, which burns",
    source: "promise 4",
    file: "raft/tickets/give.ts",
    find: 'const given = kind === "own"',
    replace: 'const given = kind !== "group"',
    tests: ["unit/raft/tickets/reserve_test.ts"],
  },
  {
    name: "lent-and-not-noted",
    mistake: "numbers are lent, and nothing is recalled before a node joins",
    source: "promise 2",
    file: "raft/tickets/own_takes.ts",
    find: "      if (count > part.count) this.#lending.lent(name, last);\n",
    replace: "",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "rest-burns",
    mistake: "what comes back with a take is not given again",
    source: "promise 4",
    file: lending,
    find: "    this.#reserve.returned(name, { last, count: rest });\n",
    replace: "    void last;\n",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "loan-counted-for-ever",
    mistake:
      "a loan of which nothing comes back counts as lent, and no sequence may have numbers ahead",
    source: "README, promise 4",
    file: "raft/tickets/reserve.ts",
    find: "    hand.noteLent(0); // all that did not come back was given\n",
    replace: "",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "rest-forgets-its-loan",
    mistake:
      "what comes back with a take after the recall was answered is not given again",
    source: "promise 4",
    file: lending,
    find: "const last = loan?.last ?? this.#ended.get(name) ?? 0n;",
    replace: "const last = loan?.last ?? 0n;",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "recall-ends-with-a-take",
    mistake:
      "a take that crosses a recall ends it, and the answer is for nobody",
    source: "promise 2",
    file: lending,
    find: "    if (loan?.isRecalled === false) this.#loans.delete(name);\n",
    replace: "    this.#loans.delete(name);\n",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "one-loan-recalled-for-all",
    mistake: "when nobody comes for one sequence the loans of all are recalled",
    source: "promise 5",
    file: lending,
    find:
      "      if (!isRecalled && this.#reserve.aheadOf(name) === 0) this.recall(name);\n",
    replace:
      "      if (!isRecalled && this.#reserve.aheadOf(name) === 0) this.recallAll();\n",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
  {
    name: "recalled-and-used-up",
    mistake:
      "a take that overtakes the answer to a recall says that nothing is lent: more is taken ahead than a crash may burn",
    source: "promise 4",
    file: lending,
    find: "    if (loan?.isRecalled === true && rest === 0) return;\n",
    replace: "",
    tests: ["unit/raft/tickets/lending_test.ts"],
  },
];
