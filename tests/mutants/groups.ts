// Mutants of groups of operations: their bytes, their order, the leader's half, and what becomes
// of them when a leader is lost.

import type { Mutant } from "./mutant.ts";

const led = "raft/tickets/groups_led.ts";
const batch = "raft/tickets/group_batch.ts";
const traits = "raft/tickets/group_traits.ts";
const served = "raft/tickets/groups_served.ts";
const asked = "raft/tickets/groups_asked.ts";
const reads = "raft/tickets/group_reads.ts";
const codec = "raft/channel/operation_codec.ts";
const text = "raft/channel/text_table.ts";
const ledTest = "unit/raft/tickets/groups_led_test.ts";
const askedTest = "unit/raft/tickets/groups_asked_test.ts";
const batchTest = "unit/raft/tickets/group_batch_test.ts";
const modelTest = "unit/raft/tickets/groups_model_test.ts";
const raiseTest = "unit/raft/tickets/raise_test.ts";
const codecTest = "unit/raft/channel/operation_codec_test.ts";

export const groupsMutants: readonly Mutant[] = [
  {
    name: "given-up-and-carried-out",
    mistake:
      "commands that were given up are carried out, a commit each, before those that are waited for",
    source: "promise 5",
    file: "raft/tickets/reserve.ts",
    find: '      if (claim.isWanted?.() === false) return { type: "lost" };\n',
    replace: "",
    tests: ["unit/raft/tickets/claims_test.ts"],
  },
  {
    name: "given-up-and-asked-again",
    mistake: "a group whose time was up is asked for again when its term ends",
    source: "PITFALLS 31",
    file: "raft/tickets/group_batch.ts",
    find: "    if (this.isWanted(placed)) this.#again.push(placed);\n",
    replace: "    this.#again.push(placed);\n",
    tests: ["unit/raft/tickets/group_batch_test.ts"],
  },
  {
    name: "name-begun-behind-a-question",
    mistake: "a GET shows 0 of a sequence that only a later INCR begins",
    source: "promise 2",
    file: led,
    find: `        operation.type === "check" ||
        operation.type === "last" && this.#lastOf(operation.name) === undefined
`,
    replace: `        operation.type === "check"
`,
    tests: [ledTest],
  },
  {
    name: "group-leaves-a-sequence",
    mistake: "a group that is refused leaves a sequence that it has begun",
    source: "README, Sequences",
    file: led,
    find: "if (isOneTake || !this.#beginsAny(parts)) return undefined;",
    replace: "if (isOneTake || parts.length > 0) return undefined;",
    tests: [ledTest],
  },
  {
    name: "large-group-leaves-sequences",
    mistake:
      "a group too large for one entry is refused, and leaves sequences that it has begun",
    source: "README, Sequences",
    file: led,
    find: "      if (!fitsCommand(takes)) return tooLarge;\n",
    replace: "      if (!fitsCommand(takes)) return undefined;\n",
    tests: [ledTest],
  },
  {
    name: "raise-over-a-loan",
    mistake:
      "a raise believes that lent numbers are given, and they come back below it",
    source: "OPERATING, The number of the next ticket",
    file: led,
    find: `operation.type === "raise" && !this.#passes(operation) &&
      this.#options.isLoanBack(operation.name)`,
    replace: `operation.type === "raise" && !this.#passes(operation)`,
    tests: [raiseTest],
  },
  {
    name: "raise-of-a-former-term",
    mistake:
      "a new leader says that numbers are passed which a return brings back",
    source: "thesis 6.4",
    file: led,
    find: `    if (log.termAt(log.lastApplied) !== currentTerm) return false;
`,
    replace: `    void [log, currentTerm];
`,
    tests: [askedTest],
  },
  {
    name: "watched-and-changed",
    mistake: "EXEC is carried out though a watched sequence has changed",
    source: "README, Sequences",
    file: led,
    find: "if (command === undefined && view.lastOf(name) !== last) {",
    replace: "if (command !== undefined && view.lastOf(name) !== last) {",
    tests: [ledTest],
  },
  {
    name: "group-takes-twice",
    mistake: "two takes of one group give the same numbers",
    source: "promise 1",
    file: led,
    find: `          lasts[place] = last;
`,
    replace: "",
    tests: [ledTest],
  },
  {
    name: "refused-at-a-part",
    mistake: "the error of EXEC names another command than the one that failed",
    source: "README, Sequences",
    file: led,
    find: "at: isOfPart ? this.#firstUnfit(led, at) : at,",
    replace: "at,",
    tests: [ledTest],
  },
  {
    name: "raise-without-a-word",
    mistake: "the log does not say why numbers were passed over",
    source: "OPERATING, The reasons in the log",
    file: led,
    find:
      `    for (const { name, to } of led.raises ?? []) this.#options.raised(name, to);
`,
    replace: `    void led.raises;
`,
    tests: [raiseTest],
  },
  {
    name: "list-sees-what-follows",
    mistake: "a list in a group shows what the group takes after it",
    source: "README, Sequences",
    file: led,
    find: `    if (isMixed) return true;
`,
    replace: `    if (isMixed) return false;
`,
    tests: [modelTest],
  },
  {
    name: "list-overtakes",
    mistake: "a list behind a CREATE of its message does not show it",
    source: "README, Sequences",
    file: batch,
    find: `return order === this.#order && order !== "alone";`,
    replace: "return true;",
    tests: [batchTest, askedTest],
  },
  {
    name: "again-at-once",
    mistake: "groups that are asked again are overtaken by those behind them",
    source: "promise 2",
    file: batch,
    find: `    if (this.#again.length > 0) return false;
`,
    replace: "",
    tests: [batchTest],
  },
  {
    name: "again-in-any-order",
    mistake: "groups that are asked again change places",
    source: "promise 2",
    file: batch,
    find: `
      .sort((a, b) => a.at - b.at);`,
    replace: ";",
    tests: [batchTest],
  },
  {
    name: "lost-create-done-again",
    mistake:
      "a CREATE whose leader was lost is done again, and finds its own sequence",
    source: "PITFALLS 31",
    file: traits,
    find: "isRepeatable: onlyRaises || !isLogged,",
    replace: "isRepeatable: true,",
    tests: [askedTest],
  },
  {
    name: "group-said-undone",
    mistake: "an error says that nothing was done of what a leader has had",
    source: "PITFALLS 31",
    file: traits,
    find: "  if (!isTried) return",
    replace: "  if (isTried || !isTried) return",
    tests: [batchTest, askedTest],
  },
  {
    name: "forward-done-twice",
    mistake: "groups that are sent again are carried out again",
    source: "promise 3",
    file: served,
    find: "const known = process.remembered.get(id);",
    replace: "const known: Served | undefined = process.remembered.get(-1);",
    tests: [askedTest],
  },
  {
    name: "forward-of-long-ago",
    mistake: "a message that the network held back undoes a later policy",
    source: "README, Sequences",
    file: served,
    find: `    if (id <= process.newest) return true;
`,
    replace: "",
    tests: [askedTest],
  },
  {
    name: "forward-of-another-isolate",
    mistake:
      "a group whose message was lost is forgotten because other isolates have asked since",
    source: "promise 5",
    file: asked,
    find: "const process = this.#process + asked.door;",
    replace: "const process = this.#process;",
    tests: [askedTest],
  },
  {
    name: "forward-of-another-term",
    mistake:
      "groups of which the client knows nothing any more are carried out",
    source: "PITFALLS 31",
    file: served,
    find: `if (role === "leader" && term === currentTerm) {`,
    replace: `if (role === "leader" && term <= currentTerm) {`,
    tests: [askedTest],
  },
  {
    name: "groups-of-a-lost-leader",
    mistake:
      "groups that were forwarded to a lost leader are never asked again",
    source: "promise 5",
    file: asked,
    find: "if (placed.traits.isRepeatable) batch.again(placed);",
    replace: "if (!placed.traits) batch.again(placed);",
    tests: [askedTest],
  },
  {
    name: "groups-lost-on-the-way",
    mistake: "groups that were lost on their way are not sent again",
    source: "promise 5",
    file: asked,
    find: `        this.#send(forwarded);
`,
    replace: "",
    tests: [askedTest],
  },
  {
    name: "groups-for-ever",
    mistake: "groups without a leader wait for ever",
    source: "promise 5",
    file: asked,
    find: "if (--asked.ticksLeft <= 0) {",
    replace: "if (--asked.ticksLeft <= -1e9) {",
    tests: [askedTest],
  },
  {
    name: "groups-forwarded-in-spite",
    mistake:
      "a node that may not forward forwards what takes numbers in an EXEC",
    source: "README, Usage",
    file: asked,
    find: `if (this.#options.forward !== "yes") this.#refuseTakes(batch);`,
    replace: "",
    tests: [askedTest],
  },
  {
    name: "misfit-believed",
    mistake: "an answer of another kind than the question reaches a client",
    source: "PITFALLS 41",
    file: asked,
    find:
      `(isWhole ? fitsGroup(placed.group, outcome) : outcome.type === "error")`,
    replace: `(isWhole || outcome.type === "error")`,
    tests: [askedTest],
  },
  {
    name: "size-with-two-encodings",
    mistake: "a size is read from more bytes than it needs",
    source: "CONTRIBUTING, How the code reads",
    file: text,
    find: `  if (byte === 0) reader.fail("a size with a byte too many");
`,
    replace: "",
    tests: [codecTest],
  },
  {
    name: "name-with-two-places",
    mistake: "a name that stands twice in a message is read",
    source: "CONTRIBUTING, How the code reads",
    file: text,
    find:
      `    if (this.#numbers.has(text)) reader.fail("a text with two numbers");
`,
    replace: "",
    tests: [codecTest],
  },
  {
    name: "name-of-another-node",
    mistake: "a name that no client could send comes from another node",
    source: "PITFALLS 36",
    file: text,
    find:
      `    if (!isSound(text)) reader.fail(\`\${JSON.stringify(text)} does not fit\`);
`,
    replace: `    void isSound;
`,
    tests: [codecTest],
  },
  {
    name: "answers-without-a-bound",
    mistake: "another node asks for more pages than an answer can hold",
    source: "PITFALLS 33",
    file: codec,
    find:
      `  if (weight > weightMax) reader.fail(\`groups of weight \${weight}\`);
`,
    replace: "",
    tests: [codecTest],
  },
  {
    name: "page-without-end",
    mistake: "a page of a list is longer than a message can hold",
    source: "PITFALLS 37",
    file: reads,
    find: `      bytes += sequenceBytes(sequence[0]);
`,
    replace: `      bytes += 0 * sequenceBytes(sequence[0]);
`,
    tests: [ledTest],
  },
];
