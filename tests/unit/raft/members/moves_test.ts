// Which moves can be recorded together.

import assert from "node:assert/strict";
import fc from "fast-check";
import { soundMoves } from "../../../../raft/members/moves.ts";

/** Members `abc…` at these addresses. */
function membersAt(...addresses: readonly string[]) {
  const servers = addresses.map((address, i) => ({
    ...{ id: "abcdefgh"[i]!, address },
    ...{ suffrage: "voter" as const, incarnation: `${i}` },
  }));
  return { servers };
}

for (
  const [claim, wanted, expected] of [
    ["A member moves to a free address", "a 9", "a 9"],
    [
      "Three that have swapped their addresses move together",
      "a 2,b 3,c 1",
      "a 2,b 3,c 1",
    ],
    [
      "Of a swap of which one report is missing, nothing can be recorded",
      "a 2,b 3",
      "",
    ],
    ["A member does not move to where another one stays", "a 2,c 9", "c 9"],
    ["Of two that move to one address, one does", "a 9,b 9", "a 9"],
    ["A member that cannot move keeps others from its place", "a 2,c 1", ""],
    ["A node that is no member does not move", "x 9", ""],
  ] as const
) {
  Deno.test(claim, () => {
    const moves = wanted.split(",").map((each) => each.split(" "));
    const sound = soundMoves(
      membersAt("1", "2", "3"),
      new Map(moves as [string, string][]),
    );
    assert.equal([...sound].map((move) => move.join(" ")).join(), expected);
  });
}

Deno.test("Whatever is reported, no two members have one address afterwards", () => {
  const places = fc.nat({ max: 9 }).map(String);
  const inputs = fc.tuple(
    fc.uniqueArray(places, { minLength: 1, maxLength: 8 }),
    fc.array(fc.tuple(fc.constantFrom(..."abcdefgh"), places)),
  );
  fc.assert(fc.property(inputs, ([addresses, reports]) => {
    const members = membersAt(...addresses);
    const moves = soundMoves(members, new Map(reports));
    const after = members.servers.map((s) => moves.get(s.id) ?? s.address);
    assert.equal(new Set(after).size, after.length);
  }));
});
