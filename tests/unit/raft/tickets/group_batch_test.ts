// The order of the groups of one message: which may be under way together, and what happens to
// those that have to be asked again.

import assert from "node:assert/strict";
import fc from "fast-check";
import type {
  Group,
  GroupOutcome,
} from "../../../../raft/channel/operations.ts";
import { Batch, type Placed } from "../../../../raft/tickets/group_batch.ts";
import { doubtOf, traitsOf } from "../../../../raft/tickets/group_traits.ts";
import {
  check,
  create,
  group,
  last,
  list,
  raiseTo,
  take,
} from "../../../lib/groups.ts";

const ok: GroupOutcome = { type: "done", results: [{ type: "done" }] };

/** Begins with all that may begin; their positions. */
function begun(batch: Batch): Placed[] {
  const begun: Placed[] = [];
  assert(batch.begin((placed) => {
    begun.push(placed);
    return true;
  }));
  return begun;
}

function positions(placed: readonly Placed[]): number[] {
  return placed.map(({ at }) => at);
}

const policy: Group = [{ type: "set-policy", policy: "created" }];

Deno.test("Groups that name sequences are under way together", () => {
  const batch = new Batch([[take("a")], [last("b")], [raiseTo("a", 9n)]]);
  assert.deepEqual(positions(begun(batch)), [0, 1, 2]);
});

Deno.test("A list waits for the groups before it, and those behind it wait for the list", () => {
  const batch = new Batch([[create("a")], [list()], [list()], [take("a")]]);
  const [first] = begun(batch);
  assert.deepEqual(begun(batch), []);
  batch.answer(first!, ok);
  const lists = begun(batch);
  assert.deepEqual(positions(lists), [1, 2]);
  batch.answer(lists[0]!, ok);
  assert.deepEqual(begun(batch), []);
  batch.answer(lists[1]!, ok);
  assert.deepEqual(positions(begun(batch)), [3]);
});

Deno.test("A policy is set alone: names of groups beside it begin before it, or after it", () => {
  const batch = new Batch([[take("a")], policy, policy, [take("b")]]);
  for (let at = 0; at < 4; at++) {
    const [one, ...others] = begun(batch);
    assert.equal(one!.at, at);
    assert.deepEqual(others, []);
    batch.answer(one!, ok);
  }
  assert(batch.isAnswered);
});

Deno.test("A group that is refused for now holds back those behind it", () => {
  const batch = new Batch([[take("a")], [take("b")], [take("c")]]);
  const asked: number[] = [];
  assert(!batch.begin(({ at }) => asked.push(at) < 2));
  assert.deepEqual(asked, [0, 1]);
  assert.deepEqual(positions(batch.waiting), [1, 2]);
  assert.deepEqual(positions(begun(batch)), [1, 2]);
});

Deno.test("Groups that are asked again wait for all under way, and keep their order", () => {
  const batch = new Batch([0, 1, 2, 3, 4].map(() => [take("a")]));
  const asked: Placed[] = [];
  batch.begin((placed) => asked.push(placed) <= 4);
  const [a, b, c, d] = asked;
  batch.again(d!);
  batch.answer(a!, ok);
  batch.again(b!);
  assert.deepEqual(begun(batch), [], "one is under way");
  assert.deepEqual(batch.waiting.map(({ at }) => at), [4]);
  batch.answer(c!, ok);
  assert.deepEqual(positions(begun(batch)), [1, 3, 4]);
});

Deno.test("An outcome that comes after the time is up changes nothing", () => {
  const batch = new Batch([[take("a")], [take("b")]]);
  const [first, second] = begun(batch);
  batch.answer(first!, ok);
  batch.settleAll(() => ({ type: "not-leader" }));
  assert(batch.isAnswered);
  batch.answer(second!, ok);
  assert.deepEqual(batch.outcomes, [ok, { type: "not-leader" }]);
});

