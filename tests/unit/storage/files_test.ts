// The files on Deno: what only real files, locks, processes and permissions show.

import assert from "node:assert/strict";
import { join } from "node:path";
import { skippable } from "../../lib/needs.ts";
import { unprivileged, unprivilegedNeeds } from "../../lib/unprivileged.ts";
import { adviceOn } from "../../../storage/advice.ts";
import { attempt } from "../../../storage/file_faults.ts";
import { denoFiles, writeAll } from "../../../storage/files.ts";
import { StorageError } from "../../../storage/storage.ts";

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

const filesUrl = new URL("../../../storage/files.ts", import.meta.url).href;

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

// ---------------------------------------------------------------- whose files they are

/** A directory with one file that another node would lose. */
function secondNode(directory: string): void {
  const second = denoFiles(directory);
  second.makeDirectory();
  second.lock();
  for (const name of ["kept", "0000000000000002.log"]) {
    const file = second.create(name);
    file.append(new TextEncoder().encode("the second's"));
    file.close();
  }
  second.unlock();
}

Deno.test("Files touches nothing in a directory that took the place of the one it locked (PITFALLS 43)", () =>
  withDirectory((directory) => {
    const data = join(directory, "data");
    const files = denoFiles(data);
    files.makeDirectory();
    files.lock();
    files.create("segment.tmp").close();
    Deno.renameSync(data, join(directory, "old"));
    const message = new RegExp(
      "^.*data is not the directory that this process has locked: .* " +
        "Stop ticketd before you move its data",
    );
    const refused = (run: () => void) =>
      assert.throws(run, { name: "StorageError", message });
    refused(() => files.create("segment.tmp"));
    secondNode(data);
    refused(() => files.create("segment.tmp"));
    refused(() => files.create("kept"));
    refused(() => files.rename("kept", "0000000000000002.log"));
    refused(() => files.remove("kept"));
    const second = denoFiles(data);
    for (const name of ["kept", "0000000000000002.log"]) {
      assert.equal(text(second.read(name)), "the second's");
    }
    assert.equal(second.list()?.length, 3);
    // Where it was put back, all is well.
    Deno.removeSync(data, { recursive: true });
    Deno.renameSync(join(directory, "old"), data);
    files.rename("segment.tmp", "a");
    files.unlock();
  }));

Deno.test("Files ends when the directory is moved in the very moment of a rename", () =>
  withDirectory((directory) => {
    const data = join(directory, "data");
    const files = denoFiles(data);
    files.makeDirectory();
    files.lock();
    files.create("a").close();
    const rename = Deno.renameSync;
    try {
      Deno.renameSync = (from, to) => {
        rename(from, to);
        rename(data, join(directory, "old"));
      };
      assert.throws(() => files.rename("a", "b"), /is not the directory that/);
    } finally {
      Deno.renameSync = rename;
    }
    files.unlock();
  }));

Deno.test("Files notices that its LOCK was removed, and another made (PITFALLS 43)", () =>
  withDirectory((directory) => {
    const first = denoFiles(directory);
    first.lock();
    Deno.removeSync(join(directory, "LOCK"));
    assert.throws(() => first.create("a"), /or its LOCK removed/);
    const second = denoFiles(directory);
    second.lock();
    assert.throws(() => first.create("a"), /or its LOCK removed/);
    second.create("a").close();
    first.unlock();
    second.unlock();
  }));

Deno.test("What Files makes is its owner's alone, whatever the umask says", () =>
  withDirectory((directory) => {
    const modeOf = (path: string) =>
      (Deno.lstatSync(join(directory, path)).mode ?? 0) & 0o777;
    const umask = Deno.umask(0);
    try {
      const files = denoFiles(join(directory, "a/b"));
      files.makeDirectory();
      files.lock();
      files.create("c").close();
      files.unlock();
    } finally {
      Deno.umask(umask);
    }
    assert.deepEqual(["a", "a/b"].map(modeOf), [0o700, 0o700]);
    assert.deepEqual(["a/b/LOCK", "a/b/c"].map(modeOf), [0o600, 0o600]);
  }));

