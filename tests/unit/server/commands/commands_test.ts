// The command table as a whole.

import assert from "node:assert/strict";
import { commands } from "../../../../server/commands/commands.ts";
import { Bench, resp } from "../../../lib/fakes.ts";
import { table } from "./table.ts";

Deno.test("HELP, which an unknown subcommand is told to try, lists the subcommands", () => {
  const bench = new Bench();
  for (const { name, subcommands } of commands) {
    if (subcommands === undefined) continue;
    const shown = name.toUpperCase();
    const unknown = bench.ask(resp(name, "Foo"));
    assert(unknown.endsWith(` Try ${shown} HELP.\r\n`));
    const help = bench.ask(resp(name, "help"));
    assert(help.startsWith(`*${2 * subcommands.length + 3}\r\n+${shown} `));
    for (const { name } of subcommands) {
      assert(help.includes(`\r\n+${name.toUpperCase()}\r\n+    `), name);
    }
    assert.equal(
      bench.ask(resp(name, "HELP", "x")),
      `-ERR wrong number of arguments for '${name}|help' command\r\n`,
    );
  }
});

Deno.test("COMMAND and its subcommands describe the table", () => {
  const bench = new Bench();
  const count = commands.filter((command) => command.help).length;
  table(bench, [
    [resp("COMMAND"), "*0\r\n"],
    [resp("COMMAND", "COUNT"), `:${count}\r\n`],
    [
      resp("COMMAND", "INFO", "mget", "nosuch", "raft.addvoter", "post"),
      "*4\r\n*6\r\n$4\r\nmget\r\n:-2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:-1\r\n:1\r\n$-1\r\n" +
      "*6\r\n$13\r\nraft.addvoter\r\n:-3\r\n*0\r\n:0\r\n:0\r\n:0\r\n$-1\r\n",
    ],
    [resp("COMMAND", "GETKEYS", "MGET", "a", "b"), resp("a", "b")],
    [resp("COMMAND", "GETKEYS", "INCRBY", "a", "5"), resp("a")],
    [resp("COMMAND", "GETKEYS", "OBJECT", "ENCODING", "a"), resp("a")],
    [
      resp("COMMAND", "GETKEYS", "PING"),
      "-ERR The command has no key arguments\r\n",
    ],
    [
      resp("COMMAND", "GETKEYS", "NOSUCH", "a"),
      "-ERR Invalid command specified\r\n",
    ],
    ...["MGET", "INCR a b", "OBJECT ENCODING"].map((
      words,
    ): [string, string] => [
      resp("COMMAND", "GETKEYS", ...words.split(" ")),
      "-ERR Invalid number of arguments specified for command\r\n",
    ]),
    [
      resp("COMMAND", "DOCS", "ping", "nosuch"),
      "*2\r\n$4\r\nping\r\n" +
      resp(
        "summary",
        "PONG, or the message",
        "since",
        "0.1.0",
        "group",
        "ticketd",
      ),
    ],
  ]);
  const docs = bench.ask(resp("COMMAND", "DOCS"));
  assert(docs.startsWith(`*${count * 2}\r\n`));
});

Deno.test("Every command of the table replies exactly once", () => {
  for (const { name, arguments: [least], help } of commands) {
    if (help === undefined) continue;
    const bench = new Bench();
    const words = Array.from({ length: least }, () => "1");
    const replies = bench.ask(resp(name, ...words) + resp("PING"));
    if (name === "quit") assert.equal(replies, "+OK\r\n");
    else if (name === "multi") assert.equal(replies, "+OK\r\n+QUEUED\r\n");
    else assert.match(replies, /^[^]+\r\n\+PONG\r\n$/, name);
  }
});

Deno.test("A visitor may look and manage, and asks for no number in any way", () => {
  const flagsOf = (name: string) =>
    commands.find((row) => row.name === name)!.flags ?? [];
  for (const name of ["ticket", "incr", "incrby", "multi", "exec", "watch"]) {
    assert(!flagsOf(name).includes("for-visitors"), name);
  }
  for (const name of ["get", "scan", "ticket.last", "ticket.raise", "info"]) {
    assert(flagsOf(name).includes("for-visitors"), name);
  }
});

Deno.test("A name is found among all commands in a time that does not grow with them", () => {
  const lengths = Map.groupBy(commands, ({ name }) => name.length);
  for (const [length, rows] of lengths) {
    assert(rows.length <= 24, `${rows.length} names of ${length} letters`);
  }
  assert.equal(lengths.get(6)![0]!.name, "ticket", "it is compared first");
});
