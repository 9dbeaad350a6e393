// The isolate that appends and syncs, as the log meets it: behind `denoFiles`, on real files.

import assert from "node:assert/strict";
import { denoFiles, type Files, type OpenFile } from "../../storage/files.ts";
import { startSyncer, Syncer } from "../../storage/syncer.ts";
import type { Fault } from "../../storage/syncer_box.ts";

async function withFiles(
  body: (files: Files, directory: string) => Promise<void>,
): Promise<void> {
  const directory = Deno.makeTempDirSync();
  const { worker, memory } = startSyncer(assert.fail);
  const files = denoFiles(directory, { syncer: new Syncer(memory) });
  try {
    files.lock();
    await body(files, directory);
  } finally {
    files.unlock();
    worker.terminate();
    Deno.removeSync(directory, { recursive: true });
  }
}

function appended(file: OpenFile, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    let returned = false;
    file.appendSynced(bytes, (error) => {
      assert(returned, "done runs inside the call");
      if (error === undefined) resolve();
      else reject(error);
    });
    returned = true;
  });
}

function withoutZeros(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1);
}

Deno.test("appendSynced() goes on behind what was appended, through renames and to other files", () =>
  withFiles(async (files) => {
    for (const name of ["one", "two", "three"]) {
      const file = files.create("new");
      const all = [new Uint8Array(1000).fill(1)];
      file.append(all[0]!);
      file.syncNow();
      files.rename("new", name);
      // The last one takes more than one turn of the box.
      for (const [i, size] of [1, 4096, 77, 900_000].entries()) {
        const bytes = new Uint8Array(size).fill(i + 2);
        await appended(file, bytes);
        all.push(bytes);
      }
      const whole = new Uint8Array(await new Blob(all as BlobPart[]).bytes());
      assert.deepEqual(withoutZeros(files.read(name)), whole);
      assert.throws(
        () => file.append(whole),
        /two writers of .*\/(one|two|three)/,
      );
      file.close();
    }
  }));

Deno.test("appendSynced() names the file and the reason when it fails", () =>
  withFiles(async (files) => {
    const file = files.create("gone");
    file.append(new Uint8Array(1));
    file.syncNow();
    files.remove("gone");
    await assert.rejects(
      appended(file, new Uint8Array(1)),
      /^StorageError: cannot open .*\/gone: ENOENT/,
    );
    file.close();
  }));

Deno.test("Syncer tells of a full disk, and answers in the order of the requests", async () => {
  const { worker, memory } = startSyncer(assert.fail);
  const syncer = new Syncer(memory);
  const told: string[] = [];
  const last = Promise.withResolvers<void>();
  const tell = (name: string) => (fault: Fault | undefined) => {
    told.push(`${name} ${fault?.action} ${fault?.code}`);
    if (told.length === 3) last.resolve();
  };
  syncer.open("/dev/full", tell("open"));
  syncer.append(new Uint8Array(5), tell("append"));
  syncer.append(new Uint8Array(5), tell("again"));
  await last.promise;
  // Nothing is written after a fault: the file is not even open any more.
  assert.deepEqual(told, [
    "open undefined undefined",
    "append write ENOSPC",
    "again write ",
  ]);
  syncer.end();
  worker.terminate();
});

Deno.test("Syncer.end() answers nothing more, and its isolate ends while it waits", async () => {
  const { worker, memory } = startSyncer(assert.fail);
  const syncer = new Syncer(memory);
  const opened = Promise.withResolvers<void>();
  syncer.open("/dev/null", () => opened.resolve());
  await opened.promise;
  syncer.append(new Uint8Array(5), () => assert.fail("answered after its end"));
  syncer.end();
  await new Promise((resolve) => setTimeout(resolve, 50));
  worker.terminate();
});
