// The log in Deno KV: the contract of every storage; stores that are damaged, another node's, of a
// newer format, or in use; and the keys that remain in a store.

import assert from "node:assert/strict";
import { join } from "node:path";
import { denoFiles } from "../../../storage/files.ts";
import { openKv } from "../../../storage/kv.ts";
import { StorageError } from "../../../storage/storage.ts";
import { Wal } from "../../../storage/wal.ts";
import { run } from "../../lib/program.ts";
import {
  commands,
  create,
  flush,
  fresh,
  save,
  snapshotAt,
  testStorage,
  write,
} from "../../lib/storage_conformance.ts";

const warnings: string[] = [];

function open(
  directory: string,
  { node = "1", durability = "high" as const } = {},
) {
  return openKv({
    directory,
    node,
    durability,
    log: (_, text) => warnings.push(text),
  });
}

testStorage("KvStorage", {
  makePlace: () => {
    const directory = Deno.makeTempDirSync();
    return {
      open: (durability) =>
        openKv({ directory, node: "1", durability, log() {} }),
      remove: () => Deno.removeSync(directory, { recursive: true }),
    };
  },
});

type Edit = (run: (kv: Deno.Kv) => Promise<unknown>) => Promise<void>;

/** Runs `body` with a store of three saves after its first, and a way to damage it. */
async function withStore(
  body: (directory: string, edit: Edit) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const storage = await open(directory);
    await create(storage);
    for (const i of [1, 2, 3]) await write(storage, save(commands(i, 1, 1)));
    storage.close();
    await body(directory, async (run) => {
      using kv = await Deno.openKv(join(directory, "kv.sqlite3"));
      await run(kv);
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function refuses(directory: string, message: RegExp): Promise<void> {
  return assert.rejects(open(directory), (error) => {
    assert.ok(error instanceof StorageError);
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("openKv() refuses a store with a save missing in the middle (PITFALLS 8)", () =>
  withStore(async (directory, edit) => {
    await edit((kv) => kv.delete(["ticketd", "1", "save", 2, 0]));
    await refuses(
      directory,
      /save 2 in .*kv\.sqlite3 is damaged .*nothing was changed/,
    );
  }));

Deno.test("openKv() refuses a store with the last save missing", () =>
  withStore(async (directory, edit) => {
    await edit((kv) => kv.delete(["ticketd", "1", "save", 4, 0]));
    await refuses(directory, /save 4 in/);
  }));

Deno.test("openKv() refuses a flipped bit, in any save and in the head", () =>
  withStore(async (directory, edit) => {
    const keys = [["save", 1, 0], ["save", 3, 0], ["save", 4, 0], ["head"]]
      .map((key) => ["ticketd", "1", ...key]);
    for (const key of keys) {
      const flip = () =>
        edit(async (kv) => {
          const { value } = await kv.get<Uint8Array>(key);
          assert.ok(value);
          value[9] = (value[9] ?? 0) ^ 4;
          await kv.set(key, value);
        });
      await flip();
      await refuses(directory, /is damaged/);
      await flip();
    }
    const storage = await open(directory);
    assert.equal(storage.load()?.entries.length, 3);
    storage.close();
  }));

Deno.test("openKv() refuses a save that stands in another's place", () =>
  withStore(async (directory, edit) => {
    await edit(async (kv) => {
      const { value } = await kv.get(["ticketd", "1", "save", 2, 0]);
      await kv.set(["ticketd", "1", "save", 3, 0], value);
    });
    await refuses(directory, /save 3 in/);
  }));

Deno.test("openKv() refuses another node's store, and says whose it is", () =>
  withStore(async (directory) => {
    await assert.rejects(
      open(directory, { node: "2" }),
      /belongs to node 1, not to node 2/,
    );
  }));

Deno.test("openKv() refuses a newer format", () =>
  withStore(async (directory, edit) => {
    const { crc32 } = await import("node:zlib");
    await edit(async (kv) => {
      const key = ["ticketd", "1", "head"];
      const { value } = await kv.get<Uint8Array>(key);
      assert.ok(value);
      value[4] = 9;
      new DataView(value.buffer, value.byteOffset).setUint32(
        0,
        crc32(value.subarray(4)),
        true,
      );
      await kv.set(key, value);
    });
    await refuses(directory, /has format 9, this ticketd knows 1/);
  }));

Deno.test("openKv() ignores and removes parts that an unfinished commit put ahead", () =>
  withStore(async (directory, edit) => {
    await edit((kv) =>
      kv.set(["ticketd", "1", "save", 5, 12], new Uint8Array(9))
    );
    const storage = await open(directory);
    assert.equal(storage.load()?.entries.length, 3);
    await write(storage, save(commands(4, 1, 1)));
    storage.close();
    await edit(async (kv) => {
      assert.equal((await kv.get(["ticketd", "1", "save", 5, 12])).value, null);
    });
  }));

Deno.test("KvStorage deletes the saves that a snapshot replaced", () =>
  withStore(async (directory, edit) => {
    const storage = await open(directory);
    storage.load();
    await write(storage, save([], { snapshot: snapshotAt(3) }));
    storage.close();
    await edit(async (kv) => {
      const keys = await Array.fromAsync(
        kv.list({ prefix: ["ticketd", "1", "save"] }),
      );
      assert.deepEqual(keys.map(({ key }) => key[3]), [5]);
    });
  }));

Deno.test("KvStorage at low commits nothing before flush(), and everything in it", () =>
  withStore(async (directory) => {
    const storage = await openKv({
      directory,
      node: "1",
      durability: "low",
      log() {},
    });
    storage.load();
    await write(storage, save(commands(4, 1, 1)));
    await write(storage, save(commands(5, 1, 1)));
    storage.close();
    const again = await openKv({
      directory,
      node: "1",
      durability: "low",
      log() {},
    });
    assert.deepEqual(again.load()?.entries.length, 3);
    await write(again, save(commands(4, 1, 1)));
    await flush(again);
    again.close();
    const last = await open(directory);
    assert.deepEqual(last.load(), { ...fresh, entries: commands(1, 4, 1) });
    last.close();
  }));

Deno.test("openKv() refuses a directory that is open already", () =>
  withStore(async (directory) => {
    const storage = await open(directory);
    await refuses(
      directory,
      /directory .* is in use by another ticketd process/,
    );
    storage.close();
    (await open(directory)).close();
  }));

Deno.test("openKv() refuses a directory with a file log, and Wal one with a KV store", () =>
  withStore(async (directory) => {
    const options = { node: "1", durability: "high", log() {} } as const;
    const wal = new Wal({ ...options, files: denoFiles(directory) });
    assert.throws(
      () => wal.load(),
      /holds a Deno KV store; start with --storage kv/,
    );
    await Deno.remove(join(directory, "kv.sqlite3"));
    const other = new Wal({ ...options, files: denoFiles(directory) });
    await create(other);
    other.close();
    await refuses(directory, /holds a log in files; start with --storage file/);
  }));

/** Runs `body` without any permission, on a default store of its own; what it prints. */
async function runInDefaultStore(body: string): Promise<string> {
  const directory = await Deno.makeTempDir();
  const script = join(directory, "script.ts");
  const kv = new URL("../../../storage/kv.ts", import.meta.url).href;
  const suite =
    new URL("../../lib/storage_conformance.ts", import.meta.url).href;
  const lines = [
    `import { hasDefaultStore, openKv } from ${JSON.stringify(kv)};`,
    `import { commands, create, flush, fresh, identity, save, write } from ${
      JSON.stringify(suite)
    };`,
    "const open = (node: string) => openKv({",
    '  directory: undefined, durability: "high", log() {}, node });',
    body,
  ];
  await Deno.writeTextFile(script, lines.join("\n"));
  try {
    const { stdout, stderr } = await run(
      Deno.execPath(),
      ["run", "--no-config", "--no-prompt", "--unstable-kv", script],
      // Deno keeps its default store there: this must not be the user's own.
      { env: { DENO_DIR: directory, NO_COLOR: "1" } },
    );
    return stdout || stderr;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("openKv() needs no permission without a directory, and keeps nodes apart there", async () => {
  const output = await runInDefaultStore(`
    for (const node of ["1", "2"]) {
      console.log(await hasDefaultStore(node));
      const storage = await open(node);
      await create(storage, { ...fresh, identity: { ...identity, node } });
      storage.close();
      console.log(await hasDefaultStore(node));
    }
    for (const node of ["1", "2"]) console.log((await open(node)).load()?.identity.node);
    Deno.exit();
  `);
  assert.equal(output, "false\ntrue\nfalse\ntrue\n1\n2\n");
});

Deno.test("KvStorage acknowledges nothing once a second process has the store", async () => {
  const output = await runInDefaultStore(`
    const says = (promise: Promise<void>) =>
      promise.then(() => console.log("done"), (error) => console.log(error.message));
    const old = await open("1");
    await create(old);
    await says(write(old, save(commands(1, 1, 1))));
    const young = await open("1");
    console.log(young.load()?.entries.length);
    await says(write(old, save(commands(2, 1, 1))));
    await says(write(young, save(commands(2, 1, 1))));
    await says(write(old, save(commands(3, 1, 1))));
    await says(flush(old));
    Deno.exit();
  `);
  const refusal =
    "another ticketd process has opened the Deno KV store of node 1, and this one " +
    "must end; run only one, or give the other another --id or --dir";
  assert.deepEqual(output.trimEnd().split("\n"), [
    "done",
    "1",
    refusal,
    "done",
    refusal,
    refusal,
  ]);
});

Deno.test("KvStorage harms no store that took the place of its own (PITFALLS 43)", async () => {
  const root = await Deno.makeTempDir();
  const directory = join(root, "1");
  const opened = [];
  try {
    const first = await open(directory);
    opened.push(first);
    await create(first);
    await write(first, save(commands(1, 3, 1)));
    await Deno.rename(directory, join(root, "old"));
    const second = await open(directory);
    opened.push(second);
    await create(second);
    await write(second, save(commands(1, 2, 7)));
    // The first goes on in the files that it has open, wherever they are by now.
    await write(first, save(commands(4, 1, 1), { snapshot: snapshotAt(3) }));
    first.close();
    await write(second, save(commands(3, 1, 7)));
    second.close();
    opened.length = 0;
    for (
      const [name, entries] of [
        ["1", commands(1, 3, 7)],
        ["old", commands(4, 1, 1)],
      ] as const
    ) {
      const storage = await open(join(root, name));
      opened.push(storage);
      assert.deepEqual(storage.load()?.entries, entries);
    }
  } finally {
    for (const storage of opened) storage.close();
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("openKv() makes files that are their owner's alone, and follows no symbolic link", async () => {
  const root = await Deno.makeTempDir();
  try {
    const umask = Deno.umask(0);
    const modes = new Map<string, string>();
    try {
      const storage = await open(join(root, "1"));
      await create(storage);
      for await (const { name } of Deno.readDir(join(root, "1"))) {
        const { mode } = await Deno.lstat(join(root, "1", name));
        modes.set(name, ((mode ?? 0) & 0o777).toString(8));
      }
      storage.close();
    } finally {
      Deno.umask(umask);
    }
    const names = ["LOCK", "kv.sqlite3", "kv.sqlite3-shm", "kv.sqlite3-wal"];
    assert.deepEqual([...modes.keys()].toSorted(), names);
    assert.deepEqual(new Set(modes.values()), new Set(["600"]));

    const victim = join(root, "victim");
    await Deno.mkdir(join(root, "2"));
    for (const name of ["kv.sqlite3", "kv.sqlite3-wal", "kv.sqlite3-shm"]) {
      const link = join(root, "2", name);
      await Deno.symlink(victim, link);
      await assert.rejects(open(join(root, "2")), (error: Error) => {
        assert(error instanceof StorageError);
        const reason = "is a symbolic link, and not of ticketd's making;";
        assert(error.message.startsWith(`${link} ${reason}`), error.message);
        return true;
      });
      await Deno.remove(link);
    }
    assert.throws(() => Deno.lstatSync(victim), Deno.errors.NotFound);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("openKv() runs SQLite in WAL mode, as the file says (PITFALLS 5)", () => {
  assert.deepEqual(warnings, []);
});
