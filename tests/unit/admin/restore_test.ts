// `ticketd restore`: what it writes, in files and in Deno KV, and what it refuses.

import assert from "node:assert/strict";
import { type Backup, encodeBackup } from "../../../admin/backup_file.ts";
import type { Bound } from "../../../admin/new_cluster.ts";
import { restore } from "../../../admin/restore.ts";
import type { Saved } from "../../../raft/core/types.ts";
import { Machine } from "../../../raft/tickets/machine.ts";
import { openKv } from "../../../storage/kv.ts";
import { contents } from "../../lib/harness.ts";
import { Nodes } from "../../lib/nodes.ts";
import { finished } from "../../lib/storage_conformance.ts";
import { PlayedTerminal, stateIn, toolNode } from "../../lib/tool_node.ts";
import { withDirectory } from "../storage/directory.ts";

const backup: Backup = {
  cluster: "c".repeat(32),
  taken: "2026-11-27T20:00:00.000Z",
  from: "127.0.0.1:11001",
  index: 900,
  term: 7,
  members: [
    { id: "a", address: "a.example:1", suffrage: "voter" },
    { id: "b", address: "b.example:1", suffrage: "voter" },
  ],
  policy: "any",
  sequences: [{ name: "ticket", last: 60n }, { name: "other", last: 5n }],
};

/** Restores `from` into `dir`; the exit code and what was said. */
async function run(
  dir: string,
  bound: Bound,
  { from = encodeBackup(backup), storage = "auto" }: {
    from?: Uint8Array;
    storage?: "auto" | "file" | "kv";
  } = {},
): Promise<{ code: number; text: string; errors: string }> {
  const path = `${dir}/backup`;
  await Deno.writeFile(path, from);
  const terminal = new PlayedTerminal();
  const node = toolNode(`${dir}/data`, { storage });
  const code = await restore({ path, node, bound }, terminal);
  return { code, text: terminal.text, errors: terminal.errors.join("\n") };
}

function firstTicket(saved: Saved | undefined): bigint {
  assert(saved);
  const nodes = new Nodes([saved]);
  nodes.elect("a");
  const asked = nodes.take("a");
  nodes.settle();
  return asked.given[0]!;
}

for (const storage of ["file", "kv"] as const) {
  Deno.test(`A backup begins a new cluster of one voter, above the skip (${storage})`, () =>
    withDirectory(async (dir) => {
      const bound = { type: "skip", count: 1000n } as const;
      const { code, text, errors } = await run(dir, bound, { storage });
      assert.equal(code, 0, text);
      assert.equal(errors, "");
      assert.match(text, /ticket: 60 in the backup, the next is above 1060$/m);
      assert.match(text, /other: 5 in the backup, the next is above 1005$/m);
      assert.match(text, /no node of the old cluster runs any more/);
      const state = await stateIn(`${dir}/data/a`, storage);
      assert(state);
      assert.notEqual(state.identity.cluster, backup.cluster);
      const { servers } = state.snapshot.configuration;
      assert.deepEqual(servers.map(({ id, suffrage }) => [id, suffrage]), [
        ["a", "voter"],
      ]);
      assert.equal(servers[0]?.incarnation, state.identity.incarnation);
      assert.equal(firstTicket(state), 1061n);

      // It is not empty any more.
      const before = contents(`${dir}/data`);
      const again = await run(dir, bound, { storage });
      assert.equal(again.code, 1);
      assert.match(again.text, /is not empty|holds the data of a node/);
      if (storage === "file") {
        assert.deepEqual(contents(`${dir}/data`), before);
      }
    }));
}

Deno.test("Names that the backup does not know are refused, unless nothing was given since", () =>
  withDirectory(async (dir) => {
    const rows = [
      [{ type: "exact" }, "any", "any"],
      [{ type: "exact" }, "created", "created"],
      [{ type: "skip", count: 9n }, "any", "created"],
      [{ type: "skip", count: 0n }, "any", "created"],
      [{ type: "above", count: 99n }, "any", "created"],
    ] as const;
    for (const [i, [bound, policy, after]] of rows.entries()) {
      await Deno.mkdir(`${dir}/${i}`);
      const from = encodeBackup({ ...backup, policy });
      const { code, text } = await run(`${dir}/${i}`, bound, { from });
      assert.equal(code, 0);
      assert.equal(/TICKET.POLICY any/.test(text), bound.type !== "exact");
      const state = await stateIn(`${dir}/${i}/data/a`);
      const machine = new Machine();
      machine.restore(state!.snapshot.data);
      assert.equal(machine.policy, after);
    }
  }));

for (const storage of ["file", "kv"] as const) {
  Deno.test(`A hundred thousand sequences are restored, and the first are told (${storage})`, () =>
    withDirectory(async (dir) => {
      const sequences = Array.from({ length: 100_000 }, (_, i) => ({
        name: `tenant-${i}`.padEnd(128, "-"),
        last: BigInt(i),
      }));
      const from = encodeBackup({ ...backup, sequences });
      const bound = { type: "skip", count: 1000n } as const;
      const { code, text } = await run(dir, bound, { from, storage });
      assert.equal(code, 0, text);
      assert(text.split("\n").length < 40);
      assert.match(text, /^ {2}and 99981 more sequences$/m);
      const state = await stateIn(`${dir}/data/a`, storage);
      const machine = new Machine();
      machine.restore(state!.snapshot.data);
      assert.equal(machine.size, 100_001);
      assert.equal(machine.last(sequences[99_999]!.name), 100_999n);
      assert.equal(machine.last("ticket"), 1000n);
    }));
}

