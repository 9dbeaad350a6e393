// `ticketd check` and `ticketd inspect` on sound and damaged directories, in files and in Deno
// KV: what they say, and that they change nothing.

import assert from "node:assert/strict";
import { check } from "../../../admin/check.ts";
import { inspect } from "../../../admin/inspect.ts";
import type { Saved } from "../../../raft/core/types.ts";
import { draftText } from "../../../raft/members/proposal.ts";
import { wholeChange } from "../../../storage/apply_save.ts";
import { encodeDraft } from "../../../storage/draft.ts";
import { encodeSegment, segmentName } from "../../../storage/segment.ts";
import { scanSegment } from "../../../storage/scan.ts";
import { contents } from "../../lib/harness.ts";
import { foundedBy, membersOf } from "../../lib/nodes.ts";
import {
  beginning,
  makeNode,
  openStorage,
  PlayedTerminal,
  take,
  toolNode,
} from "../../lib/tool_node.ts";
import { finished } from "../../lib/storage_conformance.ts";
import { withDirectory } from "../storage/directory.ts";

type Tool = typeof check;

/** Runs a tool, which must change nothing; its exit code and what it says. */
async function ask(
  tool: Tool,
  dir: string,
  { json = false, id = "a" }: { json?: boolean; id?: string } = {},
): Promise<{ code: number; text: string; lines: string[] }> {
  const before = contents(dir);
  const terminal = new PlayedTerminal();
  const node = id === ""
    ? toolNode(dir, { id: "1", idGiven: false })
    : toolNode(dir, { id });
  const code = await tool({ node, json }, terminal);
  assert.deepEqual(contents(dir), before, "nothing was changed");
  return { code, text: terminal.text, lines: terminal.lines };
}

/** Writes a segment that holds `saved` as the only data of node `a`. */
function writeSegment(dir: string, saved: Saved, number = 1): void {
  Deno.mkdirSync(`${dir}/a`, { recursive: true });
  const bytes = encodeSegment(number, saved.identity, wholeChange(saved));
  Deno.writeFileSync(`${dir}/a/${segmentName(number)}`, bytes);
}

/** Changes the newest segment of node `a` in `dir`. */
function edit(dir: string, change: (bytes: Uint8Array) => Uint8Array): void {
  const path = `${dir}/a/${segmentName(1)}`;
  Deno.writeFileSync(path, change(Deno.readFileSync(path)));
}

for (const kind of ["file", "kv"] as const) {
  Deno.test(`check says of a sound log what a start would find (${kind})`, () =>
    withDirectory(async (dir) => {
      await makeNode(`${dir}/a`, { kind });
      const { code, text } = await ask(check, dir);
      assert.equal(code, 0, text);
      assert.match(text, /4 records, \d+ bytes$/m);
      assert.match(text, /^node a, cluster c{32}, incarnation "life of a"$/m);
      assert.match(text, /^index 4, term 1, no vote$/m);
      assert.match(text, /^last number taken: ticket 60$/m);
      assert.match(
        text,
        /^members: a a.example:1 voter, b .* voter, c .* voter$/m,
      );
      assert.match(text, /^OK$/m);

      const { lines: [line] } = await ask(check, dir, { json: true });
      const report = JSON.parse(line!);
      assert.equal(report.sound, true);
      assert.deepEqual(report.sequences, [{ name: "ticket", last: "60" }]);
      assert.deepEqual([report.index, report.records], [4, 4]);
      assert.deepEqual(report.findings, []);
    }));

  Deno.test(`inspect shows every record, and every entry in words (${kind})`, () =>
    withDirectory(async (dir) => {
      await makeNode(`${dir}/a`, { kind });
      const { code, text } = await ask(inspect, dir);
      assert.equal(code, 0);
      assert.match(text, /^ {2}1 term 1: members a a.example:1 voter, b /m);
      assert.match(text, /^ {2}3 term 1: take ticket 20$/m);
      const place = kind === "kv"
        ? /^kv\.sqlite3 save 3 \+\d+ save: term 1, no vote; entry 3$/m
        : /^0000000000000001\.log \d+ \+\d+ save: term 1, no vote; entry 3$/m;
      assert.match(text, place);
      assert.match(text, / (base|head): .*node a, cluster c{32}, incarnation/);

      const { lines } = await ask(inspect, dir, { json: true });
      const records = lines.map((line) => JSON.parse(line));
      const commands = records.flatMap(({ entries = [] }) => entries)
        .map(({ command }) => command);
      assert.deepEqual(commands.slice(1), [
        "take ticket 10",
        "take ticket 20",
        "take ticket 30",
      ]);
    }));

  Deno.test(`check and inspect are refused while a ticketd uses the directory (${kind})`, () =>
    withDirectory(async (dir) => {
      await makeNode(`${dir}/a`, { kind });
      const storage = await openStorage(`${dir}/a`, kind);
      storage.load();
      for (const tool of [check, inspect]) {
        const terminal = new PlayedTerminal();
        const options = { node: toolNode(dir), json: false };
        assert.equal(await tool(options, terminal), 2);
        assert.match(terminal.text, /in use by a ticketd process; stop that/);
      }
      storage.close();
      // Without a LOCK they go without, and make none.
      await Deno.remove(`${dir}/a/LOCK`);
      for (const tool of [check, inspect]) {
        assert.equal((await ask(tool, dir)).code, 0);
      }
    }));
}

