// `ticketd recover` on a survivor's directory, in files and in Deno KV: what it writes, what it
// refuses, and what is left where the power fails in between.

import assert from "node:assert/strict";
import { recover } from "../../../admin/recover.ts";
import { recovered } from "../../../admin/new_cluster.ts";
import type { Saved } from "../../../raft/core/types.ts";
import { encodeSegment, segmentName } from "../../../storage/segment.ts";
import { replaceLog } from "../../../storage/replace.ts";
import { recover as readLog } from "../../../storage/recovery.ts";
import { wholeChange } from "../../../storage/apply_save.ts";
import { FakeDisk } from "../../lib/fake_files.ts";
import { contents } from "../../lib/harness.ts";
import { Nodes } from "../../lib/nodes.ts";
import {
  beginning,
  commandOf,
  makeNode,
  openStorage,
  PlayedTerminal,
  stateIn,
  takes,
  toolNode,
} from "../../lib/tool_node.ts";
import { foundedBy, membersOf } from "../../lib/nodes.ts";
import { withDirectory } from "../storage/directory.ts";

/** The first ticket of a node that starts with `saved`. */
function firstTicket(saved: Saved): bigint {
  const nodes = new Nodes([saved]);
  nodes.elect("a");
  const asked = nodes.take("a");
  nodes.settle();
  return asked.given[0]!;
}

