// TICKET with a name or a block, and TICKET.…: which words they take, in which order, what is
// asked then, and what is replied. TICKET alone: `ticket_test.ts`.

import assert from "node:assert/strict";
import { resp } from "../../../lib/fakes.ts";
import { SequenceBench } from "../../../lib/sequence_bench.ts";
import { table } from "./table.ts";

const badName =
  "-ERR a sequence's name has 1 to 128 bytes of printable ASCII without spaces, and is neither COUNT nor ONCE\r\n";
const noInteger = "-ERR value is not an integer or out of range\r\n";
const syntax = "-ERR syntax error\r\n";
const once = "-ERR ONCE is not supported yet: nothing was taken\r\n";
const arity = (name: string) =>
  `-ERR wrong number of arguments for '${name}' command\r\n`;
const tooHigh = (number: bigint) =>
  `-ERR ${number} is above 9223372036854775807, where the integers of many ` +
  "clients end, and tickets never go back: add FORCE if you mean it\r\n";

Deno.test("TICKET counts each name by itself, and is `ticket` without one", () => {
  const bench = new SequenceBench();
  table(bench, [
    [resp("TICKET", "a"), "+1\r\n"],
    [resp("ticket", "a"), "+2\r\n"],
    [resp("TICKET", "A"), "+1\r\n"],
    [resp("TICKET"), "+1\r\n"],
    [resp("TICKET", "ticket"), "+2\r\n"],
    [resp("TICKET", "5"), "+1\r\n"],
    [resp("TICKET", "n".repeat(128)), "+1\r\n"],
    [resp("TICKET", "!~{order}:7"), "+1\r\n"],
  ]);
  assert.deepEqual(bench.model.lasts.get("ticket"), 2n);
});

Deno.test("A name that is none is refused with the rule, by every command, and takes nothing", () => {
  const bench = new SequenceBench();
  for (const bad of ["", "n".repeat(129), "a b", "é", "a\n", "\x7f", "\0"]) {
    for (
      const words of [
        ["TICKET", bad],
        ["TICKET", bad, "COUNT", "2"],
        ["TICKET.LAST", bad],
        ["TICKET.RAISE", bad, "7"],
        ["TICKET.RAISE", bad, "7", "FORCE"],
        ["TICKET.CREATE", bad],
        ["INCR", bad],
        ["INCRBY", bad, "2"],
        ["GET", bad],
        ["MGET", "a", bad],
        ["EXISTS", "a", bad],
        ["GETRANGE", bad, "0", "1"],
        ["OBJECT", "ENCODING", bad],
        ["MEMORY", "USAGE", bad],
        ["WATCH", "a", bad],
      ]
    ) assert.equal(bench.ask(resp(...words)), badName, JSON.stringify(words));
  }
  for (const word of ["count", "COUNT", "once", "Once"]) {
    assert.equal(bench.ask(resp("INCR", word)), badName);
    assert.equal(bench.ask(resp("TICKET.LAST", word)), badName);
    assert.equal(bench.ask(resp("TICKET.CREATE", word)), badName);
  }
  assert.deepEqual([bench.takes, bench.groups], [[], []]);
});

Deno.test("TICKET COUNT replies with the first and the last of a block", () => {
  const bench = new SequenceBench();
  const block = (first: number, last: number) => resp(`${first}`, `${last}`);
  table(bench, [
    [resp("TICKET", "COUNT", "1"), block(1, 1)],
    [resp("TICKET", "COUNT", "10"), block(2, 11)],
    [resp("TICKET", "a", "count", "1000000"), block(1, 1_000_000)],
    [resp("TICKET", "a"), "+1000001\r\n"],
  ]);
  assert.deepEqual(bench.takes.at(-2), {
    name: "a",
    ...{ count: 1_000_000, isBlock: true, isCapped: false },
  });
});

