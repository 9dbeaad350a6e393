// Memory for large buffers, which returns to the system when it is not needed any more.
//
// Left to the collector, the buffers of clients that have left would stay until something
// else is allocated, which in an idle process may take hours; and the C library's allocator
// keeps what lies between blocks that are still in use. So large buffers are cut from
// slabs, each a mapping of its own, by halving (Knuth, The Art of Computer Programming 1,
// 2.5: the buddy system), and an empty slab is given back as a whole.
//
// A freed buffer is given to another owner: nothing may use it any more, least of all a
// write to a socket that is still under way.

import { assert } from "../../base/assert.ts";

/** Smaller buffers are left to the collector, and those above the largest block to the system. */
export const blockBytesMin = 16 * 1024;
const blockBytesMax = 512 * 1024;
/** glibc gives memory of this size a mapping of its own, whatever was freed before. */
const slabBytes = 32 * 1024 * 1024;
const orderMax = Math.log2(slabBytes / blockBytesMin);

/** One large mapping, cut into blocks of `blockBytesMin << order` bytes. */
class Slab {
  readonly buffer = new ArrayBuffer(slabBytes);
  /** Offsets of free blocks by their order. */
  readonly #free = Array.from(
    { length: orderMax + 1 },
    () => new Set<number>(),
  );
  /** Blocks in use. */
  used = 0;
  /** Looks in a row at which none was in use. */
  idleLooks = 0;

  constructor() {
    this.#freeOf(orderMax).add(0);
  }

  #freeOf(order: number): Set<number> {
    const offsets = this.#free[order];
    assert(offsets !== undefined, `there are no blocks of order ${order}`);
    return offsets;
  }

  /** The offset of a block, in use from now on; `undefined` if there is none. */
  take(order: number): number | undefined {
    let found = order;
    while (found <= orderMax && this.#freeOf(found).size === 0) found++;
    if (found > orderMax) return undefined;
    const [offset = 0] = this.#freeOf(found);
    this.#freeOf(found).delete(offset);
    while (found > order) {
      found--;
      this.#freeOf(found).add(offset + (blockBytesMin << found));
    }
    this.used++;
    return offset;
  }

  give(offset: number, order: number): void {
    this.used--;
    let [at, size] = [offset, order];
    while (size < orderMax) {
      const buddy = at ^ (blockBytesMin << size);
      if (!this.#freeOf(size).delete(buddy)) break;
      at = Math.min(at, buddy);
      size++;
    }
    assert(!this.#freeOf(size).has(at), "a block is freed once");
    this.#freeOf(size).add(at);
  }
}

const slabs = new Map<ArrayBuffer, Slab>();

/** At least `bytes` bytes of any content, to be given to `free` when they are not needed any more. */
export function allocate(bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes < blockBytesMin || bytes > blockBytesMax) {
    return new Uint8Array(bytes);
  }
  const order = orderOf(bytes);
  const size = blockBytesMin << order;
  for (const slab of slabs.values()) {
    const offset = slab.take(order);
    if (offset !== undefined) return new Uint8Array(slab.buffer, offset, size);
  }
  const slab = new Slab();
  slabs.set(slab.buffer, slab);
  return new Uint8Array(slab.buffer, slab.take(order), size);
}

/** Takes back `bytes`, the whole of what `allocate` gave. */
export function free(bytes: Uint8Array<ArrayBuffer>): void {
  const { buffer, byteOffset, byteLength } = bytes;
  const slab = slabs.get(buffer);
  if (slab !== undefined) return slab.give(byteOffset, orderOf(byteLength));
  if (byteLength > blockBytesMax) buffer.transfer(0);
}

/** To be called once a second. Gives back slabs that stayed empty; true if there were any. */
export function trim(): boolean {
  const before = slabs.size;
  for (const slab of slabs.values()) {
    slab.idleLooks = slab.used === 0 ? slab.idleLooks + 1 : 0;
    if (slab.idleLooks < 2) continue;
    slabs.delete(slab.buffer);
    slab.buffer.transfer(0);
  }
  return slabs.size < before;
}

/** Buffers that put pressure on the collector: untouched, they take address space alone. */
const pressureCount = 8;
const pressureBytes = 64 * 1024 * 1024;

/**
 * Makes the collector run, which it does not by itself in an idle isolate: it counts memory
 * that scripts hold outside of its heap as a reason. The memory that it frees goes back to
 * the system after two or three such calls.
 */
export function pressCollector(): void {
  for (let i = 0; i < pressureCount; i++) {
    new ArrayBuffer(pressureBytes).transfer(0);
  }
}

/** Bytes of all slabs. */
export function slabBytesHeld(): number {
  return slabs.size * slabBytes;
}

function orderOf(bytes: number): number {
  return Math.max(0, Math.ceil(Math.log2(bytes / blockBytesMin)));
}
