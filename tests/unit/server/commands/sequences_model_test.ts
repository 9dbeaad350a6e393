// All commands about sequences against a Map: whatever clients pipeline, and whenever the node
// answers, each reply is the one that the commands have one after the other. With MULTI, whose
// group is carried out at once or not at all.

import assert from "node:assert/strict";
import fc from "fast-check";
import { resp } from "../../../lib/fakes.ts";
import { ReplyModel } from "../../../lib/reply_model.ts";
import { SequenceBench } from "../../../lib/sequence_bench.ts";

const names = fc.constantFrom("a", "b", "ab", "ticket", "7", "high");
const counts = fc.constantFrom("1", "2", "10", "1000000", "0", "-1", "x");
const raises = fc.constantFrom(
  ..."0 1 5 100 9223372036854775800 9223372036854775807 x".split(" "),
);
const high = fc.constantFrom(2n ** 63n, 2n ** 64n - 3n, 2n ** 64n).map(String);
const globs = fc.constantFrom("*", "a*", "?", "[^a]", "none");

const command: fc.Arbitrary<readonly string[]> = fc.oneof(
  fc.constant(["TICKET"]),
  fc.tuple(fc.constant("TICKET"), names),
  fc.tuple(fc.constant("TICKET"), names, fc.constant("COUNT"), counts),
  fc.tuple(fc.constant("TICKET"), fc.constant("COUNT"), counts),
  fc.tuple(fc.constant("INCR"), names),
  fc.tuple(fc.constant("INCRBY"), names, counts),
  fc.tuple(fc.constantFrom("GET", "TICKET.LAST", "TYPE", "TTL"), names),
  fc.tuple(fc.constantFrom("MGET", "EXISTS"), names, names),
  fc.tuple(fc.constant("TICKET.RAISE"), names, raises),
  fc.tuple(fc.constant("TICKET.RAISE"), names, high, fc.constant("FORCE")),
  fc.tuple(fc.constant("TICKET.CREATE"), names),
  fc.tuple(
    fc.constant("TICKET.CREATE"),
    names,
    fc.constant("START"),
    raises,
  ),
  fc.tuple(fc.constant("TICKET.POLICY"), fc.constantFrom("any", "created")),
  fc.constant(["TICKET.POLICY"]),
  fc.tuple(fc.constant("TICKET.LIST"), fc.constant("MATCH"), globs),
  fc.tuple(fc.constant("SCAN"), fc.constant("0"), fc.constant("MATCH"), globs),
  fc.tuple(fc.constant("KEYS"), globs),
  fc.constant(["DBSIZE"]),
  fc.constant(["PING"]),
  fc.tuple(fc.constantFrom("SET", "DECRBY"), names, fc.constant("1")),
  { weight: 4, arbitrary: fc.constant(["MULTI"]) },
  { weight: 4, arbitrary: fc.constant(["EXEC"]) },
  fc.constantFrom(["DISCARD"], ["UNWATCH"]),
  { weight: 2, arbitrary: fc.tuple(fc.constant("WATCH"), names) },
);

/** Commands of a client in one packet, and how many answers the node gives behind it. */
const packets = fc.array(
  fc.record({
    commands: fc.array(command, { minLength: 1, maxLength: 12 }),
    answers: fc.nat(6),
  }),
  { minLength: 1, maxLength: 8 },
);

Deno.test("Commands in any pipeline reply as one after the other over a Map", () => {
  fc.assert(
    fc.property(packets, (packets) => {
      const bench = new SequenceBench({ sequencesMax: 5 });
      const model = new ReplyModel({ sequencesMax: 5 });
      let expected = "";
      for (const { commands, answers } of packets) {
        bench.client.send(commands.map((words) => resp(...words)).join(""));
        for (let i = 0; i < answers; i++) bench.answer();
        expected += commands.map((words) => model.reply(words)).join("");
      }
      bench.settle();
      assert.equal(bench.client.received(), expected);
      assert.deepEqual([...bench.model.lasts], [...model.lasts]);
    }),
    { numRuns: 600 },
  );
});

Deno.test("They do so in whatever order a leader answers takes and groups", () => {
  const random = fc.record({
    commands: fc.array(command, { minLength: 1, maxLength: 30 }),
    picks: fc.array(fc.nat(9), { maxLength: 60 }),
  });
  fc.assert(
    fc.property(random, ({ commands, picks }) => {
      const bench = new SequenceBench();
      const model = new ReplyModel({ sequencesMax: 1000 });
      // Which of two new names comes first is nobody's promise.
      for (const name of ["a", "b", "ab", "ticket", "7", "high"]) {
        bench.ask(resp("INCR", name));
        model.reply(["INCR", name]);
      }
      bench.client.send(commands.map((words) => resp(...words)).join(""));
      for (const pick of picks) bench.answer(pick);
      bench.settle();
      const expected = commands.map((words) => model.reply(words)).join("");
      assert.equal(bench.client.received(), expected);
    }),
    { numRuns: 1500 },
  );
});

Deno.test("Two clients that wait for each reply see one order, and WATCH sees the other's changes", () => {
  const turns = fc.array(fc.tuple(fc.boolean(), command), { maxLength: 40 });
  fc.assert(
    fc.property(turns, (turns) => {
      const bench = new SequenceBench({ sequencesMax: 5 });
      const model = new ReplyModel({ sequencesMax: 5 });
      const clients = [bench.client, bench.connect()] as const;
      const views = [model, model.another()] as const;
      for (const [isSecond, words] of turns) {
        const at = isSecond ? 1 : 0;
        assert.equal(
          clients[at].ask(resp(...words)),
          views[at].reply(words),
          words.join(" "),
        );
      }
    }),
    { numRuns: 300 },
  );
});