Deno.test("What fits no row of TICKET is refused, and takes nothing", () => {
  const bench = new SequenceBench();
  const cases: readonly (readonly [string, string])[] = [
    ["x y", arity("ticket")],
    ["COUNT", arity("ticket")],
    ["ONCE", arity("ticket")],
    ["a COUNT", arity("ticket")],
    ["COUNT 1 COUNT 2", arity("ticket")],
    ["ONCE a ONCE b", arity("ticket")],
    ["a b c", arity("ticket")],
    ["COUNT 1 a", arity("ticket")],
    ["a COUNT 1 b", arity("ticket")],
    ["a COUNT 1 ONCE k x", arity("ticket")],
    ["ONCE key", once],
    ["a ONCE key", once],
    ["COUNT 5 ONCE key", once],
    ["ONCE key COUNT 5", once],
    ["a COUNT 5 ONCE key", once],
    ["a ONCE key COUNT 5", once],
    ["COUNT x", noInteger],
    ["COUNT 1.5", noInteger],
    ["COUNT 01", noInteger],
    ["COUNT 99999999999999999999", noInteger],
    ["COUNT 0", "-ERR tickets only rise: COUNT takes 1 or more\r\n"],
    ["COUNT -5", "-ERR tickets only rise: COUNT takes 1 or more\r\n"],
    [
      "COUNT 1000001",
      "-ERR COUNT takes at most 1000000 numbers at once; see TICKET.RAISE to skip more\r\n",
    ],
  ];
  for (const [words, expected] of cases) {
    assert.equal(bench.ask(`TICKET ${words}\r\n`), expected, words);
  }
  assert.deepEqual(bench.takes, []);
});

Deno.test("A run of the same TICKET, or INCR, is one take, whatever its name", () => {
  const bench = new SequenceBench();
  assert.equal(bench.ask("TICKET a\r\n".repeat(3)), "+1\r\n+2\r\n+3\r\n");
  assert.equal(bench.ask("INCR a\r\n".repeat(3)), ":4\r\n:5\r\n:6\r\n");
  assert.equal(bench.ask("TICKET a\r\nTICKET b\r\n"), "+7\r\n+1\r\n");
  assert.deepEqual(bench.takes, [
    { name: "a", count: 3, isBlock: false, isCapped: false },
    { name: "a", count: 3, isBlock: false, isCapped: true },
    { name: "a", count: 1, isBlock: false, isCapped: false },
    { name: "b", count: 1, isBlock: false, isCapped: false },
  ]);
});

Deno.test("TICKET goes on to 2^64 - 1, and then says so", () => {
  const bench = new SequenceBench();
  bench.model.lasts.set("a", 2n ** 64n - 4n);
  table(bench, [
    [resp("TICKET", "a"), "+18446744073709551613\r\n"],
    [
      resp("TICKET", "a", "COUNT", "3"),
      "-ERR tickets are exhausted: fewer than 3 are left\r\n",
    ],
    [
      resp("TICKET", "a", "COUNT", "2"),
      resp("18446744073709551614", "18446744073709551615"),
    ],
    [
      resp("TICKET", "a"),
      "-ERR tickets are exhausted: 18446744073709551615 was the last\r\n",
    ],
    [resp("TICKET", "b"), "+1\r\n"],
  ]);
});

Deno.test("TICKET.LAST tells the last number given, and 0 of no sequence", () => {
  const bench = new SequenceBench();
  bench.model.lasts.set("a", 2n ** 64n - 1n);
  table(bench, [
    [resp("TICKET.LAST"), "+0\r\n"],
    [resp("TICKET.LAST", "a"), "+18446744073709551615\r\n"],
    [resp("TICKET.LAST", "b"), "+0\r\n"],
    [resp("TICKET.LAST", "a", "b"), arity("ticket.last")],
  ]);
  assert(!bench.model.lasts.has("b"), "to ask begins nothing");
});