Deno.test("check finds every flipped bit, names its place, and changes nothing", () =>
  withDirectory(async (dir) => {
    await makeNode(`${dir}/a`);
    const path = `${dir}/a/${segmentName(1)}`;
    const sound = await Deno.readFile(path);
    const parts = scanSegment(sound);
    const last = parts.at(-1)!.at;
    for (let at = 0; at < sound.length; at += 3) {
      const bytes = sound.slice();
      bytes[at]! ^= 1 << (at % 8);
      await Deno.writeFile(path, bytes);
      const { code, text } = await ask(check, dir);
      // Damage to the last record looks like a write that was cut short.
      const isLast = at >= last;
      assert.equal(code, isLast ? 0 : 1, `bit of byte ${at}: ${text}`);
      const part = parts.findLast((part) => part.at <= at)!;
      const place = isLast
        ? `note: ${segmentName(1)}, byte ${last}: a torn tail of`
        : `FAULT: ${segmentName(1)}, byte ${part.at}: `;
      assert(text.includes(place), `bit of byte ${at}: ${text}`);
      const shows = await ask(inspect, dir);
      assert.equal(shows.code, isLast ? 0 : 1);
    }
  }));

Deno.test("inspect goes on behind damage, and behind a lost base", () =>
  withDirectory(async (dir) => {
    await makeNode(`${dir}/a`);
    const path = `${dir}/a/${segmentName(1)}`;
    const sound = await Deno.readFile(path);
    const parts = scanSegment(sound);
    for (const lost of [1, 2]) {
      const bytes = sound.slice();
      bytes[parts[lost]!.at + 30]! ^= 1;
      await Deno.writeFile(path, bytes);
      const { code, text } = await ask(inspect, dir);
      assert.equal(code, 1);
      assert.match(
        text,
        new RegExp(`log ${parts[lost]!.at} \\+\\d+ damaged: `),
      );
      assert.match(text, /take ticket 20$/m);
      assert.match(text, /take ticket 30$/m);
    }
  }));

Deno.test("Any bytes are inspected and checked without a crash", () =>
  withDirectory(async (dir) => {
    await Deno.mkdir(`${dir}/a`);
    const path = `${dir}/a/${segmentName(1)}`;
    for (let length = 0; length < 600; length += 37) {
      const bytes = crypto.getRandomValues(new Uint8Array(length));
      await Deno.writeFile(path, bytes);
      assert.equal((await ask(check, dir)).code, 1);
      await ask(inspect, dir, { json: length % 2 === 0 });
    }
  }));

Deno.test("A torn tail is a note, and so are files that a crash has left", () =>
  withDirectory(async (dir) => {
    await makeNode(`${dir}/a`);
    edit(dir, (bytes) => Uint8Array.of(...bytes, 0, 0, 0, 0));
    for (const name of ["segment.tmp", "note.txt"]) {
      await Deno.writeTextFile(`${dir}/a/${name}`, "");
    }
    await Deno.writeTextFile(`${dir}/a/${segmentName(0)}`, "old");
    const { code, text } = await ask(check, dir);
    assert.equal(code, 0, text);
    assert.match(text, /note: .*, byte \d+: a torn tail of 4 bytes \(zeros\)/);
    assert.match(text, /note: 0{16}\.log: an older segment that a crash left/);
    assert.match(
      text,
      /note: segment\.tmp: a segment that a crash left unfini/,
    );
    assert.match(text, /note: note\.txt: not of a log/);
  }));

