// The tools for a stopped node on a hundred thousand sequences with the longest names.

import assert from "node:assert/strict";
import { check } from "../../../admin/check.ts";
import { inspect } from "../../../admin/inspect.ts";
import { recover } from "../../../admin/recover.ts";
import { Machine } from "../../../raft/tickets/machine.ts";
import {
  beginning,
  commandOf,
  makeNode,
  PlayedTerminal,
  stateIn,
  toolNode,
} from "../../lib/tool_node.ts";
import { withDirectory } from "../storage/directory.ts";

const count = 100_000;

function name(i: number): string {
  return `tenant-${i}`.padEnd(128, "-");
}

/** A node whose snapshot has them, and whose log returns some numbers of many. */
async function makeLargeNode(directory: string): Promise<void> {
  const sequences = Array.from(
    { length: count },
    (_, i) => [name(i), BigInt(i)] as const,
  );
  const data = Machine.of(sequences, "created").snapshot();
  const first = {
    ...beginning,
    snapshot: { ...beginning.snapshot, data },
  };
  const entries = Array.from({ length: 30 }, (_, i) => {
    const names = Array.from({ length: 200 }, (_, j) => 1 + i * 200 + j);
    return commandOf(
      2 + i,
      ...names.map((n) => ({
        type: "return" as const,
        name: name(n),
        from: BigInt(n),
        to: 0n,
      })),
    );
  });
  await makeNode(directory, { first, entries });
}

Deno.test("check, inspect and recover know a hundred thousand sequences, and tell the first", () =>
  withDirectory(async (dir) => {
    await makeLargeNode(`${dir}/a`);
    const node = toolNode(dir);
    const ask = async (tool: typeof check, json: boolean) => {
      const terminal = new PlayedTerminal();
      assert.equal(await tool({ node, json }, terminal), 0, terminal.text);
      return terminal;
    };
    const { text } = await ask(check, false);
    assert.match(text, /^last number taken: tenant-0-+ 0, .* 99980 more$/m);
    assert.match(text, /^policy: created$/m);
    assert(text.length < 10_000);
    const report = JSON.parse((await ask(check, true)).lines[0]!);
    assert.equal(report.policy, "created");
    assert.equal(report.sequences.length, count);

    const shown = await ask(inspect, false);
    assert.match(shown.text, /policy created, last numbers: tenant-0-+ 0, /);
    assert.match(shown.text, /return tenant-1-+ from 1 to 0, .* 180 more$/m);
    assert(shown.text.length < 200_000);
    const [base] = (await ask(inspect, true)).lines.map((line) =>
      JSON.parse(line)
    ).filter(({ snapshot }) => snapshot !== undefined);
    assert.equal(base.snapshot.policy, "created");
    assert.equal(base.snapshot.sequences.length, count);
    assert.equal(base.snapshot.bytes, undefined);

    const terminal = new PlayedTerminal();
    const options = { node, skip: 1000n, yes: true };
    assert.equal(await recover(options, terminal), 0, terminal.text);
    assert(terminal.text.length < 20_000);
    assert.match(terminal.text, /^ {2}and 99981 more sequences$/m);
    const machine = new Machine();
    machine.restore((await stateIn(`${dir}/a`))!.snapshot.data);
    assert.equal(machine.size, count + 1);
    // Its return may have been thrown away.
    assert.equal(machine.last(name(200)), 1200n);
    assert.equal(machine.last(name(count - 1)), 100_999n);
    assert.equal(machine.policy, "created");
  }));