Deno.test("TICKET.RAISE takes a name, a number and FORCE, of which only the number must be", () => {
  const bench = new SequenceBench();
  const asked: readonly (readonly [string, string, bigint])[] = [
    ["9", "ticket", 9n],
    ["9223372036854775807", "ticket", 2n ** 63n - 1n],
    ["9223372036854775808 FORCE", "ticket", 2n ** 63n],
    ["18446744073709551615 force", "ticket", 2n ** 64n - 1n],
    ["5 FORCE", "ticket", 5n],
    ["5 7", "5", 7n],
    ["orders 1000", "orders", 1000n],
    ["force 7", "force", 7n],
    ["a 9223372036854775808 FORCE", "a", 2n ** 63n],
    ["FORCE 7 FORCE", "FORCE", 7n],
  ];
  for (const [words, name, to] of asked) {
    assert.equal(bench.ask(`TICKET.RAISE ${words}\r\n`), "+OK\r\n", words);
    assert.deepEqual(bench.groups.at(-1), [{ type: "raise", name, to }], words);
  }
});

Deno.test("TICKET.RAISE to 0 only asks whether a leader is there", () => {
  const bench = new SequenceBench();
  assert.equal(bench.ask("TICKET.RAISE a 0\r\n"), "+OK\r\n");
  assert.deepEqual(bench.groups, [[{ type: "last", name: "a" }]]);
});

Deno.test("TICKET.RAISE refuses wrong arguments in the words of Redis", () => {
  const bench = new SequenceBench();
  const cases: readonly (readonly [string, string])[] = [
    ["", arity("ticket.raise")],
    ["a 1 FORCE 2", arity("ticket.raise")],
    ["-1", noInteger],
    ["1.5", noInteger],
    ["FORCE", noInteger],
    ["orders", noInteger],
    ["orders FORCE", noInteger],
    ["18446744073709551616", noInteger],
    ["a 99999999999999999999999 FORCE", noInteger],
    ["1 NOW", noInteger],
    ["a 1 NOW", syntax],
    ["9223372036854775808", tooHigh(2n ** 63n)],
    ["a 9223372036854775808", tooHigh(2n ** 63n)],
  ];
  for (const [words, expected] of cases) {
    assert.equal(bench.ask(`TICKET.RAISE ${words}\r\n`), expected, words);
  }
  assert.deepEqual(bench.groups, []);
});

Deno.test("TICKET.CREATE begins a sequence at a number, once", () => {
  const bench = new SequenceBench();
  table(bench, [
    [resp("TICKET.CREATE", "a"), "+OK\r\n"],
    [resp("TICKET", "a"), "+1\r\n"],
    [resp("TICKET.CREATE", "b", "START", "1000"), "+OK\r\n"],
    [resp("GET", "b"), "$3\r\n999\r\n"],
    [resp("INCR", "b"), ":1000\r\n"],
    [
      resp("TICKET.CREATE", "c", "start", "9223372036854775808", "force"),
      "+OK\r\n",
    ],
    [resp("TICKET", "c"), "+9223372036854775808\r\n"],
    [
      resp("TICKET.CREATE", "b", "START", "5000"),
      "-ERR sequence 'b' exists already\r\n",
    ],
    [resp("INCR", "b"), ":1001\r\n"],
  ]);
});

Deno.test("TICKET.CREATE refuses wrong arguments", () => {
  const bench = new SequenceBench();
  const cases: readonly (readonly [string, string])[] = [
    ["", arity("ticket.create")],
    ["a START 1 FORCE x", arity("ticket.create")],
    ["a START", syntax],
    ["a 7", syntax],
    ["a BEGIN 7", syntax],
    ["a START 7 NOW", syntax],
    ["a START 0", noInteger],
    ["a START -1", noInteger],
    ["a START x", noInteger],
    ["a START 18446744073709551616 FORCE", noInteger],
    ["a START 9223372036854775808", tooHigh(2n ** 63n)],
  ];
  for (const [words, expected] of cases) {
    assert.equal(bench.ask(`TICKET.CREATE ${words}\r\n`), expected, words);
  }
  assert.deepEqual(bench.groups, []);
});