Deno.test("A group whose time is up is not begun again when its leader is lost", () => {
  const batch = new Batch([[take("a")], [take("b")]]);
  const [first, second] = begun(batch);
  assert(batch.isWanted(first!));
  batch.settleAll(() => ok);
  assert(!batch.isWanted(first!));
  batch.again(first!);
  batch.again(second!);
  assert.deepEqual(begun(batch), []);
});

Deno.test("A group is answered within the call that begins it", () => {
  const batch = new Batch([[take("a")], [list()], [take("b")]]);
  batch.begin((placed) => {
    batch.answer(placed, ok);
    return true;
  });
  assert(batch.isAnswered);
  assert(!batch.isUnderWay);
});

Deno.test("Each group gets its outcome, whatever has to be asked again", () => {
  const run = fc.record({
    groups: fc.array(group, { minLength: 1, maxLength: 8 }),
    steps: fc.infiniteStream(fc.nat(3)),
  });
  fc.assert(fc.property(run, ({ groups, steps }) => {
    const batch = new Batch(groups);
    const underWay: Placed[] = [];
    const answered: number[] = [];
    for (let left = 1000; !batch.isAnswered; left--) {
      assert(left > 0, "it does not come to its end");
      batch.begin((placed) => {
        underWay.push(placed);
        return steps.next().value !== 0;
      });
      // The last one was not begun, if `ask` said no to it.
      if (batch.waiting[0] === underWay.at(-1)) underWay.pop();
      for (const one of underWay) {
        for (const other of underWay) {
          if (one === other) continue;
          assert.equal(one.traits.order, other.traits.order);
          assert.notEqual(one.traits.order, "alone");
        }
        // Nothing before it waits that it might have to wait for.
        for (const { at } of batch.waiting) assert(at > one.at);
      }
      const step = steps.next().value;
      const [placed] = underWay.splice(step % (underWay.length || 1), 1);
      if (placed === undefined) continue;
      if (step === 3) batch.again(placed);
      else {
        answered.push(placed.at);
        batch.answer(placed, ok);
      }
    }
    assert.equal(new Set(answered).size, groups.length);
    assert.equal(answered.length, groups.length);
  }));
});

const traits: readonly (readonly [Group, string])[] = [
  [[last("a"), check("a", 1n)], "reads, again, named"],
  [[{ type: "size" }, list()], "reads, again, reads-all"],
  [[take("a"), last("b"), check("a", undefined)], "takes, again, named"],
  [[take("a"), { type: "policy" }], "takes, again, alone"],
  [[raiseTo("a", 1n), raiseTo("b", 1n)], "raises, again, named"],
  [[raiseTo("a", 1n), last("a")], "once, named"],
  [[check("a", 1n), raiseTo("a", 2n)], "once, named"],
  [[take("a"), raiseTo("a", 2n)], "takes, once, named"],
  [[create("a")], "once, named"],
  [policy, "once, alone"],
];

for (const [group, expected] of traits) {
  const shown = group.map(({ type }) => type).join(", ");
  Deno.test(`A group of ${shown} is asked for as ${expected}`, () => {
    const { takes, onlyReads, onlyRaises, isRepeatable, order } = traitsOf(
      group,
    );
    const words = [
      ...takes ? ["takes"] : [],
      ...onlyReads ? ["reads"] : [],
      ...onlyRaises ? ["raises"] : [],
      isRepeatable ? "again" : "once",
      order,
    ];
    assert.equal(words.join(", "), expected);
  });
}

Deno.test("An error never says that a group was not done which a leader has had (PITFALLS 31)", () => {
  const texts = traits.map(([group]) => doubtOf(traitsOf(group), true));
  for (const text of texts) assert.doesNotMatch(text, /nothing/);
  assert.equal(doubtOf(traitsOf([create("a")]), false), "; nothing was done");
  assert.equal(doubtOf(traitsOf([last("a")]), true), "");
});
