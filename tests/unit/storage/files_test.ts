// The files of one directory on Deno, with real files, locks, processes and permissions.
// `file_faults_test.ts` tests the messages, `files_place_test.ts` directories that somebody else
// has changed.

import assert from "node:assert/strict";
import { join } from "node:path";
import { denoFiles, writeAll } from "../../../storage/files.ts";
import { StorageError } from "../../../storage/storage.ts";
import { skippable } from "../../lib/needs.ts";
import { within } from "../../lib/until.ts";
import { output, program, text, withDirectory } from "./directory.ts";

Deno.test("writeAll() goes on after short writes (PITFALLS 3)", () => {
  const taken: number[] = [];
  const file = {
    writeSync(bytes: Uint8Array) {
      const count = Math.min(3, bytes.length);
      taken.push(...bytes.subarray(0, count));
      return count;
    },
  };
  writeAll(file, new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]));
  assert.deepEqual(taken, [1, 2, 3, 4, 5, 6, 7, 8]);
});

Deno.test("writeAll() fails when the system takes nothing, instead of never ending", () => {
  const file = { writeSync: () => 0 };
  assert.throws(() => writeAll(file, new Uint8Array(1)), /takes no more bytes/);
});

Deno.test("Files.list() tells an empty directory from one that does not exist", () =>
  withDirectory((directory) => {
    assert.deepEqual(denoFiles(directory).list(), []);
    assert.equal(denoFiles(join(directory, "none")).list(), undefined);
  }));

Deno.test("Files.makeDirectory() makes the missing directories above, too, and may be called twice", () =>
  withDirectory((directory) => {
    const files = denoFiles(join(directory, "a/b/c"));
    files.makeDirectory();
    files.makeDirectory();
    assert.deepEqual(files.list(), []);
  }));

Deno.test("Files creates, appends, syncs, renames, reads and removes", () =>
  withDirectory(async (directory) => {
    const files = denoFiles(directory);
    const file = files.create("a");
    const synced = (target: { sync(done: (error?: Error) => void): void }) =>
      within(
        "the sync is done",
        new Promise<void>((resolve, reject) =>
          target.sync((error) => error ? reject(error) : resolve())
        ),
      );
    file.append(new TextEncoder().encode("hello "));
    await synced(file);
    file.append(new TextEncoder().encode("world"));
    file.syncNow();
    files.rename("a", "b");
    await synced(files);
    files.syncNow();
    file.close();
    assert.equal(text(files.read("b")), "hello world");
    files.create("b").close();
    assert.equal(files.read("b").length, 0);
    files.remove("b");
    assert.deepEqual(files.list(), []);
  }));

Deno.test("Files.sync() reports a directory that has gone, later and once", () =>
  withDirectory(async (directory) => {
    const files = denoFiles(join(directory, "gone"));
    const answer = new Promise((resolve) => files.sync(resolve));
    const error = await within("the sync has failed", answer);
    assert.ok(error instanceof StorageError);
    assert.match(error.message, /cannot sync .*gone: /);
  }));

Deno.test("Files.lock() refuses the same process twice, until unlock()", () =>
  withDirectory((directory) => {
    const first = denoFiles(directory);
    const second = denoFiles(directory);
    first.lock();
    first.lock();
    assert.throws(
      () => second.lock(),
      /directory .* is in use by another ticketd process; stop that one/,
    );
    first.unlock();
    second.lock();
    second.unlock();
  }));

Deno.test("Files.lock() refuses another process at once, and kill -9 of that one frees it", () =>
  withDirectory(async (directory) => {
    const [first, ...args] = program(directory, {
      body: `files.makeDirectory(); files.lock(); console.log("locked");
      for await (const _ of Deno.stdin.readable) { /* until killed */ }`,
      permissions: ["--allow-read", "--allow-write"],
    });
    const holder = new Deno.Command(first!, {
      args,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = holder.stdout.getReader();
    const said = await within("the other process has locked", reader.read());
    assert.match(text(said.value ?? new Uint8Array()), /locked/);
    const files = denoFiles(join(directory, "data"));
    assert.throws(() => files.lock(), /is in use by another ticketd process/);
    holder.kill("SIGKILL");
    await within("the other process has ended", holder.status);
    await reader.cancel();
    await holder.stdin.close().catch(() => {});
    files.lock();
    files.unlock();
  }));

Deno.test("Files.makeDirectory() needs no right to what lies above the directory", () =>
  withDirectory(async (directory) => {
    const data = join(directory, "data");
    const body =
      `files.makeDirectory(); files.lock(); console.log(files.list());`;
    const permissions = [`--allow-read=${data}`, `--allow-write=${data}`];
    assert.equal(
      await output(directory, { body, permissions }),
      `[ "LOCK" ]\n`,
    );
  }));

Deno.test("Files.create() writes to a new file, not into what a crash has left", () =>
  withDirectory((directory) => {
    const files = denoFiles(directory);
    const kept = join(directory, "kept");
    Deno.writeTextFileSync(kept, "as it was");
    Deno.linkSync(kept, join(directory, "segment.tmp"));
    const file = files.create("segment.tmp");
    file.append(Uint8Array.of(1));
    file.close();
    assert.equal(Deno.readTextFileSync(kept), "as it was");
    assert.deepEqual(files.read("segment.tmp"), Uint8Array.of(1));
  }));

Deno.test("OpenFile.sync() reports a fault of the system, later and once (PITFALLS 11)", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const file = denoFiles(directory).create("a");
    file.close();
    const faults: (Error | undefined)[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    file.sync((error) => {
      faults.push(error);
      resolve();
    });
    assert.deepEqual(faults, []);
    await promise;
    assert.equal(faults.length, 1);
    assert.match(String(faults[0]), /^StorageError: cannot sync .*\/a: /);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test({
  ...skippable(
    "Files waits for a file handle that others of the process hold for a moment",
    ["bash"],
  ),
  fn: () =>
    withDirectory(async (directory) => {
      const hold = `const held = [];
        try { for (;;) held.push(Deno.openSync("/dev/null")); } catch { /* all */ }
        self.postMessage("no handle is left");
        setTimeout(() => held.forEach((file) => file.close()), 200);`;
      const said = await output(directory, {
        body: `files.makeDirectory(); files.lock();
          const code = new Blob([${JSON.stringify(hold)}]);
          const thread = new Worker(URL.createObjectURL(code), { type: "module" });
          await new Promise((resolve) => thread.onmessage = resolve);
          try {
            files.create("new"); files.syncNow();
            console.log("created");
          } finally { thread.terminate(); }`,
        permissions: ["--allow-read", "--allow-write"],
        wrapper: ["bash", "-c", 'ulimit -n 128; exec "$@"', "bash"],
      });
      assert.equal(said, "created\n");
    }),
});