Deno.test("Under TICKET.POLICY created a name that nobody created is refused", () => {
  const bench = new SequenceBench();
  const unknown = (name: string) =>
    `-ERR no sequence '${name}': the policy is 'created', see TICKET.CREATE\r\n`;
  table(bench, [
    [resp("TICKET", "a"), "+1\r\n"],
    [resp("TICKET.POLICY"), "$3\r\nany\r\n"],
    [resp("TICKET.POLICY", "CREATED"), "+OK\r\n"],
    [resp("TICKET.POLICY"), "$7\r\ncreated\r\n"],
    [resp("TICKET", "a"), "+2\r\n"],
    [resp("TICKET", "b"), unknown("b")],
    [resp("TICKET", "b", "COUNT", "5"), unknown("b")],
    [resp("INCR", "b"), unknown("b")],
    [resp("TICKET.RAISE", "b", "5"), unknown("b")],
    [resp("GET", "b"), "$-1\r\n"],
    [resp("TICKET.CREATE", "b"), "+OK\r\n"],
    [resp("TICKET", "b"), "+1\r\n"],
    [resp("TICKET.POLICY", "any"), "+OK\r\n"],
    [resp("TICKET", "c"), "+1\r\n"],
    [resp("TICKET.POLICY", "both"), "-ERR the policy is any or created\r\n"],
    [resp("TICKET.POLICY", "any", "x"), arity("ticket.policy")],
  ]);
});

Deno.test("A sequence beyond --max-sequences is refused, and nothing is done", () => {
  const bench = new SequenceBench({ sequencesMax: 1 });
  const full =
    "-ERR no sequence 'b', and no room to begin it: as many exist as --max-sequences allows\r\n";
  table(bench, [
    [resp("TICKET", "a"), "+1\r\n"],
    [resp("TICKET", "b"), full],
    [resp("INCR", "b"), full],
    [resp("TICKET.CREATE", "b"), full],
    [resp("TICKET.RAISE", "b", "5"), full],
    [resp("TICKET", "a"), "+2\r\n"],
    [resp("DBSIZE"), ":1\r\n"],
  ]);
});

Deno.test("TICKET.LIST gives names and last numbers in pages, as SCAN does", () => {
  const bench = new SequenceBench();
  for (const [at, name] of ["a", "b", "ab", "c"].entries()) {
    bench.model.lasts.set(name, BigInt(at));
  }
  const page = (next: string, ...parts: string[]) =>
    `*2\r\n$${next.length}\r\n${next}\r\n${resp(...parts)}`;
  table(bench, [
    [
      resp("TICKET.LIST"),
      page("0", "a", "0", "b", "1", "ab", "2", "c", "3"),
    ],
    [resp("TICKET.LIST", "COUNT", "2"), page("2", "a", "0", "b", "1")],
    [resp("TICKET.LIST", "2", "COUNT", "2"), page("0", "ab", "2", "c", "3")],
    [resp("TICKET.LIST", "MATCH", "a*"), page("0", "a", "0", "ab", "2")],
    [
      resp("TICKET.LIST", "1", "match", "a*", "count", "2"),
      page("3", "ab", "2"),
    ],
    [resp("TICKET.LIST", "99"), page("0")],
    [resp("TICKET.LIST", "99999999999999999999"), page("0")],
    [resp("TICKET.LIST", "x"), "-ERR invalid cursor\r\n"],
    [resp("TICKET.LIST", "-1"), "-ERR invalid cursor\r\n"],
    [resp("TICKET.LIST", "COUNT"), syntax],
    [resp("TICKET.LIST", "0", "COUNT"), syntax],
    [resp("TICKET.LIST", "0", "COUNT", "0"), syntax],
    [resp("TICKET.LIST", "0", "COUNT", "x"), noInteger],
    [resp("TICKET.LIST", "0", "TYPE", "string"), syntax],
    [
      resp("TICKET.LIST", "0", "COUNT", "1", "MATCH", "x", "y"),
      arity("ticket.list"),
    ],
  ]);
});
