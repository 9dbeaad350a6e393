// Texts of a founding: drafts from a disk, and replies to RAFT.BOOTSTRAP from any server.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Reply } from "../../base/resp_client.ts";
import { decide } from "../../raft/members/founding.ts";
import {
  memberPairs,
  readAnswer,
  waitingPairs,
} from "../../raft/members/founding_answer.ts";
import {
  type Draft,
  draftText,
  parseDraft,
  type Proposal,
} from "../../raft/members/proposal.ts";
import { decodeDraft, encodeDraft } from "../../storage/draft.ts";
import { StorageError } from "../../storage/storage.ts";
import { hostile } from "./hostile.ts";
import { type Target, target } from "./target.ts";

const hex = (digits: number) =>
  fc.constantFrom(..."012f").map((digit) => digit.repeat(digits));
const founder = fc.record({
  id: fc.constantFrom("1", "2", "3", "10", "a.b-c_d"),
  address: fc.constantFrom(":1", "h:65535", "10.0.0.1:2", "[::1]:3"),
  incarnation: hex(16),
});
const proposal: fc.Arbitrary<Proposal> = fc.record({
  cluster: hex(32),
  founders: fc.uniqueArray(founder, {
    minLength: 2,
    maxLength: 5,
    selector: ({ id }) => id,
  }).map((all) => all.toSorted((a, b) => a.id < b.id ? -1 : 1)),
});
const draft: fc.Arbitrary<Draft> = fc.record({
  node: fc.constantFrom("1", "2"),
  incarnation: hex(16),
  accepted: fc.option(proposal, { nil: undefined }),
  former: fc.array(proposal, { maxLength: 3 }),
  hasLog: fc.boolean(),
}).map((draft) =>
  draft.accepted === undefined ? { ...draft, former: [] } : draft
);
const tokens = [
  ..."node accepted former log \n : 0 ffff ticketd founding 1 é \0".split(
    " ",
  ),
  " ",
  "\n\n",
];

const drafts = target({
  name: "founding/draft",
  claim: "parseDraft() of any text gives a draft that has this text, or none",
  weight: 30,
  inputs: hostile(
    draft.map((one) => new TextEncoder().encode(draftText(one))),
    { tokens },
  ),
}, (bytes) => {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const found = parseDraft(text);
  if (found !== undefined) assert.equal(draftText(found), text);
});

const bytes = target({
  name: "founding/bytes",
  claim:
    "decodeDraft() of any bytes gives a text that has these bytes, or none",
  weight: 30,
  inputs: hostile(draft.map((one) => encodeDraft(draftText(one))), { tokens }),
}, (bytes) => {
  try {
    const text = decodeDraft(bytes, "founding");
    assert.deepEqual(encodeDraft(text), bytes);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
});

const words = fc.oneof(
  draft.map((one) =>
    waitingPairs({ draft: one, address: ":1", expect: 3 }).flat()
  ),
  fc.tuple(draft, hex(32)).map(([draft, cluster]) => {
    const { node: id } = draft;
    return memberPairs({ id, cluster, isLed: true, draft }, draft).flat();
  }),
);
const replies: fc.Arbitrary<Reply> = fc.oneof(
  words,
  fc.tuple(words, fc.nat(20), fc.string()).map(([all, at, text]) =>
    all.with(at % all.length, text)
  ),
  fc.array(fc.string(), { maxLength: 12 }),
  fc.string(),
  fc.constant(undefined),
);

const answers = target({
  name: "founding/answers",
  claim:
    "decide() after any replies of any servers founds and accepts nothing without this disk",
  weight: 30,
  inputs: fc.record({ draft, replies: fc.array(replies, { maxLength: 5 }) }),
}, ({ draft, replies }) => {
  const heard = replies.flatMap((reply) => readAnswer(reply, "h") ?? []);
  const self = { draft, address: ":1", expect: 3 };
  const decision = decide(
    self,
    heard.map(({ answer }) => answer),
    "e".repeat(32),
  );
  if (decision.type !== "found" && decision.type !== "accept") return;
  const { node: id, incarnation } = draft;
  assert(
    decision.proposal.founders.some((one) =>
      one.id === id && one.incarnation === incarnation
    ),
    "founds a cluster of others",
  );
});

export const foundingTargets: readonly Target[] = [drafts, bytes, answers];
