// The fake disk keeps through a crash exactly what its header allows: every image that it may
// leave is compared with that.

import assert from "node:assert/strict";
import type { OpenFile } from "../../../storage/files.ts";
import { randomOf } from "../../lib/random.ts";
import { everyChoice } from "../../crashes/main.ts";
import {
  FakeDisk,
  type FakeDiskOptions,
  type Pick,
} from "../../lib/fake_files.ts";

const nothing: Pick = () => 0;
const everything: Pick = (count) => count - 1;

function filled(length: number, byte: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

/** A disk with one empty file, durable under its name, and still open. */
function diskWith(name = "a", options: FakeDiskOptions = {}): {
  disk: FakeDisk;
  file: OpenFile;
} {
  const disk = new FakeDisk(options);
  const file = disk.open().create(name);
  disk.open().syncNow();
  return { disk, file };
}

/** The distinct contents of `name` that crashes may leave; `undefined`: no such name. */
function imagesOf(disk: FakeDisk, name = "a"): (Uint8Array | undefined)[] {
  const images = new Map<string, Uint8Array | undefined>();
  everyChoice((pick) => {
    const crashed = disk.copy();
    crashed.crash(pick);
    const content = crashed.content(name);
    images.set(String(content), content);
    return true;
  });
  return [...images.values()];
}

/** The sets of names that crashes may leave. */
function namesOf(disk: FakeDisk): string[] {
  const images = new Set<string>();
  everyChoice((pick) => {
    const crashed = disk.copy();
    crashed.crash(pick);
    images.add(crashed.names().join(" "));
    return true;
  });
  return [...images].sort();
}

// ---------------------------------------------------------------- crashes

Deno.test("A crash takes nothing that was synced, and a restart nothing at all", () => {
  const { disk, file } = diskWith();
  file.append(filled(700, 1));
  file.syncNow();
  assert.equal(imagesOf(disk).length, 1);
  file.append(filled(10, 2));
  disk.restart();
  assert.deepEqual(disk.content("a")?.length, 710);
  disk.crash(nothing);
  assert.deepEqual(disk.content("a"), filled(700, 1));
});

Deno.test("A crash keeps any subset of the sectors of unsynced writes, and zeros or no length", () => {
  const { disk, file } = diskWith();
  file.append(filled(100, 1));
  file.syncNow();
  file.append(filled(300, 2));
  file.append(filled(700, 3));
  // 100 to 400, 400 to 512, a whole sector, and 1024 to 1100.
  const ends = [400, 512, 1024, 1100];
  const images = imagesOf(disk);
  // All subsets of 4 pieces, each as long as its last one or any that follows.
  assert.equal(images.length, 5 + 4 + 2 * 3 + 4 * 2 + 8);
  for (const image of images) {
    assert(image !== undefined);
    assert([100, ...ends].includes(image.length), `length ${image.length}`);
    assert.deepEqual(image.subarray(0, 100), filled(100, 1));
    for (const [i, end] of ends.entries()) {
      const piece = image.subarray(ends[i - 1] ?? 100, end);
      const written = filled(piece.length, i === 0 ? 2 : 3);
      if (piece.some((byte) => byte !== 0)) assert.deepEqual(piece, written);
    }
  }
  const reordered = images.filter((image) => image?.[399] === 0 && image[1099]);
  assert.equal(reordered.length, 4);
});

Deno.test("A crash of many sectors keeps heads, tails, holes and any subset", () => {
  const { disk, file } = diskWith();
  file.append(filled(64 * 512, 1));
  const random = randomOf(1);
  const shapes = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const crashed = disk.copy();
    crashed.crash(random);
    const bytes = crashed.content("a") ?? filled(0, 0);
    const sectors = Array.from({ length: 64 }, (_, i) => bytes[i * 512] ?? 0);
    const text = sectors.join("");
    if (/^0*$/.test(text)) shapes.add("none");
    else if (/^1*$/.test(text)) shapes.add("all");
    else if (/^1+0+$/.test(text)) shapes.add("head");
    else if (/^0+1+$/.test(text)) shapes.add("tail");
    else if (/^1+01+$/.test(text)) shapes.add("hole");
    else shapes.add("any");
  }
  assert(shapes.isSupersetOf(new Set(["none", "head", "tail", "hole", "any"])));
  disk.crash(nothing);
  assert.equal(disk.content("a")?.length, 0);
});

