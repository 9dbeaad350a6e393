// Directories that somebody else has changed, or may change: moved, replaced, with planted links.
// Nothing in another node's directory is touched, and only the owner may use new files.

import assert from "node:assert/strict";
import { join } from "node:path";
import { denoFiles } from "../../../storage/files.ts";
import { output, text, withDirectory } from "./directory.ts";

/** Founds another node in `directory`, with files that it must not lose. */
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
    // Once the directory is put back, all is well.
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

Deno.test("Only the owner may use the files that Files makes, whatever the umask says", () =>
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

Deno.test("Files needs no right to where such a link leads, and notices there that LOCK was removed", () =>
  withDirectory(async (directory) => {
    const data = join(directory, "data");
    await Deno.mkdir(join(directory, "disk"));
    await Deno.symlink("disk", data);
    const body =
      `files.lock(); files.create("a").close(); files.rename("a", "b");
      console.log(files.list()?.length);
      Deno.removeSync(${JSON.stringify(join(data, "LOCK"))});
      files.create("a");`;
    const permissions = [`--allow-read=${data}`, `--allow-write=${data}`];
    assert.match(
      await output(directory, { body, permissions }),
      /^2\nStorageError: .*data is not the directory that this process has locked/,
    );
  }));
