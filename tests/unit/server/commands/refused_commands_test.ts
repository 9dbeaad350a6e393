// What would set, lower or forget a number is refused in one clear line, and asks nobody.

import assert from "node:assert/strict";
import { refusedCommands } from "../../../../server/commands/refused_commands.ts";
import { resp } from "../../../lib/fakes.ts";
import { SequenceBench } from "../../../lib/sequence_bench.ts";

Deno.test("Each command that would not let tickets rise says so, and names TICKET.RAISE", () => {
  const bench = new SequenceBench();
  for (const { name, arguments: [least] } of refusedCommands) {
    const words = Array.from({ length: least }, () => "1");
    const shown = name.toUpperCase();
    const reply = bench.ask(resp(name, ...words));
    assert(reply.startsWith(`-ERR tickets only rise: ${shown} `), reply);
    assert.match(reply, /^-[^\r\n]{30,120}TICKET\.RAISE[^\r\n]*\r\n$/);
  }
  assert.deepEqual([bench.takes, bench.groups], [[], []]);
});

Deno.test("They are counted as Redis counts their arguments, and COMMAND names none of them", () => {
  const bench = new SequenceBench();
  const wrong = (name: string) =>
    `-ERR wrong number of arguments for '${name}' command\r\n`;
  assert.equal(bench.ask(resp("SET", "a")), wrong("set"));
  assert.equal(bench.ask(resp("DECR")), wrong("decr"));
  assert.equal(bench.ask(resp("DECR", "a", "b")), wrong("decr"));
  const docs = bench.ask(resp("COMMAND", "DOCS"));
  for (const { name } of refusedCommands) {
    assert(!docs.includes(`$${name.length}\r\n${name}\r\n`), name);
  }
});

Deno.test("The whole kind is there", () => {
  const names = new Set(refusedCommands.map(({ name }) => name));
  const kind =
    "set setex psetex setnx setrange getset getdel getex append mset msetnx decr decrby " +
    "incrbyfloat del unlink expire pexpire expireat pexpireat persist rename renamenx copy " +
    "restore flushall flushdb move swapdb";
  for (const name of kind.split(" ")) assert(names.has(name), name);
});

Deno.test("Behind MULTI one of them undoes the whole EXEC", () => {
  const bench = new SequenceBench();
  const reply = bench.ask("MULTI\r\nINCR a\r\nSET a 7\r\nEXEC\r\nGET a\r\n");
  assert.match(
    reply,
    /^\+OK\r\n\+QUEUED\r\n-ERR tickets only rise: SET [^\r]*\r\n-EXECABORT Transaction discarded because of previous errors\.\r\n\$-1\r\n$/,
  );
});
