// A follower and its leader's messages, beyond the paper's sentences: which of them it takes,
// and when it must not go on.

import assert from "node:assert/strict";
import { followLeader } from "../../../../raft/core/follower.ts";
import type { AppendEntries } from "../../../../raft/core/types.ts";
import {
  appendEntries,
  command,
  commands,
  leaderOf,
  raftOf,
  sent,
  sentOf,
  snapshotAt,
  termsOf,
} from "./scene.ts";

Deno.test("A node takes no message that is meant for another or comes from itself (PITFALLS 29)", () => {
  const raft = raftOf();
  raft.step(appendEntries({ to: "c", term: 7 }));
  raft.step(appendEntries({ from: "a", term: 7 }));
  assert.equal(raft.currentTerm, 0);
  assert.deepEqual(sent(raft), []);
});

Deno.test("A prefix that is compacted away counts as equal: it is committed (paper 5.4.3)", () => {
  const raft = raftOf({ snapshot: snapshotAt(5, 2), terms: [2] });
  raft.step(appendEntries({
    term: 2,
    prevLogIndex: 2,
    prevLogTerm: 1,
    entries: [
      command(3, 1),
      command(4, 2),
      command(5, 2),
      command(6, 2),
      command(7, 2),
    ],
    leaderCommit: 7,
  }));
  assert.deepEqual(termsOf(raft), [2, 2]);
  assert.equal(raft.log.commitIndex, 7);
  assert.equal(sentOf(raft, "AppendEntriesResponse")[0]?.matchIndex, 7);
});

Deno.test("A follower does not go on beside a leader that lacks an entry which is committed here", () => {
  // A majority at durability low lost entries 2 and 3, and wrote others in their place.
  const withCommitted = () => {
    const raft = raftOf({ terms: [1, 1, 1] });
    raft.step(
      appendEntries({
        term: 1,
        prevLogIndex: 3,
        prevLogTerm: 1,
        leaderCommit: 3,
      }),
    );
    assert.equal(raft.log.commitIndex, 3);
    return raft;
  };
  const lost = /committed log is not its cluster's/;
  const stepped = (message: AppendEntries) => () =>
    withCommitted().step(message);
  assert.throws(
    stepped(appendEntries({ term: 3, prevLogIndex: 3, prevLogTerm: 2 })),
    lost,
  );
  assert.throws(
    stepped(appendEntries({
      term: 3,
      prevLogIndex: 1,
      prevLogTerm: 1,
      entries: commands([2, 2], 2),
    })),
    lost,
  );
});

Deno.test("A follower's snapshot is ahead of its leader's terms only if commits were lost", () => {
  const raft = raftOf({ snapshot: snapshotAt(100, 5), term: 5 });
  assert.throws(
    () =>
      raft.step(appendEntries({ term: 6, prevLogIndex: 150, prevLogTerm: 4 })),
    /committed log is not its cluster's/,
  );
});

Deno.test("followLeader() asserts that a leader does not follow another one of its own term", () => {
  const raft = leaderOf();
  const { currentTerm: term } = raft;
  assert.throws(
    () => followLeader(raft, appendEntries({ term })),
    /a second leader of one term was refused before/,
  );
  assert.equal(followLeader(raft, appendEntries({ term: term + 1 })), true);
  assert.equal(raft.role, "follower");
});
