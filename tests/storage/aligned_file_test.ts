// The file whose appends are durable: what is in it after appends of all sizes, whatever it
// held before and wherever zeros were written ahead; and that a fault is the last thing.

import assert from "node:assert/strict";
import { AlignedFile, FileFault } from "../../storage/aligned_file.ts";
import { randomOf } from "../random.ts";

function withFile(content: Uint8Array, body: (path: string) => void): void {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(path, content);
    body(path);
  } finally {
    Deno.removeSync(path);
  }
}

function bytesOf(length: number, from: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => 1 + (from + i) % 251);
}

Deno.test("AlignedFile holds what was there, what was appended, and zeros", () => {
  const random = randomOf(5);
  for (const before of [0, 1, 511, 4095, 4096, 4097, 12_345, 262_144]) {
    withFile(bytesOf(before, 0), (path) => {
      const file = new AlignedFile(path);
      let length = before;
      for (let i = 0; i < 40; i++) {
        const sizes = [1, 60, 4096, 5000, 262_144, 600_000];
        const most = sizes[random(i < 35 ? 4 : sizes.length)]!;
        const count = 1 + random(most);
        file.append(bytesOf(count, length));
        length += count;
        if (random(3) > 0) file.reserve();
        const found = Deno.readFileSync(path);
        assert.deepEqual(found.subarray(0, length), bytesOf(length, 0));
        assert(found.subarray(length).every((byte) => byte === 0));
      }
      file.close();
    });
  }
});

Deno.test("AlignedFile.reserve() leaves appends room, and no more than it says", () => {
  withFile(bytesOf(700, 0), (path) => {
    const file = new AlignedFile(path);
    const size = () => Deno.statSync(path).size;
    file.reserve();
    const reserved = size();
    assert(reserved >= 128 * 1024 && reserved < 512 * 1024, `${reserved}`);
    for (let i = 0; i < 1000; i++) file.append(bytesOf(100, 0));
    assert.equal(size(), reserved, "appends change no length");
    file.reserve();
    file.reserve();
    assert.equal(size(), reserved, "half of it is still left");
    for (let i = 0; i < 500; i++) file.append(bytesOf(100, 0));
    file.reserve();
    assert(size() > reserved);
    file.close();
  });
});

function faultOf(run: () => void): FileFault["fault"] {
  try {
    run();
  } catch (error) {
    assert(error instanceof FileFault, String(error));
    return error.fault;
  }
  throw new Error("no fault");
}

Deno.test("AlignedFile says which act failed, and of what", () => {
  const missing = faultOf(() => new AlignedFile("/nowhere/at/all"));
  assert.deepEqual([missing.action, missing.code], ["open", "ENOENT"]);
  const file = new AlignedFile("/dev/full");
  const full = faultOf(() => file.append(bytesOf(10, 0)));
  assert.deepEqual([full.action, full.code], ["write", "ENOSPC"]);
  file.close();
});

Deno.test("A fault while room is made is told by the next append, which writes nothing", () => {
  const file = new AlignedFile("/dev/full");
  file.reserve();
  for (let i = 0; i < 2; i++) {
    const { action, code } = faultOf(() => file.append(bytesOf(10, 0)));
    assert.deepEqual([action, code], ["write", "ENOSPC"]);
  }
  file.close();
});