Deno.test("--above lifts each sequence that is below it, and lowers none", () =>
  withDirectory(async (dir) => {
    const { code, text, errors } = await run(dir, {
      type: "above",
      count: 10n,
    });
    assert.equal(code, 0);
    assert.match(errors, /number of ticket that .* again/, "60 is no skip");
    assert.match(text, /ticket: 60 in the backup, the next is above 60$/m);
    assert.match(text, /other: 5 in the backup, the next is above 10$/m);
    assert.equal(firstTicket(await stateIn(`${dir}/data/a`)), 61n);
  }));

Deno.test("--exact warns that numbers will be given again", () =>
  withDirectory(async (dir) => {
    const { code, errors } = await run(dir, { type: "exact" });
    assert.equal(code, 0);
    assert.match(
      errors,
      /every number of ticket, other that was given after 2026-11-27T20.* again/,
    );
    assert.equal(firstTicket(await stateIn(`${dir}/data/a`)), 61n);
  }));

Deno.test("A bound that skips nothing warns as --exact does", () =>
  withDirectory(async (dir) => {
    const bounds = [
      { type: "skip", count: 0n },
      { type: "above", count: 0n },
      { type: "above", count: 60n },
    ] as const;
    for (const [i, bound] of bounds.entries()) {
      await Deno.mkdir(`${dir}/${i}`);
      const { code, errors } = await run(`${dir}/${i}`, bound);
      assert.equal(code, 0);
      assert.match(
        errors,
        /every number of ticket.* that was given after .* again/,
      );
    }
    await Deno.mkdir(`${dir}/above`);
    const above = { type: "above", count: 61n } as const; // of both
    assert.equal((await run(`${dir}/above`, above)).errors, "");
  }));

Deno.test("A Deno KV store that has agreed to a founding is not empty", () =>
  withDirectory(async (dir) => {
    const options = { node: "a", durability: "high" as const, log() {} };
    const storage = await openKv({ ...options, directory: `${dir}/data/a` });
    storage.load();
    await finished((done) => storage.writeDraft("agreed", done));
    storage.close();
    const bound = { type: "skip", count: 1n } as const;
    const { code, errors } = await run(dir, bound, { storage: "kv" });
    assert.equal(code, 1);
    assert.match(errors, /holds the data of a node/);
  }));

Deno.test("A bound above 2^63 - 1 warns of what clients cannot read, and of the end", () =>
  withDirectory(async (dir) => {
    const rows = [
      [2n ** 63n - 1n, /^$/],
      [2n ** 63n, /do not fit into the integers of many clients/],
      [2n ** 64n - 1n, /is the last number there is: no ticket can be given/],
    ] as const;
    for (const [count, warning] of rows) {
      await Deno.mkdir(`${dir}/${count}`);
      const bound = { type: "above", count } as const;
      const { code, errors } = await run(`${dir}/${count}`, bound);
      assert.equal(code, 0);
      assert.match(errors, warning);
    }
  }));

Deno.test("A backup without any ticket begins above the bound, too", () =>
  withDirectory(async (dir) => {
    const from = encodeBackup({ ...backup, sequences: [] });
    const bound = { type: "skip", count: 9n } as const;
    assert.equal((await run(dir, bound, { from })).code, 0);
    assert.equal(firstTicket(await stateIn(`${dir}/data/a`)), 10n);
  }));

Deno.test("A restore is refused where it would lose or repeat something", () =>
  withDirectory(async (dir) => {
    const refusal = async (bound: Bound, from?: Uint8Array) => {
      const { code, text } = await run(dir, bound, from ? { from } : {});
      assert.equal(code, 1, text);
      return text;
    };
    const skip = { type: "skip", count: 1n } as const;
    const damaged = encodeBackup(backup);
    damaged[100]! ^= 1;
    assert.match(await refusal(skip, damaged), /is damaged: its checksum/);
    assert.match(
      await refusal({ type: "skip", count: 2n ** 64n - 60n }),
      /would begin again at 18446744073709551616, above/,
    );
    assert.deepEqual(contents(`${dir}/data`), {});

    await Deno.mkdir(`${dir}/data/a`, { recursive: true });
    for (const name of ["founding", "0000000000000001.log", "notes"]) {
      await Deno.writeTextFile(`${dir}/data/a/${name}`, "x");
      assert.match(
        await refusal(skip),
        new RegExp(`is not empty \\(it holds ${name}\\)`),
      );
      await Deno.remove(`${dir}/data/a/${name}`);
    }
    // What an unfinished restore leaves is written over.
    for (const name of ["LOCK", "segment.tmp"]) {
      await Deno.writeTextFile(`${dir}/data/a/${name}`, "");
    }
    assert.equal((await run(dir, skip)).code, 0);
  }));

Deno.test("A store of Deno KV is not restored beside a log in files, nor the reverse", () =>
  withDirectory(async (dir) => {
    const bound = { type: "skip", count: 1n } as const;
    assert.equal((await run(dir, bound, { storage: "kv" })).code, 0);
    assert.equal((await run(dir, bound, { storage: "file" })).code, 1);
  }));

Deno.test("A restore into Deno KV that was cut short at its beginning is run again", () =>
  withDirectory(async (dir) => {
    await Deno.mkdir(`${dir}/data/a`, { recursive: true });
    for (const name of ["kv.sqlite3", "kv.sqlite3-journal"]) {
      await Deno.writeFile(`${dir}/data/a/${name}`, new Uint8Array());
    }
    const bound = { type: "skip", count: 1n } as const;
    const { code, text } = await run(dir, bound, { storage: "kv" });
    assert.equal(code, 0, text);
    assert.equal(firstTicket(await stateIn(`${dir}/data/a`, "kv")), 62n);
  }));
