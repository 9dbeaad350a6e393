// The texts of proposals and drafts: what is written is read back, and nothing else is read.

import assert from "node:assert/strict";
import {
  type Draft,
  draftText,
  names,
  parseDraft,
  parseProposal,
  type Proposal,
  proposalText,
  serversOf,
  withAccepted,
} from "../../../../raft/members/proposal.ts";

const proposal: Proposal = {
  cluster: "c".repeat(32),
  founders: [
    { id: "1", address: "a:1", incarnation: "1".repeat(16) },
    { id: "10", address: ":2", incarnation: "2".repeat(16) },
    { id: "2", address: "[::1]:3", incarnation: "3".repeat(16) },
  ],
};
const draft: Draft = {
  node: "10",
  incarnation: "2".repeat(16),
  accepted: undefined,
  former: [],
};

Deno.test("A proposal is read back from its text, and from no other", () => {
  const text = proposalText(proposal);
  assert.deepEqual(parseProposal(text), proposal);
  const [cluster, ...words] = text.split(" ");
  const wrong = [
    "",
    cluster!,
    text.slice(1),
    `${text} `,
    `${text} x`,
    text.toUpperCase(),
    text.replace("a:1", "a:0"),
    text.replace("a:1", "a"),
    text.replace(" 10 ", " 3 "), // out of order
    text.replace(" 10 ", " 1 "), // twice
    text.replace(" 10 ", " / "),
    [cluster, ...words.slice(0, 3)].join(" "), // one founder
    [
      cluster,
      ...Array.from({ length: 10 }, (_, i) => `${i} a:1 ${"0".repeat(16)}`),
    ].join(" "),
  ];
  for (const one of wrong) assert.equal(parseProposal(one), undefined, one);
});

Deno.test("A draft is read back from its text, and from no other", () => {
  const accepted = { ...draft, accepted: proposal };
  const again = withAccepted(accepted, {
    ...proposal,
    cluster: "d".repeat(32),
  });
  assert.deepEqual(again?.former, [proposal]);
  const begun = { ...accepted, hasLog: true };
  for (const one of [draft, accepted, again, begun]) {
    const text = draftText(one!);
    assert.deepEqual(parseDraft(text), one);
    for (
      const wrong of [
        text.slice(0, -1),
        `${text}\n`,
        text.replace("node", "Node"),
        `${text}x`,
        text.replace("accepted", "former"),
        text.replace(/2222/, "222"),
      ]
    ) {
      if (wrong !== text) assert.equal(parseDraft(wrong), undefined, wrong);
    }
  }
});

Deno.test("A draft keeps every proposal that it has accepted, up to a limit", () => {
  let kept: Draft | undefined = draft;
  for (let i = 0; i < 17; i++) {
    const cluster = `${i}`.padStart(32, "0");
    kept = withAccepted(kept!, { ...proposal, cluster });
    assert.equal(kept?.accepted?.cluster, cluster);
    assert.equal(kept?.former.length, i);
  }
  assert.equal(withAccepted(kept!, proposal), undefined);
});

Deno.test("A proposal names a disk by id and incarnation, and makes every founder a voter", () => {
  assert(names(proposal, draft));
  assert(!names(proposal, { ...draft, node: "1" }));
  assert(!names(proposal, { ...draft, incarnation: "1".repeat(16) }));
  const servers = serversOf(proposal);
  assert.deepEqual(servers.map(({ suffrage }) => suffrage), [
    "voter",
    "voter",
    "voter",
  ]);
});