for (const kind of ["file", "kv"] as const) {
  Deno.test(`A recovered survivor is the only voter of a new cluster and goes on above the skip (${kind})`, () =>
    withDirectory(async (dir) => {
      await makeNode(`${dir}/a`, { kind });
      const terminal = new PlayedTerminal("a");
      const node = toolNode(dir);
      assert.equal(
        await recover({ node, skip: 100n, yes: false }, terminal),
        0,
        terminal.text,
      );
      assert.match(
        terminal.text,
        /ticket: 60 is the highest number taken here/,
      );
      assert.match(
        terminal.text,
        /must never run again.*\n.*node b \(.* node c \(/,
      );
      assert.match(terminal.questions.join(), /Type the node's id, a,/);

      const state = await stateIn(`${dir}/a`, kind);
      assert(state);
      const { identity, snapshot, hardState } = state;
      assert.notEqual(identity.cluster, beginning.identity.cluster);
      assert.notEqual(identity.incarnation, beginning.identity.incarnation);
      assert.deepEqual(snapshot.configuration.servers, [{
        id: "a",
        address: "a.example:1",
        suffrage: "voter",
        incarnation: identity.incarnation,
      }]);
      assert.deepEqual([snapshot.index, hardState.currentTerm], [5, 2]);
      assert.equal(firstTicket(state), 161n);

      // The old data are beside it, and are not taken for a node's.
      const [copy] = (await Array.fromAsync(Deno.readDir(dir))).map((
        { name },
      ) => name)
        .filter((name) => name.startsWith("a.before-recover-"));
      const old = await stateIn(`${dir}/${copy}`, kind);
      assert.deepEqual(old?.entries.slice(1), takes);

      const again = new PlayedTerminal("a");
      const other = toolNode(dir, { id: "1", idGiven: false });
      assert.equal(
        await recover({ node: other, skip: 1n, yes: true }, again),
        1,
      );
      assert.match(again.text, /is the only voter of its cluster/);
    }));

  Deno.test(`A recovery without the node's id as answer changes nothing (${kind})`, () =>
    withDirectory(async (dir) => {
      await makeNode(`${dir}/a`, { kind });
      const before = contents(dir);
      for (const answer of [undefined, "", "b", "yes"]) {
        const terminal = new PlayedTerminal(answer);
        const node = toolNode(dir);
        assert.equal(
          await recover({ node, skip: 100n, yes: false }, terminal),
          1,
        );
        assert.match(terminal.errors.join(), /nothing was changed$/);
      }
      assert.deepEqual(contents(dir), before);
    }));

  Deno.test(`A recovery is refused while a ticketd uses the directory (${kind})`, () =>
    withDirectory(async (dir) => {
      await makeNode(`${dir}/a`, { kind });
      const storage = await openStorage(`${dir}/a`, kind);
      storage.load();
      const terminal = new PlayedTerminal();
      const options = { node: toolNode(dir), skip: 100n, yes: true };
      assert.equal(await recover(options, terminal), 1);
      assert.match(terminal.text, /in use by another ticketd process/);
      storage.close();
    }));

  Deno.test(`A recovery leaves no draft of the old cluster's founding (${kind})`, () =>
    withDirectory(async (dir) => {
      await makeNode(`${dir}/a`, { kind });
      const draft = new TextEncoder().encode("a draft");
      const key = ["ticketd", "a", "founding"];
      const path = `${dir}/a/kv.sqlite3`;
      if (kind === "kv") {
        using kv = await Deno.openKv(path);
        await kv.set(key, draft);
      } else await Deno.writeFile(`${dir}/a/founding`, draft);
      const options = { node: toolNode(dir), skip: 0n, yes: true };
      assert.equal(await recover(options, new PlayedTerminal()), 0);
      if (kind === "kv") {
        using kv = await Deno.openKv(path);
        assert.equal((await kv.get(key)).versionstamp, null);
      } else {
        assert(!Object.keys(contents(`${dir}/a`)).join().includes("founding"));
      }
    }));
}

Deno.test("A recovery is refused where nothing is lost, nothing is known, or the log is damaged", () =>
  withDirectory(async (dir) => {
    const refusal = async (id: string, skip = 1n) => {
      const terminal = new PlayedTerminal();
      const before = contents(`${dir}/${id}`);
      const node = toolNode(`${dir}/${id}`);
      assert.equal(await recover({ node, skip, yes: true }, terminal), 1);
      assert.deepEqual(contents(`${dir}/${id}`), before);
      return terminal.text;
    };
    await makeNode(`${dir}/sole/a`, { first: foundedBy("a", membersOf("a")) });
    assert.match(await refusal("sole"), /is the only voter .*: start it$/);

    await makeNode(`${dir}/blank/a`, {
      first: { ...beginning, entries: [] },
      entries: [],
    });
    assert.match(await refusal("blank"), /it has not joined a cluster yet/);

    await makeNode(`${dir}/damaged/a`);
    const path = `${dir}/damaged/a/${segmentName(1)}`;
    const bytes = await Deno.readFile(path);
    bytes[bytes.length - 150]! ^= 1;
    await Deno.writeFile(path, bytes);
    assert.match(
      await refusal("damaged"),
      /is damaged at .* see ticketd check/,
    );

    await makeNode(`${dir}/full/a`);
    assert.match(
      await refusal("full", 2n ** 64n - 60n),
      /sequence ticket is at 60, and would begin again at 18446744073709551616/,
    );
    assert.match(await refusal("none"), /there are no data of a node in/);
  }));

Deno.test("A node that was no voter, or whose log is torn, is recovered with a warning", () =>
  withDirectory(async (dir) => {
    const servers = membersOf("abc").servers.map((server) =>
      server.id === "a" ? { ...server, suffrage: "nonvoter" as const } : server
    );
    await makeNode(`${dir}/a`, { first: foundedBy("a", { servers }) });
    const path = `${dir}/a/${segmentName(1)}`;
    await Deno.writeFile(path, new Uint8Array([1, 2, 3]), { append: true });
    const terminal = new PlayedTerminal();
    const options = { node: toolNode(dir), skip: 0n, yes: true };
    assert.equal(await recover(options, terminal), 0);
    assert.match(terminal.text, /WARNING: node a is a nonvoter/);
    assert.match(terminal.text, /WARNING: its log ends with a torn record/);
    assert.match(terminal.text, /DANGER: with a skip of 0/);
  }));

Deno.test("A return that the lost majority may have thrown away lowers no number", () => {
  const name = "ticket";
  const back = commandOf(5, { type: "return", name, from: 60n, to: 31n });
  const saved = {
    ...beginning,
    entries: [...beginning.entries, ...takes, back],
  };
  const identity = { ...beginning.identity, cluster: "d".repeat(32) };
  const address = "a.example:1";
  const next = recovered(saved, { skip: 5n, identity, address });
  assert.equal(firstTicket(next), 66n);
});

Deno.test("A survivor that knows of no ticket at all goes on above the skip", () => {
  const { identity } = beginning;
  const next = recovered(beginning, { skip: 7n, identity, address: "a:1" });
  assert.equal(firstTicket(next), 8n);
});

Deno.test("A power loss at any point of a recovery leaves the old log or the new one", () => {
  const first = 3;
  const old = { ...beginning, entries: [...beginning.entries, ...takes] };
  const identity = { ...old.identity, cluster: "d".repeat(32) };
  const next = recovered(old, { skip: 100n, identity, address: "a:1" });
  const make = (fault: () => Error | undefined) => {
    const disk = new FakeDisk();
    disk.setContent("founding", Uint8Array.of(1));
    disk.setContent(
      segmentName(first),
      encodeSegment(first, old.identity, wholeChange(old)),
    );
    disk.fault = fault;
    return disk;
  };
  let operations = 0;
  replaceLog(make(() => void operations++).open(), first, next);
  assert(operations > 6);
  const seen = new Set<string>();
  for (let stop = 0; stop <= operations; stop++) {
    // Which of the unsynced changes the disk keeps, one bit each: none, some, all.
    for (let keeps = 0; keeps < 64; keeps++) {
      let count = 0;
      const disk = make(() =>
        count++ === stop ? new Error("the power is lost") : undefined
      );
      try {
        replaceLog(disk.open(), first, next);
      } catch (error) {
        assert.match(String(error), /the power is lost/);
      }
      disk.fault = () => undefined;
      let bit = 0;
      disk.crash((n) => (keeps >> bit++) % 2 * (n - 1));
      const state = load(disk);
      assert(state, `a directory without a log after operation ${stop}`);
      seen.add(state.identity.cluster);
      if (state.identity.cluster === old.identity.cluster) {
        assert.deepEqual(state.entries, old.entries);
      } else {
        assert.deepEqual(state.snapshot, next.snapshot);
        assert(!disk.names().includes("founding"));
      }
    }
  }
  assert.equal(seen.size, 2);
});

function load(disk: FakeDisk): Saved | undefined {
  const files = disk.open();
  return readLog(files, { node: "a", log() {} })?.state;
}
