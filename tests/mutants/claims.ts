// Mistakes of claims on the numbers of several sequences, put back: their order, what each gets,
// commands between them, refusals, and the bounds over all sequences. Not here: one sequence
// (`reserve.ts`), and its loan (`lending.ts`).

import type { Mutant } from "./mutant.ts";

const reserve = "raft/tickets/reserve.ts";
const holdings = "raft/tickets/holdings.ts";
const supply = "raft/tickets/supply.ts";

export const claimsMutants: readonly Mutant[] = [
  {
    name: "last-of-the-machine",
    mistake: "TICKET.LAST counts numbers in hand as given",
    source: "OPERATING, The number of the next ticket",
    file: reserve,
    find:
      "return isInHand ? hand.next - 1n : this.#options.machine.last(name);",
    replace: "void isInHand;\n    return this.#options.machine.last(name);",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "last-forgets-what-returns",
    mistake: "TICKET.LAST is above numbers that are on their way back",
    source: "OPERATING, The number of the next ticket",
    file: reserve,
    find: "(hand.left > 0 || hand.returning > 0);",
    replace: "hand.left > 0;",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "cold-holds-up-hot",
    mistake: "a claim waits while the log takes numbers, of whatever sequence",
    source: "promise 5",
    file: reserve,
    find: "    if (claim.isProposed) return undefined;",
    replace:
      "    if (claim.isProposed || [...this.#hands.all].some(({ taking }) => taking > 0)) return undefined;",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "settled-out-of-turn",
    mistake: "a claim that came later is settled before one that waits",
    source: "promise 2",
    file: reserve,
    find:
      "    for (const hand of hands) if (hand.front !== claim) return undefined;\n",
    replace: "",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "one-entry-for-each",
    mistake:
      "every sequence that lacks numbers takes them in an entry of its own",
    source: "decisions, Numbers are taken ahead",
    file: supply,
    find: "    for (const hand of this.#touched) {",
    replace: "    for (const hand of this.#touched.slice(0, 1)) {",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "half-a-claim",
    mistake:
      "a claim over several sequences is settled when one of them has numbers",
    source: "promise 2",
    file: "raft/tickets/give.ts",
    find: "    if (count > left) isLacking = true;\n",
    replace: "    if (count > left) isLacking = at === 0;\n",
    tests: [
      "unit/raft/tickets/claims_test.ts",
      "unit/raft/tickets/claims_model_test.ts",
    ],
  },
  {
    name: "command-before-what-is-taken",
    mistake:
      "a command enters the log behind an entry whose numbers are given after it",
    source: "promise 2",
    file: reserve,
    find: "    if (hands.some(({ taking }) => taking > 0)) return;\n",
    replace: "",
    tests: [
      "unit/raft/tickets/claims_test.ts",
      "unit/raft/tickets/claims_model_test.ts",
    ],
  },
  {
    name: "command-keeps-the-hand",
    mistake: "what is in hand before a command is given after it",
    source: "promise 2",
    file: reserve,
    find: "      hands.filter(({ left }) => left > 0),\n",
    replace: "      [],\n",
    tests: [
      "unit/raft/tickets/claims_test.ts",
      "unit/raft/tickets/claims_model_test.ts",
    ],
  },
  {
    name: "judged-again",
    mistake: "a check looks again at numbers that its own claim has waited for",
    source: "decisions, Groups",
    file: reserve,
    find: "if (claim.judge === undefined || claim.isJudged) return undefined;",
    replace:
      "if (claim.judge === undefined) return undefined;\n    claim.isJudged = false;",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "taken-before-it-is-judged",
    mistake: "numbers are taken for a claim that a check may refuse",
    source: "promise 4",
    file: "raft/tickets/hand.ts",
    find: "return command !== undefined || (judge !== undefined && !isJudged);",
    replace:
      "return command !== undefined || (judge !== undefined && isJudged && false);",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "read-of-a-former-term",
    mistake: "a new leader answers before it has applied what the last one did",
    source: "thesis 6.4",
    file: reserve,
    find: "    if (claim.isReader && !this.#isStateOurs) {",
    replace: "    if (claim.isReader && this.#term < 0) {",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "refused-unconfirmed",
    mistake:
      "a leader that was replaced refuses a name that its successor has begun",
    source: "PITFALLS 19",
    file: reserve,
    find:
      "    if (claim.round > this.#raft.confirmedRound) return undefined;\n    if (claim.verdict !== undefined) return claim.verdict;\n",
    replace:
      "    if (claim.verdict !== undefined) return claim.verdict;\n    if (claim.round > this.#raft.confirmedRound) return undefined;\n",
    tests: ["unit/raft/tickets/many_sequences_test.ts"],
  },
  {
    name: "refused-for-anothers-sake",
    mistake: "near the end a claim is refused because others asked for more",
    source: "promise 3",
    file: supply,
    find:
      "  const isExact = exactFor !== undefined && hand.front === exactFor &&\n",
    replace:
      "  const isExact = hand.front !== undefined || hand.front === exactFor &&\n",
    tests: [
      "unit/raft/tickets/claims_test.ts",
      "unit/raft/tickets/claims_model_test.ts",
    ],
  },
  {
    name: "asks-for-the-refused",
    mistake:
      "what the log refuses is asked for again and again, ahead of demand",
    source: "PITFALLS 24",
    file: supply,
    find: "      hand.isCareful = true;\n",
    replace: "      hand.isCareful = hand.left < 0;\n",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "refused-one-by-one",
    mistake:
      "of those who wait for a name that is none, only the first is told",
    source: "promise 5",
    file: supply,
    find:
      "    return hand.takers.filter((claim) => partOf(claim, hand).count > 0);\n",
    replace:
      "    return hand.takers.filter((claim) => partOf(claim, hand).count > 0).slice(0, 1);\n",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "refused-behind-its-creation",
    mistake:
      "a claim behind the command that creates its name is refused with those before",
    source: "promise 5",
    file: "raft/tickets/hand.ts",
    find: "    const end = barrier < 0 ? this.#claims.length : barrier;\n",
    replace:
      "    const end = barrier < 0 ? this.#claims.length : barrier + 99;\n",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "above-the-integer",
    mistake: "INCR is given a number that its client cannot hold",
    source: "README, Sequences",
    file: "raft/tickets/give.ts",
    find: "      next + BigInt(count) - 1n > int64Max;\n",
    replace: "      next > int64Max;\n",
    tests: [
      "unit/raft/tickets/claims_test.ts",
      "unit/raft/tickets/claims_model_test.ts",
    ],
  },
  {
    name: "capped-beyond-the-cap",
    mistake: "the log gives INCR numbers that its client cannot hold",
    source: "README, Sequences",
    file: "raft/tickets/hand.ts",
    find: "      if (count > 0 && isCapped) return true;\n",
    replace: "      if (count < 0 && isCapped) return true;\n",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "lent-above-the-integer",
    mistake: "main is lent numbers that INCR must not give",
    source: "README, Sequences",
    file: "raft/tickets/give.ts",
    find: "const mayLend = hand.length === 1 && hand.next <= loanMax;",
    replace: "const mayLend = hand.length === 1;",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "given-beside-a-loan",
    mistake: "a claim of another node is settled while lower numbers are lent",
    source: "promise 2",
    file: reserve,
    find:
      '    if (kind !== "own" && !isLoanBack(claim, loans)) return undefined;\n',
    replace: "    void kind;\n    void isLoanBack;\n",
    tests: [
      "unit/raft/tickets/claims_test.ts",
      "unit/raft/tickets/claims_model_test.ts",
    ],
  },
  {
    name: "bound-for-each",
    mistake:
      "the numbers that a crash may burn are bounded for each sequence alone",
    source: "promise 4",
    file: holdings,
    find: "Math.min(ahead, own, unaskedMax - this.#unasked)",
    replace: "Math.min(ahead, own)",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "stock-of-all-sequences",
    mistake:
      "numbers of every sequence are taken ahead, however many there are",
    source: "promise 4",
    file: holdings,
    find:
      "    if (hand.counted.unasked === 0 && this.#stocked >= stockedMax) return 0;\n",
    replace: "",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "hands-for-ever",
    mistake: "a leader keeps something of every name that was ever asked for",
    source: "PITFALLS 33",
    file: reserve,
    find: "      if (hand.isIdle) this.#hands.drop(hand);\n      else if",
    replace: "      if",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "line-for-each-sequence",
    mistake:
      "a leader that loses its office writes a line for each of its sequences",
    source: "PITFALLS 33",
    file: reserve,
    find: '      this.#burn(size, { cause: "leadership-lost", lost });\n',
    replace:
      '      for (const one of lost) this.#burn(one.inHand.count + one.uncommitted, { cause: "leadership-lost", lost: [one] });\n',
    tests: ["unit/raft/tickets/many_sequences_test.ts"],
  },
  {
    name: "wait-for-others-uncounted",
    mistake:
      "a hand is empty before the entry that it waits for behind another's",
    source: "PITFALLS 46",
    file: supply,
    find: "hand.demand.took(this.#takingTicks + taking.waitedTicks);",
    replace: "hand.demand.took(this.#takingTicks);",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
];