Deno.test("A sync covers what was written before it began, and only once it ends", () => {
  const ends: (() => void)[] = [];
  const { disk, file } = diskWith("a", { later: (run) => ends.push(run) });
  file.append(filled(10, 1));
  file.sync(() => {});
  file.append(filled(10, 2));
  assert.equal(imagesOf(disk).length, 7);
  ends.shift()?.();
  assert.deepEqual(disk.durable("a"), filled(10, 1));
  assert.equal(imagesOf(disk).length, 3);
});

Deno.test("A failed sync is never made good: its pages are clean, and may be lost (PITFALLS 11)", () => {
  const { disk, file } = diskWith();
  file.append(filled(10, 1));
  disk.fault = ({ type }) => type === "sync" ? new Error("EIO") : undefined;
  assert.throws(() => file.syncNow(), /EIO/);
  disk.fault = () => undefined;
  file.syncNow();
  file.append(filled(10, 2));
  file.syncNow();
  assert.deepEqual(disk.content("a")?.[0], 1);
  const images = imagesOf(disk).map((image) => [image?.[0], image?.length]);
  assert.deepEqual(images, [[0, 20], [1, 20]]);
});

Deno.test("A failed write leaves half of its bytes", () => {
  const { disk, file } = diskWith();
  disk.fault = () => new Error("no space left on the device");
  assert.throws(() => file.append(filled(10, 1)), /no space/);
  assert.deepEqual(disk.content("a"), filled(5, 1));
});

// ---------------------------------------------------------------- names

Deno.test("A synced file without a synced name may be gone", () => {
  const disk = new FakeDisk();
  const file = disk.open().create("a");
  file.append(filled(3, 1));
  file.syncNow();
  assert.deepEqual(imagesOf(disk), [undefined, filled(3, 1)]);
  assert.equal(disk.durable("a"), undefined);
  disk.open().syncNow();
  assert.deepEqual(imagesOf(disk), [filled(3, 1)]);
});

Deno.test("A crash keeps any subset of the name changes, and a rename whole or not", () => {
  const disk = new FakeDisk();
  disk.setContent("old", filled(1, 1));
  const files = disk.open();
  files.create("new.tmp");
  files.rename("new.tmp", "new");
  files.remove("old");
  assert.deepEqual(namesOf(disk), [
    "",
    "new",
    "new old",
    "new.tmp",
    "new.tmp old",
    "old",
  ]);
  files.syncNow();
  assert.deepEqual(namesOf(disk), ["new"]);
});

Deno.test("A file that is created over another is the old, none or the new, until its name is synced", () => {
  const disk = new FakeDisk();
  disk.setContent("a", filled(4, 1));
  const files = disk.open();
  const file = files.create("a");
  assert.equal(disk.content("a")?.length, 0);
  file.append(filled(2, 2));
  const images = () => imagesOf(disk).map(String).sort();
  // Empty, unwritten, as it was, new, and gone.
  assert.deepEqual(images(), ["", "0,0", "1,1,1,1", "2,2", "undefined"]);
  file.syncNow();
  assert.deepEqual(images(), ["1,1,1,1", "2,2", "undefined"]);
  files.syncNow();
  assert.deepEqual(images(), ["2,2"]);
});

// ---------------------------------------------------------------- processes

Deno.test("The files of a dead process throw, and their syncs call nobody", () => {
  const ends: (() => void)[] = [];
  const { disk, file } = diskWith("a", { later: (run) => ends.push(run) });
  file.append(filled(3, 1));
  file.sync(() => assert.fail("called"));
  const files = disk.open();
  files.lock();
  assert.throws(() => disk.open().lock(), /in use/);
  disk.restart();
  ends.shift()?.();
  assert.throws(() => file.append(filled(1, 1)), /has died/);
  assert.throws(() => files.read("a"), /has died/);
  disk.open().lock();
  disk.crash(nothing);
  assert.equal(disk.content("a")?.length, 0);
});

