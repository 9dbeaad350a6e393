import assert from "node:assert/strict";
import fc from "fast-check";
import {
  allocate,
  free,
  slabBytesHeld,
  trim,
} from "../../../../server/resp/slabs.ts";

const KiB = 1024;

Deno.test("Blocks never overlap, and all memory returns when all are freed", () => {
  const step = fc.oneof(
    fc.record({ allocate: fc.integer({ min: 1, max: 600 * KiB }) }),
    fc.record({ free: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
      const held: { bytes: Uint8Array<ArrayBuffer>; mark: number }[] = [];
      let mark = 0;
      const check = ({ bytes, mark }: typeof held[number]) => {
        for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
          assert.equal(bytes[at], mark);
        }
      };
      for (const one of steps) {
        if ("allocate" in one) {
          const bytes = allocate(one.allocate);
          assert(bytes.length >= one.allocate);
          mark = (mark + 1) % 256;
          bytes.fill(mark);
          held.push({ bytes, mark });
        } else {
          const [gone] = held.splice(one.free % (held.length || 1), 1);
          if (gone === undefined) continue;
          check(gone);
          free(gone.bytes);
        }
      }
      for (const each of held) check(each);
      for (const { bytes } of held) free(bytes);
      for (let look = 0; look < 3; look++) trim();
      assert.equal(slabBytesHeld(), 0);
    }),
    { numRuns: 50 },
  );
});

Deno.test("Many blocks of a size fill one slab before another is begun", () => {
  const blocks = Array.from({ length: 512 }, () => allocate(64 * KiB));
  assert.equal(slabBytesHeld(), 32 * KiB * KiB);
  const next = allocate(64 * KiB);
  assert.equal(slabBytesHeld(), 64 * KiB * KiB);
  for (const block of [...blocks, next]) free(block);
  for (let look = 0; look < 3; look++) trim();
  assert.equal(slabBytesHeld(), 0);
});

Deno.test("A slab with one block in use stays, whatever the others do", () => {
  const [first, second] = [allocate(16 * KiB), allocate(256 * KiB)];
  free(second!);
  for (let look = 0; look < 5; look++) trim();
  first!.fill(7);
  assert.equal(slabBytesHeld(), 32 * KiB * KiB);
  free(first!);
  for (let look = 0; look < 3; look++) trim();
  assert.equal(slabBytesHeld(), 0);
});