Deno.test("Files follows no symbolic link that stands where its files belong", () =>
  withDirectory((directory) => {
    const data = join(directory, "data");
    const victim = join(directory, "victim");
    const missing = join(directory, "missing");
    Deno.mkdirSync(data);
    Deno.writeTextFileSync(victim, "precious");
    const files = denoFiles(data);
    const message = (name: string) => ({
      name: "StorageError",
      message:
        `${data}/${name} is a symbolic link, and not of ticketd's making; ` +
        "nothing was read or written through it. Remove it, and let nobody else " +
        "write to its directory",
    });
    for (const target of [victim, missing]) {
      for (const name of ["LOCK", "segment.tmp", "1.log"]) {
        Deno.symlinkSync(target, join(data, name));
      }
      assert.throws(() => files.lock(), message("LOCK"));
      assert.throws(() => files.create("segment.tmp"), message("segment.tmp"));
      assert.throws(() => files.read("1.log"), message("1.log"));
      for (const { name } of [...Deno.readDirSync(data)]) {
        Deno.removeSync(join(data, name));
      }
    }
    assert.equal(Deno.readTextFileSync(victim), "precious");
    assert.throws(() => Deno.lstatSync(missing), Deno.errors.NotFound);
    Deno.mkdirSync(join(data, "LOCK"));
    assert.throws(() => files.lock(), /LOCK is no file, and not of ticketd's/);
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

Deno.test("A --dir that is a symbolic link to a directory is used", () =>
  withDirectory((directory) => {
    Deno.mkdirSync(join(directory, "disk"));
    Deno.symlinkSync("disk", join(directory, "link"));
    const files = denoFiles(join(directory, "link/1"));
    files.makeDirectory();
    files.lock();
    files.create("a").close();
    files.unlock();
    assert.equal(denoFiles(join(directory, "disk/1")).list()?.length, 2);
  }));

Deno.test("It needs no right to where that link leads, and notices there what is moved", () =>
  withDirectory(async (directory) => {
    const data = join(directory, "data");
    Deno.mkdirSync(join(directory, "disk"));
    Deno.symlinkSync("disk", data);
    const body =
      `files.lock(); files.create("a").close(); files.rename("a", "b");
      console.log(files.list()?.length);
      Deno.removeSync(${JSON.stringify(join(data, "LOCK"))});
      files.create("a");`;
    const permissions = [`--allow-read=${data}`, `--allow-write=${data}`];
    assert.match(
      await output(program(directory, body, permissions)),
      /^2\nStorageError: .*data is not the directory that this process has locked/,
    );
  }));

Deno.test("A --dir that is a symbolic link to nowhere is named, with where it leads", () =>
  withDirectory((directory) => {
    for (const target of ["nowhere", "link"]) {
      Deno.symlinkSync(target, join(directory, "link"));
      const message =
        `cannot use ${directory}/link as data directory: it is a ` +
        `symbolic link to ${target}, where nothing is; make that directory, mount ` +
        "what belongs there, or choose another --dir";
      for (const path of ["link", "link/1"]) {
        const files = denoFiles(join(directory, path));
        assert.throws(() => files.makeDirectory(), {
          name: "StorageError",
          message,
        });
      }
      Deno.removeSync(join(directory, "link"));
    }
  }));

Deno.test("A read-only file system is called that, and what to do about it", () => {
  // What Deno throws, word for word: to mount one takes root.
  const readOnly = () => {
    throw new Error("Read-only file system (os error 30): mkdir '/x/1' EROFS");
  };
  assert.throws(
    () => attempt("create", "/x/1", readOnly),
    /^StorageError: cannot create \/x\/1: its file system is mounted read-only; mount it for writing .*, or choose another --dir$/,
  );
});

Deno.test("Where Deno wants --allow-all, another --dir is advised, and not a flag that would not help", () =>
  withDirectory(async (directory) => {
    const told = await output(program(
      directory,
      `const { denoFiles: open } = await import(${JSON.stringify(filesUrl)});
      open("/dev/shm/ticketd-test/1").makeDirectory();`,
      ["--allow-read", "--allow-write"],
    ));
    assert.equal(
      told,
      "StorageError: cannot create /dev/shm/ticketd-test/1: Deno opens nothing in " +
        "/dev, /proc and /sys without --allow-all; choose a --dir on a disk (what lies " +
        "in /dev/shm is lost with the power, too)\n",
    );
  }));

Deno.test("adviceOn() tells of a directory that others may enter, and how to close it", () =>
  withDirectory((directory) => {
    Deno.chmodSync(directory, 0o700);
    assert.deepEqual(adviceOn(directory), []);
    for (const [mode, octal] of [[0o755, "0755"], [0o770, "0770"]] as const) {
      Deno.chmodSync(directory, mode);
      assert.deepEqual(adviceOn(directory), [
        `others than its owner may enter ${directory} (mode ${octal}), and whoever may ` +
        `write there decides which tickets come: chmod 700 ${directory}`,
      ]);
    }
  }));

Deno.test({
  name: "adviceOn() tells of a directory in memory, by whatever name",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withDirectory((directory) => {
      const inMemory = Deno.makeTempDirSync({ dir: "/dev/shm" });
      try {
        const link = join(directory, "link");
        Deno.symlinkSync(inMemory, link);
        const [line, ...others] = adviceOn(link);
        assert.match(
          line ?? "",
          /link lies in \/dev\/shm, which systems keep in/,
        );
        assert.deepEqual(others, []);
      } finally {
        Deno.removeSync(inMemory);
      }
    }),
});
