// A path that the system or Deno refuses is named, with the reason and the remedy.

import assert from "node:assert/strict";
import { join } from "node:path";
import { attempt } from "../../../storage/file_faults.ts";
import { denoFiles } from "../../../storage/files.ts";
import { skippable } from "../../lib/needs.ts";
import { unprivileged, unprivilegedNeeds } from "../../lib/unprivileged.ts";
import { filesUrl, output, withDirectory } from "./directory.ts";

Deno.test("Files says which flag is missing when Deno may not read or write", () =>
  withDirectory(async (directory) => {
    const write = await output(directory, {
      body: "files.makeDirectory();",
      permissions: ["--allow-read"],
    });
    assert.match(
      write,
      /^StorageError: cannot create .*data: Deno was not given the right to; add --allow-write \(-P covers \.\/data only\)\n$/,
    );
    const read = await output(directory, {
      body: "files.list();",
      permissions: ["--allow-write"],
    });
    assert.match(
      read,
      /^StorageError: cannot list .*; add --allow-read \(-P covers \.\/data only\)\n$/,
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
      await Deno.mkdir(join(directory, "data"), { mode: 0o500 });
      assert.match(
        await output(directory, {
          body: "files.lock()",
          permissions: ["--allow-read", "--allow-write"],
          wrapper: unprivileged,
        }),
        /cannot lock .*LOCK: permission denied; give /,
      );
    }),
});

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
  // Deno's error word for word: only root could mount such a file system.
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
    const body = `
      const { denoFiles: open } = await import(${JSON.stringify(filesUrl)});
      open("/dev/shm/ticketd-test/1").makeDirectory();`;
    const permissions = ["--allow-read", "--allow-write"];
    const told = await output(directory, { body, permissions });
    assert.equal(
      told,
      "StorageError: cannot create /dev/shm/ticketd-test/1: Deno opens nothing in " +
        "/dev, /proc and /sys without --allow-all; choose a --dir on a disk (what lies " +
        "in /dev/shm is lost with the power, too)\n",
    );
  }));
