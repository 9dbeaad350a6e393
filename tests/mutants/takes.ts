// Mistakes of takes, put back: from the dispenser over the forwarding node to the leader.

import type { Mutant } from "./mutant.ts";

const dispenser = "server/tickets/dispenser.ts";
const takes = "raft/tickets/own_takes.ts";
const served = "raft/tickets/served_takes.ts";

export const takesMutants: readonly Mutant[] = [
  {
    name: "last-come-first-served",
    mistake: "the numbers of a take are handed out from the end",
    source: "PITFALLS 32",
    file: "server/tickets/lane.ts",
    find: `      left -= part;
      client.granted(left > 0 ? end - BigInt(left) : end, part);`,
    replace: `      client.granted(end - BigInt(due + early - left), part);
      left -= part;`,
    tests: ["unit/server/tickets/dispenser_test.ts"],
  },
  {
    name: "given-twice",
    mistake: "two clients of one take get the same numbers",
    source: "promise 1",
    file: "server/tickets/lane.ts",
    find: `      left -= part;
      client.granted(left > 0 ? end - BigInt(left) : end, part);`,
    replace: "      client.granted(end - BigInt(left - left), part);",
    tests: ["unit/server/tickets/dispenser_test.ts"],
  },
  {
    name: "take-not-sent-again",
    mistake: "a forwarded take that is lost on its way is waited for for ever",
    source: "promise 5",
    file: "raft/tickets/forwarded_takes.ts",
    find: "      this.#options.send(forwarded.message);\n",
    replace: "",
    tests: ["unit/raft/tickets/own_takes_test.ts"],
  },
  {
    name: "take-sent-anew",
    mistake: "a take that is sent again has another id, and is executed twice",
    source: "promise 4",
    file: "raft/tickets/forwarded_takes.ts",
    find: "      this.#options.send(forwarded.message);\n",
    replace:
      "      this.#options.send({ ...forwarded.message, id: ++this.#lastId });\n",
    tests: ["unit/raft/tickets/own_takes_test.ts"],
  },
  {
    name: "answer-of-another-life",
    mistake: "an answer to a former life's take is taken for an answer to ours",
    source: "PITFALLS 31",
    file: "raft/tickets/forwarded_takes.ts",
    find: "if (forwarded === undefined || process !== this.#process) return;",
    replace: "if (forwarded === undefined || process < 0) return;",
    tests: ["unit/raft/tickets/own_takes_test.ts"],
  },
  {
    name: "old-leader-waited-for",
    mistake: "a take is left with a leader that another has replaced",
    source: "promise 5",
    file: "raft/tickets/forwarded_takes.ts",
    find:
      "return leaderId !== undefined && (leaderId !== to || currentTerm !== term);",
    replace: "return leaderId !== undefined && currentTerm < term;",
    tests: ["unit/raft/tickets/own_takes_test.ts"],
  },
  {
    name: "turned-away-at-once",
    mistake: "a node that does not lead is asked again and again in one tick",
    source: "PITFALLS 24",
    file: "raft/tickets/forwarded_takes.ts",
    find: "      refuser.term === currentTerm;\n",
    replace: "      refuser.term > currentTerm;\n",
    tests: ["unit/raft/tickets/own_takes_test.ts"],
  },
  {
    name: "executed-twice",
    mistake: "a take that comes twice is executed twice",
    source: "promise 4",
    file: served,
    find: "    process.remembered.set(take.id, served);\n",
    replace: "",
    tests: ["unit/raft/tickets/own_takes_test.ts"],
  },
  {
    name: "answer-forgotten",
    mistake: "a take whose answer was lost is not answered again",
    source: "promise 5",
    file: served,
    find:
      "if (isSame && answers.length > 0) this.#respond(served, [...answers]);",
    replace: "if (isSame) return;",
    tests: ["unit/raft/tickets/own_takes_test.ts"],
  },
  {
    name: "late-term-executed",
    mistake:
      "a leader executes takes that were meant for a former term of its own",
    source: "promise 4",
    file: served,
    find: 'if (role !== "leader" || term !== currentTerm) {',
    replace: 'if (role !== "leader") {',
    tests: ["unit/raft/tickets/own_takes_test.ts"],
  },
  {
    name: "hand-over-forgets",
    mistake: "takes that come during a hand-over are never answered",
    source: "promise 5",
    file: served,
    find: "if (!this.#advance(served)) this.#waiting.push(served);",
    replace: "this.#advance(served);",
    tests: ["unit/raft/tickets/own_takes_test.ts"],
  },
  {
    name: "never-asked-again",
    mistake: "a take that was refused is forgotten, and its askers wait",
    source: "promise 5",
    file: "server/tickets/lane.ts",
    find: `  #askAgain(count: number): void {
    this.#toPost += count;`,
    replace: "  #askAgain(count: number): void {",
    tests: ["unit/server/tickets/dispenser_test.ts"],
  },
  {
    name: "late-numbers-passed-on",
    mistake:
      "numbers taken for somebody whose time was up go to who asked later",
    source: "PITFALLS 31",
    file: "server/tickets/askers.ts",
    find: "      this.#queue.unshift({ ...asker",
    replace: "      this.#queue.push({ ...asker",
    tests: ["unit/server/tickets/dispenser_test.ts"],
  },
  {
    name: "waits-for-ever",
    mistake: "a request without a leader is never told so",
    source: "promise 5",
    file: "server/tickets/askers.ts",
    find: "      if (asker.since > since) break;",
    replace: "      if (asker.since >= 0) break;",
    tests: ["unit/server/tickets/dispenser_test.ts"],
  },
  {
    name: "waiting-without-bound",
    mistake: "whoever comes while there is no leader is let in",
    source: "PITFALLS 33",
    file: dispenser,
    find: "    return askers < askersMax &&",
    replace: "    return askers < 2 ** 40 * askersMax &&",
    tests: ["unit/server/tickets/dispenser_test.ts"],
  },
  {
    name: "refusal-stops-the-rest",
    mistake: "after an answer nothing is asked until somebody comes",
    source: "promise 5",
    file: "server/tickets/lane.ts",
    find: `    if (!isPart) this.#post();
`,
    replace: "",
    tests: ["unit/server/tickets/dispenser_test.ts"],
  },
  {
    name: "answer-not-awaited",
    mistake: "a leader that handed over is not left the time to answer",
    source: "promise 4",
    file: "raft/tickets/forwarded_takes.ts",
    find:
      "return overTicks >= answerTicks || !this.#options.reaches(message.to);",
    replace: "return overTicks >= 0 || !this.#options.reaches(message.to);",
    tests: ["unit/raft/tickets/own_takes_test.ts"],
  },
  {
    name: "dead-leader-awaited",
    mistake: "a leader to whom no connection is left is waited for",
    source: "promise 5",
    file: "raft/tickets/forwarded_takes.ts",
    find:
      "return overTicks >= answerTicks || !this.#options.reaches(message.to);",
    replace: "return overTicks >= 100 * answerTicks;",
    tests: ["unit/raft/tickets/own_takes_test.ts"],
  },
  {
    name: "waits-a-part-too-short",
    mistake: "a request is given up before its time is up",
    source: "promise 5",
    file: "server/tickets/lane.ts",
    find: "ticks - ticksPerTimeout - 1,",
    replace: "ticks - ticksPerTimeout,",
    tests: ["unit/server/tickets/dispenser_test.ts"],
  },
  {
    name: "broken-and-dealing",
    mistake: "a dispenser that fails goes on, and may deal a number twice",
    source: "promise 1",
    file: dispenser,
    find: "may deal a number twice.\n      this.#options.broken?.(error);\n",
    replace: "may deal a number twice.\n",
    tests: ["unit/server/tickets/dispenser_test.ts"],
  },
  {
    name: "stop-without-a-word",
    mistake: "who waits for an answer of the node at a stop is cut off",
    source: "PITFALLS 32",
    file: "server/tickets/raft_link.ts",
    find: "      callback(stopping);\n    }",
    replace: "      void callback;\n    }",
    tests: ["unit/server/tickets/raft_link_test.ts"],
  },
  {
    name: "half-an-answer-in-the-box",
    mistake: "half an answer passes through the box as a whole one",
    source: "PITFALLS 31",
    file: "raft/channel/node_box.ts",
    find:
      `assert(count >= this.#box.get(slot, word.wanted), "half an answer");`,
    replace: "",
    tests: ["unit/raft/channel/take_box_test.ts"],
  },
  {
    name: "box-forgets-the-past",
    mistake: "what was asked before the node listened is never answered",
    source: "promise 5",
    file: "raft/channel/box_memory.ts",
    find: "let seen = begin;",
    replace: "let seen = this.#words[counter]!;",
    tests: ["unit/raft/channel/take_box_test.ts"],
  },
  {
    name: "box-stops-at-31-bits",
    mistake: "after two thousand million takes nobody is answered any more",
    source: "promise 5",
    file: "raft/channel/box_memory.ts",
    find: "Atomics.load(this.#words, counter) !== seen;",
    replace: "Atomics.load(this.#words, counter) > seen;",
    tests: ["unit/raft/channel/take_box_test.ts"],
  },
  {
    name: "newest-door-answered",
    mistake: "numbers go to the isolate whose door was opened last",
    source: "PITFALLS 31",
    file: "raft/channel/doors.ts",
    find: "const door = this.#all[id];",
    replace: "const door = this.#all.at(-1 + 0 * id);",
    tests: ["unit/raft/channel/doors_test.ts"],
  },
  {
    name: "admins-of-doors-crossed",
    mistake: "two isolates that use one id get each other's answers",
    source: "PITFALLS 31",
    file: "raft/channel/doors.ts",
    find: "const id = ++this.#lastId;",
    replace: "const id = this.#lastId = asked.id;",
    tests: ["unit/raft/channel/doors_test.ts"],
  },
  {
    name: "any-door-stops-the-node",
    mistake: "an isolate that only serves clients can stop the node",
    source: "decisions, Clients",
    file: "raft/channel/doors.ts",
    find: "assert(fromOthers.includes(type),",
    replace: `assert(fromOthers.includes(type) || type !== "start",`,
    tests: ["unit/raft/channel/doors_test.ts"],
  },
  {
    name: "answered-executed-again",
    mistake:
      "a take that comes again after its answer was heard is executed again",
    source: "promise 4",
    file: served,
    find:
      "    if (take.id <= process.answered) return; // a former one, which was late\n",
    replace: "",
    tests: [
      "unit/raft/tickets/served_takes_test.ts",
      "unit/raft/tickets/own_takes_test.ts",
    ],
  },
  {
    name: "busy-process-forgotten",
    mistake:
      "processes that come and go make a leader forget one that asks, and take for it twice",
    source: "promise 4",
    file: served,
    find: "    this.#processes.delete(name); // it comes last\n",
    replace: "    if (known !== undefined) return known;\n",
    tests: ["unit/raft/tickets/served_takes_test.ts"],
  },
  {
    name: "parts-without-a-bound",
    mistake: "another node makes a leader remember millions of parts of takes",
    source: "PITFALLS 33",
    file: served,
    find: "rememberedMax || parts > partsMax;",
    replace: "rememberedMax;",
    tests: ["unit/raft/tickets/served_takes_test.ts"],
  },
  {
    name: "never-forgotten",
    mistake: "a leader remembers every take of another node for ever",
    source: "PITFALLS 33",
    file: served,
    find: "      process.remembered.delete(id);\n",
    replace: "",
    tests: ["unit/raft/tickets/served_takes_test.ts"],
  },
  {
    name: "answered-too-early",
    mistake:
      "a node says that takes are answered which are not, and never gets their answers",
    source: "promise 5",
    file: "raft/tickets/forwarded_takes.ts",
    find: "      answered: oldest - 1,\n",
    replace: "      answered: id - 1,\n",
    tests: ["unit/raft/tickets/many_sequences_test.ts"],
  },
  {
    name: "answered-once-for-all-parts",
    mistake: "a part that was settled later than the others is never answered",
    source: "promise 5",
    file: "raft/tickets/forwarded_takes.ts",
    find:
      "    if (--forwarded.open === 0) this.#underWay.delete(forwarded.message.id);\n",
    replace: "    this.#underWay.delete(forwarded.message.id);\n",
    tests: ["unit/raft/tickets/many_sequences_test.ts"],
  },
  {
    name: "part-answered-twice",
    mistake: "an answer that comes twice is given to clients twice",
    source: "promise 1",
    file: "raft/tickets/forwarded_takes.ts",
    find: "    forwarded.takes[at] = undefined;\n",
    replace: "",
    tests: [
      "unit/raft/tickets/many_sequences_test.ts",
      "unit/raft/tickets/own_takes_test.ts",
    ],
  },
  {
    name: "forwarded-one-by-one",
    mistake:
      "each take that waits for a leader goes to it in a message of its own",
    source: "decisions, Takes are forwarded",
    file: "raft/tickets/forwarded_takes.ts",
    find: "      fits = countThatFits(takes, from);\n",
    replace: "      fits = 1;\n",
    tests: ["unit/raft/tickets/many_sequences_test.ts"],
  },
  {
    name: "take-beyond-a-frame",
    mistake:
      "a take of many sequences is larger than a frame, and never arrives",
    source: "promise 5",
    file: "raft/tickets/forwarded_takes.ts",
    find:
      "if (bytes > takeBytesMax || at - from === takePartsMax) return at - from;",
    replace: "if (at - from === takePartsMax) return at - from;",
    tests: ["unit/raft/tickets/many_sequences_test.ts"],
  },
  {
    name: "refused-as-lost",
    mistake:
      "a client that asked for a name that nobody created is told that the leader is lost",
    source: "PITFALLS 31",
    file: "raft/tickets/forwarded_takes.ts",
    find:
      '    if (refusal !== undefined && refusal !== "lost") return refusal;\n',
    replace: "",
    tests: ["unit/raft/tickets/many_sequences_test.ts"],
  },
  {
    name: "waits-for-other-sequences",
    mistake:
      "takes of one isolate are answered in the order in which they came, whatever sequence they are of",
    source: "promise 5",
    file: takes,
    find:
      "    this.#forwarded.pump();\n    if (this.#settled.length === 0) return;\n",
    replace:
      "    this.#forwarded.pump();\n    if (this.#settled.length === 0 || this.#forwarded.isWaiting) return;\n",
    tests: ["unit/raft/tickets/many_sequences_test.ts"],
  },
];
