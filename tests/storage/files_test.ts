// The files on Deno: what only real files, locks, processes and permissions show.

import assert from "node:assert/strict";
import { join } from "node:path";
import { skippable } from "../needs.ts";
import { unprivileged, unprivilegedNeeds } from "../unprivileged.ts";
import { denoFiles, writeAll } from "../../storage/files.ts";
import { StorageError } from "../../storage/storage.ts";

function withDirectory<T>(body: (directory: string) => T): T {
  const directory = Deno.makeTempDirSync();
  const remove = () => Deno.removeSync(directory, { recursive: true });
  let result: T;
  try {
    result = body(directory);
  } catch (error) {
    remove();
    throw error;
  }
  if (result instanceof Promise) return result.finally(remove) as T;
  remove();
  return result;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const filesUrl = new URL("../../storage/files.ts", import.meta.url).href;

/** A program that uses `files` of `directory`, run with the given permissions. */
function program(
  directory: string,
  body: string,
  permissions: string[],
  wrapper: readonly string[] = [],
): Deno.Command {
  const script = join(directory, "script.ts");
  Deno.writeTextFileSync(
    script,
    `import { denoFiles } from ${JSON.stringify(filesUrl)};
    const files = denoFiles(${JSON.stringify(join(directory, "data"))});
    try { ${body} } catch (error) { console.log(String(error)); }`,
  );
  const [first, ...rest] = [...wrapper, Deno.execPath()];
  return new Deno.Command(first!, {
    args: [
      ...rest,
      "run",
      "--no-config",
      "--no-prompt",
      "--no-lock",
      ...permissions,
      script,
    ],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  });
}

async function output(command: Deno.Command): Promise<string> {
  const child = command.spawn();
  await child.stdin.close();
  return text((await child.output()).stdout);
}

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

Deno.test("writeAll() ends with an error when nothing is taken, and not never", () => {
  const file = { writeSync: () => 0 };
  assert.throws(() => writeAll(file, new Uint8Array(1)), /takes no more bytes/);
});

Deno.test("Files.list() tells a directory that is empty from one that is not there", () =>
  withDirectory((directory) => {
    assert.deepEqual(denoFiles(directory).list(), []);
    assert.equal(denoFiles(join(directory, "none")).list(), undefined);
  }));

Deno.test("Files.makeDirectory() makes what is missing above it, and may come twice", () =>
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
      new Promise<void>((resolve, reject) =>
        target.sync((error) => error ? reject(error) : resolve())
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
    const error = await new Promise((resolve) => files.sync(resolve));
    assert.ok(error instanceof StorageError);
    assert.match(error.message, /cannot sync .*gone: /);
  }));

Deno.test("Files.lock() refuses the same process twice, until unlock() (TRANSCRIPTS 10)", () =>
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
    const holder = program(
      directory,
      `files.makeDirectory(); files.lock(); console.log("locked");
      for await (const _ of Deno.stdin.readable) { /* until killed */ }`,
      ["--allow-read", "--allow-write"],
    ).spawn();
    const reader = holder.stdout.getReader();
    assert.match(
      text((await reader.read()).value ?? new Uint8Array()),
      /locked/,
    );
    const files = denoFiles(join(directory, "data"));
    assert.throws(() => files.lock(), /is in use by another ticketd process/);
    holder.kill("SIGKILL");
    await holder.status;
    await reader.cancel();
    await holder.stdin.close().catch(() => {});
    files.lock();
    files.unlock();
  }));

Deno.test("Files says which flag is missing when Deno may not read or write", () =>
  withDirectory(async (directory) => {
    const write = await output(
      program(directory, "files.makeDirectory();", ["--allow-read"]),
    );
    assert.match(
      write,
      /^StorageError: cannot create .*data: Deno was not given the right to; add --allow-write \(-P covers \.\/data only\)\n$/,
    );
    const read = await output(
      program(directory, "files.list();", ["--allow-write"]),
    );
    assert.match(
      read,
      /^StorageError: cannot list .*; add --allow-read \(-P covers \.\/data only\)\n$/,
    );
  }));

Deno.test("Files.makeDirectory() needs no right to what lies above the directory", () =>
  withDirectory(async (directory) => {
    const data = join(directory, "data");
    const body =
      `files.makeDirectory(); files.lock(); console.log(files.list());`;
    const permissions = [`--allow-read=${data}`, `--allow-write=${data}`];
    assert.equal(
      await output(program(directory, body, permissions)),
      `[ "LOCK" ]\n`,
    );
  }));

Deno.test("Files says that a file stands where a directory belongs", () =>
  withDirectory((directory) => {
    Deno.writeTextFileSync(join(directory, "data"), "");
    const files = denoFiles(join(directory, "data"));
    const message = `cannot use ${files.directory} as data directory: ` +
      "it is a file; choose another --dir";
    const below = denoFiles(join(directory, "data/1/x"));
    for (const one of [files, below]) {
      const error = { name: "StorageError", message };
      assert.throws(() => one.list(), error);
      assert.throws(() => one.makeDirectory(), error);
    }
  }));

Deno.test("Files.makeDirectory() says that a directory cannot be made where none may be", () => {
  assert.throws(() => denoFiles("/proc/none/1").makeDirectory(), {
    name: "StorageError",
    message: "cannot create /proc/none/1: no such directory above it; " +
      "choose another --dir",
  });
});

Deno.test({
  ...skippable(
    "Files says so when the operating system denies permission",
    unprivilegedNeeds,
  ),
  fn: () =>
    withDirectory(async (directory) => {
      Deno.mkdirSync(join(directory, "data"), { mode: 0o500 });
      const rights = ["--allow-read", "--allow-write"];
      assert.match(
        await output(program(directory, "files.lock()", rights, unprivileged)),
        /cannot lock .*LOCK: permission denied; give /,
      );
    }),
});
