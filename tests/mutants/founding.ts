// Mistakes of nodes that found a cluster together, put back: when they agree, what they
// remember of it, and what they tell.

import type { Mutant } from "./mutant.ts";

const decision = "raft/members/founding.ts";
const answer = "raft/members/founding_answer.ts";
const shell = "raft/founding.ts";
const decisionTests = [
  "unit/raft/members/founding_test.ts",
  "unit/raft/members/founding_model_test.ts",
];
const modelTests = ["unit/raft/members/founding_model_test.ts"];
const answerTests = ["unit/raft/members/founding_answer_test.ts"];
const shellTests = ["unit/raft/founding_shell_test.ts"];
const draftTests = ["unit/storage/draft_test.ts"];
const source = "decisions, Nodes that found a cluster together";

export const foundingMutants: readonly Mutant[] = [
  {
    name: "founding-without-all",
    mistake: "a cluster is founded before all of its founders have agreed",
    source,
    file: decision,
    find:
      "return proposal.founders.every(({ id, incarnation }) => {\n    const one",
    replace:
      "return proposal.founders.slice(1).every(({ id, incarnation }) => {\n    const one",
    tests: decisionTests,
  },
  {
    name: "founding-with-a-lost-disk",
    mistake: "a disk counts as agreed because another one under its id has",
    source,
    file: decision,
    find:
      "return one?.incarnation === incarnation && one.accepted !== undefined &&",
    replace: "return incarnation !== '' && one?.accepted !== undefined &&",
    tests: decisionTests,
  },
  {
    name: "founding-forgets-former",
    mistake: "a node asks of its last proposal alone whether it gave numbers",
    source,
    file: decision,
    find: "? [] : [accepted, ...former];",
    replace: "? [] : [accepted, ...former].slice(0, 1);",
    tests: decisionTests,
  },
  {
    name: "founding-beside-a-majority",
    mistake:
      "a node agrees anew although a majority may have founded and given numbers",
    source,
    file: decision,
    find: "if (lost.length < majority) continue;",
    replace: "if (lost.length <= majority) continue;",
    tests: decisionTests,
  },
  {
    name: "founding-stuck-by-one-disk",
    mistake: "one disk lost in the middle keeps a cluster from being founded",
    source,
    file: decision,
    find: "if (lost.length < majority) continue;",
    replace: "if (lost.length < 1) continue;",
    tests: decisionTests,
  },
  {
    name: "founding-with-others",
    mistake: "a node that agreed with some nodes founds with others",
    source,
    file: decision,
    find: "if (ids !== idsOf(proposal.founders.map(({ id }) => id))) {",
    replace: "if (ids === '') {",
    tests: decisionTests,
  },
  {
    name: "founder-left-behind",
    mistake: "a founder that was down when the others founded never does",
    source,
    file: decision,
    find: "if (mayFollow(draft, id, proposal)) return {",
    replace: "if (proposal.cluster === '') return {",
    tests: decisionTests,
  },
  {
    name: "founding-of-a-former-proposal",
    mistake:
      "a node that has agreed anew founds what a disk that came back has founded",
    source,
    file: decision,
    find: "if (mayFollow(draft, id, proposal)) return {",
    replace: "if (id !== '') return {",
    tests: decisionTests,
  },
  {
    name: "founder-stuck-by-a-later-proposal",
    mistake:
      "a node that accepted what is never founded does not follow its founders",
    source,
    file: decision,
    find: "(accepted !== undefined && disk !== undefined &&",
    replace: "(accepted !== undefined && disk !== undefined && id === '' &&",
    tests: decisionTests,
  },
  {
    name: "draft-without-its-log",
    mistake: "a node that lost its log votes again under its incarnation",
    source: "PITFALLS 17",
    file: shell,
    find: "if (draft.hasLog && !hasLog) {",
    replace: "if (draft.node === '' && !hasLog) {",
    tests: shellTests,
  },
  {
    name: "draft-forgets-the-log",
    mistake: "a draft does not say that there was a log",
    source: "PITFALLS 17",
    file: shell,
    find: "await this.#keep({ ...draft, hasLog: true });",
    replace: "await this.#keep({ ...draft });",
    tests: shellTests,
  },
  {
    name: "unsound-draft-stops-a-member",
    mistake: "a member with a sound log does not start for its old draft",
    source,
    file: shell,
    find: "if (!hasLog || !(error instanceof StorageError)) throw error;",
    replace:
      "if (!(error instanceof StorageError) || error.message !== '') throw error;",
    tests: shellTests,
  },
  {
    name: "wiped-disk-founds",
    mistake: "a wiped node votes under the name of its lost disk",
    source: "PITFALLS 17",
    file: decision,
    find: "      names(proposal, draft);",
    replace:
      "      names(proposal, { ...draft, ...proposal.founders.find(({ id }) => id === draft.node) });",
    tests: decisionTests,
  },
  {
    name: "founding-beside-a-cluster",
    mistake: "nodes found a cluster although one of them has one",
    source: "PITFALLS 30",
    file: decision,
    find: "if (founded.length > 0) return followed(draft, founded);",
    replace: "if (founded.length > 1) return followed(draft, founded);",
    tests: decisionTests,
  },
  {
    name: "joins-a-dead-cluster",
    mistake: "a node binds itself to a cluster that never comes to life",
    source,
    file: decision,
    find: "const led = founded.find(({ isLed }) => isLed);",
    replace: "const led = founded.find(({ isLed }) => isLed || true);",
    tests: decisionTests,
  },
  {
    name: "founding-of-too-many",
    mistake: "more nodes than expected found two clusters",
    source,
    file: decision,
    find: "if (byId.size <= expect) return undefined;",
    replace: "if (byId.size > 0) return undefined;",
    tests: decisionTests,
  },
  {
    name: "founding-of-two-counts",
    mistake: "nodes that expect different numbers of nodes found together",
    source,
    file: decision,
    find: "if (one.expect !== expect) {",
    replace: "if (one.expect < 0) {",
    tests: decisionTests,
  },
  {
    name: "founding-of-one-id-twice",
    mistake: "two nodes with one id found a cluster, and one is forgotten",
    source: "PITFALLS 30",
    file: decision,
    find: "if ((byId.get(id) ?? incarnation) !== incarnation) {",
    replace: "if ((byId.get(id) ?? incarnation) === '') {",
    tests: decisionTests,
  },
  {
    name: "proposal-of-another-founding",
    mistake: "a node accepts a proposal that names a disk which is lost",
    source,
    file: decision,
    find: "if (proposal === undefined || !namesExactly(proposal, seen)) {",
    replace: "if (proposal === undefined) {",
    tests: decisionTests,
  },
  {
    name: "proposes-again-and-again",
    mistake:
      "the lowest node proposes anew in each round, so that none is agreed",
    source,
    file: decision,
    find:
      "if (accepted !== undefined && namesExactly(accepted, seen)) return accepted;",
    replace: "if (accepted !== undefined && seen.size === 0) return accepted;",
    tests: modelTests,
  },
  {
    name: "founding-told-to-all",
    mistake: "a member tells everybody the founders' incarnations",
    source: "THREATS, the client port",
    file: answer,
    find: "accepted?.cluster === cluster && names(accepted, asker);",
    replace: "accepted?.cluster === cluster && asker.node !== '';",
    tests: answerTests,
  },
  {
    name: "founding-of-another-cluster-told",
    mistake: "a member of one cluster tells how another was to be founded",
    source: "THREATS, the client port",
    file: answer,
    find: "accepted?.cluster === cluster && names(accepted, asker);",
    replace: "accepted !== undefined && names(accepted, asker);",
    tests: answerTests,
  },
  {
    name: "draft-told-before-durable",
    mistake: "a node tells what it may have forgotten after a crash",
    source: "PITFALLS 7",
    file: shell,
    find: `    await this.#keep(this.#draft ?? this.#newDraft());
    this.#isWaiting = true;`,
    replace: `    this.#isWaiting = true;
    await this.#keep(this.#draft ??= this.#newDraft());`,
    tests: shellTests,
  },
  {
    name: "draft-not-written-again",
    mistake: "a draft that was read back after a crash counts as durable",
    source: "PITFALLS 11",
    file: shell,
    find: "    await this.#keep(this.#draft ?? this.#newDraft());",
    replace:
      "    if (this.#draft === undefined) await this.#keep(this.#newDraft());",
    tests: shellTests,
  },
  {
    name: "lost-log-begins-again",
    mistake:
      "a directory without its log begins again under the incarnation that has voted",
    source: "PITFALLS 17",
    file: shell,
    find: "if (draft.hasLog && !hasLog) {",
    replace: "if (draft.hasLog && hasLog) {",
    tests: shellTests,
  },
  {
    name: "log-not-noted",
    mistake: "a draft does not tell that its node has voted since",
    source: "PITFALLS 17",
    file: shell,
    find: "await this.#keep({ ...draft, hasLog: true });",
    replace: "await this.#keep({ ...draft });",
    tests: shellTests,
  },
  {
    name: "founds-alone-after-all",
    mistake:
      "a node that agreed with others begins at 1 alone without the flag",
    source,
    file: "raft/resume_or_join.ts",
    find: "if (agreed !== undefined) {",
    replace: "if (agreed !== undefined && id === '') {",
    tests: shellTests,
  },
  {
    name: "alone-without-a-word",
    mistake:
      "nobody is told that a lone founder that is lost begins again at 1",
    source: "OPERATING, Founding a cluster",
    file: "raft/resume_or_join.ts",
    find: "if (isLoopback(raftListen.host)) return;",
    replace: "if (raftListen.host !== undefined) return;",
    tests: shellTests,
  },
  {
    name: "second-incarnation",
    mistake: "one directory gets two incarnations",
    source: "PITFALLS 17",
    file: "raft/resume_or_join.ts",
    find: "founding.draft?.incarnation ?? newIncarnation()",
    replace: "founding.draft?.former[0]?.cluster ?? newIncarnation()",
    tests: shellTests,
  },
  {
    name: "draft-not-synced",
    mistake: "the draft gets its name before its bytes are durable",
    source: "PITFALLS 12",
    file: "storage/wal.ts",
    find: "    yield file;\n    file.close();",
    replace: "    file.close();",
    tests: draftTests,
  },
  {
    name: "drafts-name-not-synced",
    mistake: "a power loss brings the draft before the last one back",
    source: "PITFALLS 12",
    file: "storage/wal.ts",
    find:
      "this.#files.rename(temporaryDraftName, draftName);\n    yield this.#files;",
    replace: "this.#files.rename(temporaryDraftName, draftName);",
    tests: draftTests,
  },
  {
    name: "damaged-draft-believed",
    mistake: "a flipped bit of the draft is believed",
    source: "PITFALLS 8",
    file: "storage/draft.ts",
    find: "checksum === checksumOf(text)) return text;",
    replace: "checksum !== '') return text;",
    tests: draftTests,
  },
  {
    name: "kv-draft-shared",
    mistake: "two processes keep drafts in one Deno KV store",
    source: "PITFALLS 30",
    file: "storage/kv_storage.ts",
    find: "const operation = this.#kv.atomic().check({ key, versionstamp });",
    replace:
      "const operation = versionstamp === '' ? this.#kv.atomic() : this.#kv.atomic();",
    tests: draftTests,
  },
  {
    name: "more-addresses-than-nodes",
    mistake: "two clusters may come of one list of addresses",
    source,
    file: "server/config.ts",
    find: "if (size > Number(text)) {",
    replace: "if (size > 9 * Number(text)) {",
    tests: ["unit/server/config_test.ts"],
  },
  {
    name: "tickets-refused-while-founding",
    mistake:
      "clients of a cluster that is being founded are turned away at once",
    source: "promise 5",
    file: "raft/opening.ts",
    find: "if (!this.#isOpen || this.#isReady) return false;",
    replace:
      "if (!this.#isOpen || this.#isReady || request.count > 0) return false;",
    tests: ["e2e/founding_test.ts"],
  },
];
