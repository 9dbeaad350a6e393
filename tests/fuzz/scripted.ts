// The reading half of a connection that is a script: pieces that arrive one by one, each as
// far as there is space for it, and then the end.

import assert from "node:assert/strict";

export class ScriptedReads {
  readonly #parts: Uint8Array[];
  /** Bytes read so far. */
  count = 0;

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = [...parts];
  }

  /** More pieces arrive, after those that wait. */
  push(parts: readonly Uint8Array[]): void {
    this.#parts.push(...parts);
  }

  read(space: Uint8Array): Promise<number | null> {
    assert(space.length > 0, "a read without space");
    const part = this.#parts.shift();
    if (part === undefined) return Promise.resolve(null);
    const count = Math.min(part.length, space.length);
    space.set(part.subarray(0, count));
    if (count < part.length) this.#parts.unshift(part.subarray(count));
    this.count += count;
    return Promise.resolve(count);
  }
}
