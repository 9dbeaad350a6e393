// Mistakes of takes, put back: from the dispenser over the forwarding node to the leader.

import type { Mutant } from "./mutant.ts";

const dispenser = "server/dispenser.ts";
const takes = "raft/takes.ts";
const served = "raft/served_takes.ts";
const proposals = "raft/proposals.ts";

export const takesMutants: readonly Mutant[] = [
  {
    name: "last-come-first-served",
    mistake: "the numbers of a take are handed out from the end",
    source: "PITFALLS 32",
    file: dispenser,
    find: `      left -= part;
      client.granted(last - BigInt(left), part);`,
    replace: `      client.granted(last - BigInt(count - left), part);
      left -= part;`,
    tests: ["server/dispenser_test.ts"],
  },
  {
    name: "given-twice",
    mistake: "two clients of one take get the same numbers",
    source: "promise 1",
    file: dispenser,
    find: `      left -= part;
      client.granted(last - BigInt(left), part);`,
    replace: `      client.granted(last - BigInt(left - left), part);`,
    tests: ["server/dispenser_test.ts"],
  },
  {
    name: "anothers-entry-taken",
    mistake: "a node answers a take with what another leader put in its place",
    source: "PITFALLS 19",
    file: proposals,
    find: "if (proposal?.term !== term) return;",
    replace: "if (proposal === undefined) return;",
    tests: ["raft/node_test.ts"],
  },
  {
    name: "lost-leadership-untold",
    mistake: "takes of a lost term are never answered",
    source: "PITFALLS 32",
    file: proposals,
    find: '      settle("leadership-lost");\n    }\n  }\n\n  /** The node ends',
    replace: "    }\n  }\n\n  /** The node ends",
    tests: ["raft/node_test.ts"],
  },
  {
    name: "refused-out-of-turn",
    mistake: "a refusal overtakes the takes that were asked before it",
    source: "PITFALLS 31",
    file: takes,
    find:
      'this.#takes.push({ count, state: "waiting", outcome: "not-leader" });',
    replace: 'this.#answer(count, "not-leader");',
    tests: ["raft/node_test.ts"],
  },
  {
    name: "rest-not-refused",
    mistake: "who asks beyond the last number is not told about the rest",
    source: "PITFALLS 32",
    file: takes,
    find: 'post({ type: "refused", count: wanted - count, reason });',
    replace: "void reason;",
    tests: ["raft/node_test.ts"],
  },
  {
    name: "take-not-sent-again",
    mistake: "a forwarded take that is lost on its way is waited for for ever",
    source: "promise 5",
    file: takes,
    find: "      this.#options.send(state.message);\n    }\n  }",
    replace: "    }\n  }",
    tests: ["raft/takes_test.ts"],
  },
  {
    name: "take-sent-anew",
    mistake: "a take that is sent again has another id, and is executed twice",
    source: "promise 4",
    file: takes,
    find: "      this.#options.send(state.message);\n    }\n  }",
    replace:
      "      this.#options.send({ ...state.message, id: ++this.#lastId });\n    }\n  }",
    tests: ["raft/takes_test.ts"],
  },
  {
    name: "answer-of-another-life",
    mistake: "an answer to a former life's take is taken for an answer to ours",
    source: "PITFALLS 31",
    file: takes,
    find: "if (life !== this.#life || take?.outcome !== undefined) return;",
    replace: "if (take?.outcome !== undefined) return;",
    tests: ["raft/takes_test.ts"],
  },
  {
    name: "old-leader-waited-for",
    mistake: "a take is left with a leader that another has replaced",
    source: "promise 5",
    file: takes,
    find:
      "return leaderId !== undefined && (leaderId !== to || currentTerm !== term);",
    replace: "return leaderId !== undefined && currentTerm < term;",
    tests: ["raft/takes_test.ts"],
  },
  {
    name: "turned-away-at-once",
    mistake: "a node that does not lead is asked again and again in one tick",
    source: "PITFALLS 24",
    file: takes,
    find: "if (away?.id === to && away.term === term) return;",
    replace: "if (away?.id === to && away.term > term) return;",
    tests: ["raft/takes_test.ts"],
  },
  {
    name: "executed-twice",
    mistake: "a take that comes twice is executed twice",
    source: "promise 4",
    file: served,
    find: "if (known !== undefined) {",
    replace: "if (known !== undefined && known.take.count < 0) {",
    tests: ["raft/takes_test.ts"],
  },
  {
    name: "answer-forgotten",
    mistake: "a take whose answer was lost is not answered again",
    source: "promise 5",
    file: served,
    find:
      "if (known.response !== undefined && isSame) this.#send(known.response);",
    replace: "if (isSame) return;",
    tests: ["raft/takes_test.ts"],
  },
  {
    name: "late-term-executed",
    mistake:
      "a leader executes takes that were meant for a former term of its own",
    source: "promise 4",
    file: served,
    find: 'if (role !== "leader" || take.term !== currentTerm) {',
    replace: 'if (role !== "leader") {',
    tests: ["raft/takes_test.ts"],
  },
  {
    name: "hand-over-forgets",
    mistake: "takes that come during a hand-over are never answered",
    source: "promise 5",
    file: served,
    find: "if (!this.#advance(served)) this.#waiting.push(served);",
    replace: "this.#advance(served);",
    tests: ["raft/takes_test.ts"],
  },
  {
    name: "asked-again-behind",
    mistake: "a take that is asked again gets in line behind who came later",
    source: "PITFALLS 32",
    file: dispenser,
    find: "    this.#settlePosted(count);\n    this.#toPost += count;",
    replace:
      "    this.#settlePosted(count);\n    const front = this.#askers.shift();\n    if (front !== undefined) this.#askers.push(front);\n    this.#toPost += count;",
    tests: ["server/dispenser_test.ts"],
  },
  {
    name: "never-asked-again",
    mistake: "a take that was refused is forgotten, and its askers wait",
    source: "promise 5",
    file: dispenser,
    find: "    this.#settlePosted(count);\n    this.#toPost += count;",
    replace: "    this.#settlePosted(count);",
    tests: ["server/dispenser_test.ts"],
  },
  {
    name: "late-numbers-passed-on",
    mistake:
      "numbers taken for somebody whose time was up go to who asked later",
    source: "PITFALLS 31",
    file: dispenser,
    find:
      "    if (posted > 0) {\n      this.#askers.unshift({ client: nobody, count: posted, since });\n    }",
    replace: "    this.#askers.push({ client: nobody, count: posted, since });",
    tests: ["server/dispenser_test.ts"],
  },
  {
    name: "waits-for-ever",
    mistake: "a request without a leader is never told so",
    source: "promise 5",
    file: dispenser,
    find: "      if (asker.since > since) break;",
    replace: "      if (asker.since >= 0) break;",
    tests: ["server/dispenser_test.ts"],
  },
  {
    name: "waiting-without-bound",
    mistake: "whoever comes while there is no leader is let in",
    source: "PITFALLS 33",
    file: dispenser,
    find: "      this.#askers.size < askersMax;",
    replace: "      this.#askers.size < 2 ** 40;",
    tests: ["server/dispenser_test.ts"],
  },
  {
    name: "refusal-stops-the-rest",
    mistake: "after an answer nothing is asked until somebody comes",
    source: "promise 5",
    file: dispenser,
    find: "    this.#postAll();\n    while (count > 0) {",
    replace: "    while (count > 0) {",
    tests: ["server/dispenser_test.ts"],
  },
  {
    name: "answer-not-awaited",
    mistake: "a leader that handed over is not left the time to answer",
    source: "promise 4",
    file: "raft/takes.ts",
    find:
      "return overTicks >= answerTicks || !this.#options.reaches(message.to);",
    replace: "return overTicks >= 0 || !this.#options.reaches(message.to);",
    tests: ["raft/takes_test.ts"],
  },
  {
    name: "dead-leader-awaited",
    mistake: "a leader to whom no connection is left is waited for",
    source: "promise 5",
    file: "raft/takes.ts",
    find:
      "return overTicks >= answerTicks || !this.#options.reaches(message.to);",
    replace: "return overTicks >= 100 * answerTicks;",
    tests: ["raft/takes_test.ts"],
  },
  {
    name: "waits-a-part-too-short",
    mistake: "a request is given up before its time is up",
    source: "promise 5",
    file: "server/dispenser.ts",
    find: "this.#ticks - ticksPerTimeout - 1,",
    replace: "this.#ticks - ticksPerTimeout,",
    tests: ["server/dispenser_test.ts"],
  },
  {
    name: "stop-without-a-word",
    mistake: "who waits for an answer of the node at a stop is cut off",
    source: "PITFALLS 32",
    file: "server/raft_link.ts",
    find: 'callback({ type: "error", text: "the node is stopping" });',
    replace: "void callback;",
    tests: ["server/raft_link_test.ts"],
  },
];