Deno.test("A Deno KV store that has agreed to a founding holds no log yet", () =>
  withDirectory(async (dir) => {
    const storage = await openStorage(`${dir}/a`, "kv");
    storage.load();
    const draft = "node a 0000000000000000\n";
    await finished((done) => storage.writeDraft(draft, done));
    storage.close();
    const { code, text } = await ask(check, dir);
    assert.equal(code, 2, text);
    assert.match(text, /holds no log of a node/);
    await makeNode(`${dir}/a`, { kind: "kv" });
    assert.equal((await ask(check, dir)).code, 0);
  }));

Deno.test("check finds what no checksum tells: terms, votes, members, commands", () =>
  withDirectory(async (dir) => {
    const one = beginning.entries[0]!;
    const wrong = async (change: Partial<Saved>, fault: RegExp) => {
      writeSegment(dir, { ...beginning, ...change });
      const { code, text } = await ask(check, dir);
      assert.equal(code, 1, text);
      assert.match(text, fault);
    };
    await wrong(
      { entries: [{ ...one, term: 3 }] },
      /byte 16: entry 1 is of term 3, and the node knew only 1/,
    );
    const hardState = { currentTerm: 9, votedFor: "b" };
    await wrong(
      { hardState, entries: [{ ...one, term: 3 }, take(2, 5)] },
      /entry 2 is of term 1, and the one before it of 3/,
    );
    await wrong(
      { entries: foundedBy("a", membersOf("aa")).entries },
      /the members in entry 1 are unsound: /,
    );
    const data = Uint8Array.of(9, 9);
    await wrong(
      { entries: [one, { type: "command", index: 2, term: 1, data }] },
      /this ticketd cannot apply the command in entry 2/,
    );
    const shows = await ask(inspect, dir);
    assert.match(
      shows.text,
      /2 term 1: command of an unknown form, 2 bytes 0909/,
    );
  }));

Deno.test("check tells the vote that changes within a term, and the term that falls", () =>
  withDirectory(async (dir) => {
    for (
      const [second, fault] of [
        [
          { currentTerm: 4, votedFor: "c" },
          /the vote of term 4 changes from b/,
        ],
        [{ currentTerm: 3, votedFor: "b" }, /the term falls from 4 to 3/],
      ] as const
    ) {
      const directory = `${dir}/${second.currentTerm}`;
      await makeNode(`${directory}/a`, { entries: [] });
      const storage = await openStorage(`${directory}/a`);
      storage.load();
      for (const hardState of [{ currentTerm: 4, votedFor: "b" }, second]) {
        await new Promise<void>((resolve) =>
          storage.write({
            number: 1,
            hardState,
            mustSync: true,
            snapshot: undefined,
            firstIndex: 2,
            entries: [],
          }, () => resolve())
        );
      }
      storage.close();
      const { code, text } = await ask(check, directory);
      assert.equal(code, 1);
      assert.match(text, fault);
    }
  }));

Deno.test("check tells another node's directory and a newer format as a start does", () =>
  withDirectory(async (dir) => {
    writeSegment(dir, beginning);
    await Deno.rename(`${dir}/a`, `${dir}/b`);
    const other = await ask(check, dir, { id: "b" });
    assert.equal(other.code, 1);
    assert.match(other.text, /belongs to node a, not to node b/);

    writeSegment(dir, beginning, 2);
    await Deno.rename(
      `${dir}/a/${segmentName(2)}`,
      `${dir}/a/${segmentName(7)}`,
    );
    const renamed = await ask(check, dir);
    assert.match(renamed.text, /is segment 2 under another name/);
  }));

