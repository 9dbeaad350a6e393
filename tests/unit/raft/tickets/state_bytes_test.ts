// The bytes of a state against a plain copy of them, with records that lie across the borders of
// the chunks, and snapshots at any moment.

import assert from "node:assert/strict";
import fc from "fast-check";
import { StateBytes } from "../../../../raft/tickets/state_bytes.ts";

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ set: fc.nat(), to: fc.bigInt(0n, 2n ** 64n - 1n) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ append: fc.integer({ min: 8, max: 3000 }) }),
  },
  { weight: 2, arbitrary: fc.constant("go on" as const) },
  { weight: 1, arbitrary: fc.constant("snapshot" as const) },
  { weight: 1, arbitrary: fc.record({ cut: fc.integer({ min: 1, max: 3 }) }) },
);

/** As far as each record, which ends with its number. */
type Record = { readonly begin: number; readonly end: number };

Deno.test("A snapshot never changes, and the bytes are as a plain copy would be", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 16, max: 20_000 }),
      fc.array(step, { maxLength: 60, size: "max" }),
      (length, steps) => {
        let model = Uint8Array.from({ length }, (_, i) => i);
        const bytes = new StateBytes(model.slice());
        let records: Record[] = [{ begin: 1, end: length }];
        /** Records that no snapshot has seen may be cut off. */
        let isSeen = 1;
        const snapshots: [Uint8Array, Uint8Array][] = [];
        const setLast = (place: number, last: bigint) => {
          new DataView(model.buffer).setBigUint64(place, last, true);
          bytes.setLast(place, last);
        };
        for (const each of steps) {
          if (each === "go on") bytes.copySome();
          else if (each === "snapshot") {
            snapshots.push([bytes.snapshot(), model.slice()]);
            isSeen = records.length;
          } else if ("append" in each) {
            const begin = bytes.append(each.append);
            assert.equal(begin, model.length);
            const end = begin + each.append;
            const name = new Uint8Array(each.append - 8).fill(each.append);
            model = Uint8Array.of(...model, ...name, ...new Array(8).fill(0));
            bytes.set(begin, name);
            bytes.setLast(end - 8, 0n);
            records.push({ begin, end });
          } else if ("cut" in each) {
            const left = Math.max(isSeen, records.length - each.cut);
            records = records.slice(0, left);
            const end = records.at(-1)!.end;
            bytes.cut(end);
            model = model.slice(0, end);
          } else {
            const { end } = records[each.set % records.length]!;
            setLast(end - 8, each.to);
          }
          assert.equal(bytes.length, model.length);
          for (const { begin, end } of records) {
            const last = new DataView(model.buffer).getBigUint64(end - 8, true);
            assert.equal(bytes.lastAt(end - 8), last);
            const byte = bytes.viewAt(begin).getUint8(begin);
            assert(end - begin <= 8 || byte === model[begin]);
          }
        }
        for (const [snapshot, then] of snapshots) {
          assert.deepEqual(snapshot, then);
        }
        assert.deepEqual(bytes.snapshot(), model);
      },
    ),
  );
});

Deno.test("The head is what was set last, though a snapshot holds an older one", () => {
  const bytes = new StateBytes(new Uint8Array(10_000));
  bytes.ownHead.setUint8(3, 7);
  const snapshot = bytes.snapshot();
  bytes.ownHead.setUint8(3, 8);
  assert.equal(snapshot[3], 7);
  for (let i = 0; i < 9; i++) bytes.copySome();
  assert.equal(bytes.head.getUint8(3), 8);
  assert.equal(bytes.snapshot()[3], 8);
});

Deno.test("The bytes that it began with stay as they were", () => {
  const given = Uint8Array.from({ length: 5000 }, () => 1);
  const bytes = new StateBytes(given);
  bytes.setLast(4092, 5n); // across the border of two chunks
  bytes.ownHead.setUint8(0, 9);
  assert.deepEqual(given, Uint8Array.from({ length: 5000 }, () => 1));
  assert.equal(bytes.lastAt(4092), 5n);
  assert.equal(bytes.lastAt(4984), 0x0101010101010101n);
});

Deno.test("What a snapshot has put off is done by ticks, and begun by none", () => {
  const bytes = new StateBytes(new Uint8Array(3 * 2 ** 20));
  bytes.tick();
  assert.equal(bytes.isCopying, false, "nothing has changed");
  const before = bytes.snapshot();
  assert.equal(bytes.snapshot(), before, "and no memory was opened");
  bytes.setLast(64, 5n);
  for (const left of [true, true, true, false]) {
    assert.equal(bytes.isCopying, true);
    bytes.tick();
    assert.equal(bytes.isCopying, left);
  }
  assert.equal(bytes.lastAt(64), 5n);
});
