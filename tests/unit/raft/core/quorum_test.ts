// Majority arithmetic, against the definition counted out by hand.

import assert from "node:assert/strict";
import {
  committedIndex,
  majority,
  voteResult,
} from "../../../../raft/core/quorum.ts";

Deno.test("majority(): any two majorities share a server, and no smaller number does that", () => {
  for (let count = 1; count <= 9; count++) {
    assert(2 * majority(count) > count);
    assert(2 * (majority(count) - 1) <= count);
  }
});

Deno.test("committedIndex() is the highest index that a majority has reached", () => {
  const cases: [number[], number][] = [
    [[], 0],
    [[7], 7],
    [[7, 0], 0],
    [[7, 5], 5],
    [[9, 5, 0], 5],
    [[5, 5, 9], 5],
    [[1, 2, 3, 4], 2],
    [[4, 4, 4, 1], 4],
    [[5, 1, 4, 2, 3], 3],
  ];
  for (const [indexes, expected] of cases) {
    assert.equal(committedIndex(indexes), expected, String(indexes));
  }
});

Deno.test("committedIndex() agrees with counting for all small clusters", () => {
  for (let size = 1; size <= 5; size++) {
    for (let code = 0; code < 4 ** size; code++) {
      const indexes = Array.from(
        { length: size },
        (_, i) => Math.floor(code / 4 ** i) % 4,
      );
      const expected = [3, 2, 1, 0].find((index) =>
        2 * indexes.filter((match) => match >= index).length > size
      );
      assert.equal(committedIndex(indexes), expected, String(indexes));
    }
  }
});

Deno.test("committedIndex() leaves its argument as it was", () => {
  const indexes = [1, 3, 2];
  committedIndex(indexes);
  assert.deepEqual(indexes, [1, 3, 2]);
});

Deno.test("voteResult() is won by a majority, lost when none is possible, else pending", () => {
  const cases: [string, string, string][] = [
    ["a", "", "pending"],
    ["a", "a+", "won"],
    ["a", "a-", "lost"],
    ["ab", "a+", "pending"],
    ["ab", "a+ b-", "lost"],
    ["ab", "a+ b+", "won"],
    ["abc", "a+ b-", "pending"],
    ["abc", "a+ b+", "won"],
    ["abc", "a- b-", "lost"],
    ["abcd", "a+ b+", "pending"],
    ["abcd", "a+ b+ c- d-", "lost"],
    ["abcd", "a- b-", "lost"],
    ["abcde", "a+ b+ c- d-", "pending"],
    ["abcde", "a+ b+ c- d- e+", "won"],
  ];
  for (const [voters, text, expected] of cases) {
    const votes = new Map(
      text.split(" ").filter(Boolean).map((v) => [v[0]!, v[1] === "+"]),
    );
    assert.equal(
      voteResult([...voters], votes),
      expected,
      `${voters}: ${text}`,
    );
  }
});

Deno.test("voteResult() does not count servers without a vote", () => {
  const votes = new Map([["a", true], ["x", true], ["y", true], ["z", true]]);
  assert.equal(voteResult(["a", "b", "c"], votes), "pending");
});

Deno.test("voteResult() lets nobody win an empty configuration", () => {
  assert.notEqual(voteResult([], new Map([["a", true]])), "won");
});