Deno.test("The tools find the one node there is, and name those to choose from", () =>
  withDirectory(async (dir) => {
    await makeNode(`${dir}/a`);
    const only = await ask(check, dir, { id: "" });
    assert.equal(only.code, 0);
    assert.match(only.text, /1 holds no data, but .*\/a does: using it/);

    const inside = await ask(check, `${dir}/a`, { id: "" });
    assert.equal(inside.code, 0, inside.text);
    assert.match(inside.text, /a is itself a node's directory: using it/);

    const named = await ask(check, dir, { id: "b" });
    assert.equal(named.code, 2);
    assert.match(named.text, /there are no data of a node in .*\/b; name/);

    await Deno.mkdir(`${dir}/b`);
    const bytes = await Deno.readFile(`${dir}/a/${segmentName(1)}`);
    await Deno.writeFile(`${dir}/b/${segmentName(1)}`, bytes);
    await Deno.rename(`${dir}/b`, `${dir}/a.before-recover-20260101T000000Z`);
    assert.equal((await ask(check, dir, { id: "" })).code, 0);
    await Deno.rename(`${dir}/a.before-recover-20260101T000000Z`, `${dir}/b`);
    const several = await ask(check, dir, { id: "" });
    assert.equal(several.code, 2);
    assert.match(several.text, /choose one of its neighbours with --id: a, b$/);
  }));

Deno.test("check names the save of a Deno KV store that is damaged, and inspect goes on", () =>
  withDirectory(async (dir) => {
    await makeNode(`${dir}/a`, { kind: "kv" });
    {
      using kv = await Deno.openKv(`${dir}/a/kv.sqlite3`);
      await kv.set(["ticketd", "a", "save", 2, 0], Uint8Array.of(1, 2, 3));
    }
    const { code, text } = await ask(check, dir);
    assert.equal(code, 1);
    assert.match(text, /FAULT: kv\.sqlite3, save 2: .*part 0 is missing or/);
    const shows = await ask(inspect, dir);
    assert.equal(shows.code, 1);
    assert.match(shows.text, /take ticket 30/);
  }));

Deno.test("A Deno KV store without a node's data is told as that", () =>
  withDirectory(async (dir) => {
    (await openStorage(`${dir}/a`, "kv")).close();
    for (const tool of [check, inspect]) {
      const { code, text } = await ask(tool, dir);
      assert.equal(code, 2);
      assert.match(text, /kv\.sqlite3 holds no log of a node/);
    }
  }));

Deno.test("A Deno KV store is read as a killed process has left it, and stays so", () =>
  withDirectory(async (dir) => {
    const storage = await openStorage(`${dir}/a`, "kv");
    storage.load();
    await finished((done) => storage.create(beginning, done));
    // As a kill leaves them: the write-ahead log is not moved into the store yet.
    await Deno.mkdir(`${dir}/killed/a`, { recursive: true });
    for (const name of ["kv.sqlite3", "kv.sqlite3-wal"]) {
      await Deno.copyFile(`${dir}/a/${name}`, `${dir}/killed/a/${name}`);
    }
    storage.close();
    for (const tool of [check, inspect]) {
      const { code, text } = await ask(tool, `${dir}/killed`);
      assert.equal(code, 0, text);
      assert.match(text, /members:? a a\.example:1 voter, b b/);
    }
  }));

for (const kind of ["file", "kv"] as const) {
  Deno.test(`check tells a founding draft that a start goes on without (${kind})`, () =>
    withDirectory(async (dir) => {
      await makeNode(`${dir}/a`, { kind });
      const draft = {
        node: "a",
        incarnation: "0".repeat(16),
        former: [],
        hasLog: true,
      };
      const text = draftText({ ...draft, accepted: undefined });
      const keep = async (bytes: Uint8Array) => {
        if (kind === "file") {
          return await Deno.writeFile(`${dir}/a/founding`, bytes);
        }
        using kv = await Deno.openKv(`${dir}/a/kv.sqlite3`);
        await kv.set(["ticketd", "a", "founding"], bytes);
      };
      await keep(encodeDraft(text));
      const sound = await ask(check, dir);
      assert.equal(sound.code, 0, sound.text);
      assert.doesNotMatch(sound.text, /founding/);

      await keep(encodeDraft(text).fill(0, -4));
      const damaged = await ask(check, dir);
      assert.equal(damaged.code, 0, damaged.text);
      assert.match(damaged.text, /^note: .*beside a log, remove it/m);

      await keep(
        encodeDraft(draftText({ ...draft, node: "b", accepted: undefined })),
      );
      assert.match(
        (await ask(check, dir)).text,
        /belongs to node b, not to node a/,
      );
    }));
}

Deno.test("A store in which nothing was begun is no damage", () =>
  withDirectory(async (dir) => {
    await Deno.mkdir(`${dir}/a`);
    (await Deno.openKv(`${dir}/a/kv.sqlite3`)).close();
    for (const tool of [check, inspect]) {
      const { code, text } = await ask(tool, dir);
      assert.equal(code, 2, text);
      assert.match(text, /holds no log of a node/);
    }
  }));