Deno.test("A copy of a disk and the disk go their own ways", () => {
  const { disk, file } = diskWith();
  file.append(filled(600, 1));
  const copy = disk.copy();
  file.append(filled(600, 2));
  file.syncNow();
  disk.flip("a", { at: 0, bit: 0 });
  assert.deepEqual(copy.content("a"), filled(600, 1));
  assert.equal(imagesOf(copy).length, 7);
  copy.crash(everything);
  copy.setContent("b", filled(1, 1));
  assert.equal(disk.content("a")?.length, 1200);
  assert.deepEqual(disk.names(), ["a"]);
});

Deno.test("The version rises with what is durable, and rewrites with all but appends", () => {
  const { disk, file } = diskWith();
  const changes = (run: () => void): string => {
    const { version, rewrites } = disk;
    run();
    const words = [
      disk.version > version && "version",
      disk.rewrites > rewrites && "rewrites",
    ];
    return words.filter(Boolean).join(" ");
  };
  assert.equal(changes(() => file.append(filled(600, 1))), "");
  assert.equal(changes(() => file.syncNow()), "version");
  assert.equal(changes(() => disk.restart()), "");
  const both = "version rewrites";
  assert.equal(changes(() => disk.open().syncNow()), both);
  assert.equal(changes(() => disk.flip("a", { at: 3, bit: 3 })), both);
  assert.equal(changes(() => disk.open().create("a")), "");
  assert.equal(changes(() => disk.setContent("b", filled(1, 1))), both);
  assert.equal(changes(() => disk.crash(nothing)), both);
});

Deno.test("Operations are counted, and recorded unless a test says otherwise", () => {
  const { disk } = diskWith("a");
  assert.deepEqual(disk.operations, ["create a", "syncDirectory "]);
  const silent = diskWith("a", { record: false }).disk;
  assert.deepEqual(silent.operations, []);
  assert.equal(silent.operationCount, 2);
});

// ---------------------------------------------------------------- damage

Deno.test("flip() changes one bit, for good", () => {
  const disk = new FakeDisk();
  disk.setContent("a", filled(3, 0xf0));
  disk.flip("a", { at: 1, bit: 0 });
  disk.crash(nothing);
  assert.deepEqual(disk.content("a"), Uint8Array.of(0xf0, 0xf1, 0xf0));
  assert.deepEqual(disk.durable("a"), disk.content("a"));
  assert.throws(() => disk.flip("a", { at: 3, bit: 0 }), /no byte 3/);
});

Deno.test("copySector() puts a sector where another belongs, and changes no length", () => {
  const disk = new FakeDisk();
  disk.setContent("a", filled(512, 1));
  disk.setContent("b", filled(700, 2));
  disk.copySector({ name: "a", sector: 0 }, { name: "b", sector: 1 });
  const expected = filled(700, 2);
  expected.fill(1, 512);
  assert.deepEqual(disk.content("b"), expected);
  disk.copySector({ name: "b", sector: 0 }, { name: "a", sector: 0 });
  assert.deepEqual(disk.content("a"), filled(512, 2));
});

Deno.test("staleSector() brings back what a sector held before any sync, or a removed file", () => {
  const { disk, file } = diskWith();
  const stale = (from: FakeDisk): string[] => {
    const images = new Set<string>();
    everyChoice((pick) => {
      const copy = from.copy();
      if (copy.staleSector({ name: "a", sector: 0 }, pick)) {
        images.add(String(copy.content("a")));
      }
      return true;
    });
    return [...images].sort();
  };
  assert.deepEqual(stale(disk), []);
  for (const byte of [1, 2]) {
    file.append(filled(2, byte));
    file.syncNow();
  }
  assert.deepEqual(stale(disk), ["0,0,0,0", "1,1,0,0"]);
  disk.setContent("b", filled(3, 9));
  disk.setContent("b", undefined);
  assert.deepEqual(stale(disk), ["0,0,0,0", "1,1,0,0", "9,9,9,0"]);
});
