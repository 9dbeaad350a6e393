// Configurations as the log gives and takes them, and when one is sound.

import assert from "node:assert/strict";
import {
  configurationFault,
  Membership,
  votersChanged,
  withoutServer,
  withServer,
} from "../../../../raft/core/membership.ts";
import { members, server } from "./scene.ts";

Deno.test("Membership.append() puts a configuration in force at once", () => {
  const membership = new Membership(members("abc"), 0);
  membership.append(5, members("abcd"));
  assert.deepEqual(membership.voters, ["a", "b", "c", "d"]);
  assert.equal(membership.currentIndex, 5);
  assert.throws(() => membership.append(5, members("a")), /log order/);
});

Deno.test("Membership.truncate() goes back to the configuration before, and at last to the snapshot's", () => {
  const membership = new Membership(members("a"), 2);
  membership.append(5, members("ab"));
  membership.append(9, members("abc"));
  membership.truncate(10);
  assert.equal(membership.currentIndex, 9);
  membership.truncate(6);
  assert.equal(membership.currentIndex, 5);
  membership.truncate(3);
  assert.deepEqual(membership.voters, ["a"]);
});

Deno.test("Membership.at() tells what was in force at an index that is not compacted away", () => {
  const membership = new Membership(members("a"), 2);
  membership.append(5, members("ab"));
  assert.deepEqual([2, 4, 5, 99].map((i) => membership.at(i).index), [
    2,
    2,
    5,
    5,
  ]);
  assert.throws(() => membership.at(1), /compacted away/);
});

Deno.test("Membership.compact() keeps what was in force at the snapshot", () => {
  const membership = new Membership(members("a"), 0);
  membership.append(5, members("ab"));
  membership.append(9, members("abc"));
  membership.compact(7);
  assert.equal(membership.at(7).index, 5);
  assert.equal(membership.currentIndex, 9);
  membership.truncate(8);
  assert.deepEqual(membership.voters, ["a", "b"]);
});

Deno.test("Membership.restore() forgets everything before", () => {
  const membership = new Membership(members("a"), 0);
  membership.append(5, members("ab"));
  membership.restore(3, members("xyz"));
  assert.equal(membership.currentIndex, 3);
  membership.truncate(1);
  assert.deepEqual(membership.voters, ["x", "y", "z"]);
});

Deno.test("Learners are members, not voters", () => {
  const membership = new Membership(members("ab", "c"), 0);
  assert.deepEqual(membership.voters, ["a", "b"]);
  assert.equal(membership.isVoter("c"), false);
  assert.equal(membership.find("c")?.suffrage, "learner");
  assert.equal(membership.find("d"), undefined);
});

Deno.test("Membership.wasVoter() looks at the configuration before the latest", () => {
  const membership = new Membership(members("a"), 0);
  assert.equal(membership.wasVoter("a"), false, "there was none");
  membership.append(1, members("b", "a"));
  assert.equal(membership.wasVoter("a"), true);
  assert.equal(membership.wasVoter("b"), false);
});

Deno.test("votersChanged() counts voters that came and voters that went", () => {
  const cases: [string, string, string, string, number][] = [
    ["abc", "", "abc", "", 0],
    ["abc", "", "abcd", "", 1],
    ["abc", "", "ab", "", 1],
    ["abc", "", "abd", "", 2],
    ["abc", "", "ab", "c", 1],
    ["abc", "d", "abcd", "", 1],
    ["abc", "", "abc", "de", 0],
    ["", "", "abc", "", 3],
  ];
  for (const [voters, learners, nextVoters, nextLearners, expected] of cases) {
    assert.equal(
      votersChanged(
        members(voters, learners),
        members(nextVoters, nextLearners),
      ),
      expected,
      `${voters}/${learners} to ${nextVoters}/${nextLearners}`,
    );
  }
});

Deno.test("withServer() appends a new server and replaces a known one where it stands", () => {
  assert.deepEqual(withServer(members("ab"), server("c")), members("abc"));
  const demoted = withServer(members("abc"), server("b", "learner"));
  assert.deepEqual(demoted.servers.map((s) => s.id), ["a", "b", "c"]);
  assert.equal(demoted.servers[1]?.suffrage, "learner");
});

Deno.test("withoutServer() drops one, and nobody when it is not there", () => {
  assert.deepEqual(withoutServer(members("abc"), "b"), members("ac"));
  assert.deepEqual(withoutServer(members("abc"), "x"), members("abc"));
});

Deno.test("configurationFault() names what is wrong in the original's words", () => {
  const a = server("a");
  const cases: [ReturnType<typeof server>[], string | undefined][] = [
    [[a], undefined],
    [[{ ...a, id: "" }], "Empty ID in configuration: {Voter  a:1}"],
    [
      [a, { ...server("b", "learner"), address: "" }],
      "Empty address in configuration: {Nonvoter b }",
    ],
    [
      [a, { ...server("b"), address: a.address }],
      "Found duplicate address in configuration: a:1",
    ],
    [
      [server("b", "learner")],
      "Need at least one voter in configuration: {[]}",
    ],
    [[], "Need at least one voter in configuration: {[]}"],
  ];
  for (const [servers, expected] of cases) {
    assert.equal(configurationFault({ servers }), expected);
  }
});
