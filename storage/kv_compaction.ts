// A compaction in Deno KV, while saves go on. The store begins again at a number far beyond the
// last save: there the base is written, which is the whole state, in many small commits, and
// behind it once more each save that is committed meanwhile. None of it counts until one commit
// moves the head there (`kv_format.ts`); that commit writes the last few of them, too.
// `kv_storage.ts` runs the commits, one at a time, so no save is under way during that one.

import { writeChange } from "../raft/core/save_codec.ts";
import type { Compacted, NodeId } from "../raft/core/types.ts";
import { wholeChange } from "./apply_save.ts";
import { framed, saveKey, split } from "./kv_format.ts";
import { PieceWriter } from "./piece_writer.ts";
import type { Done } from "./storage.ts";

/** How far beyond the next save the base is written: more saves than come until it is. */
const gap = 2 ** 20;

/** One value that is to be written. */
type KeyedPart = {
  readonly n: number;
  readonly index: number;
  readonly count: number;
  readonly part: Uint8Array;
};

/** The saves that a store is to hold after a compaction. */
export class KvCompaction {
  readonly done: Done;
  /** The first of them; 0 until the compaction begins. */
  first = 0;
  /** The number of the save after the last of them. */
  next = 0;
  /** Of all of them. */
  bytes = 0;
  #state: Compacted | undefined;
  #parts: KeyedPart[] = [];
  #written = 0;
  #baseParts = 0;

  constructor(state: Compacted, done: Done) {
    this.#state = state;
    this.done = done;
  }

  /** Begins when all saves before it are committed; `next` is the number of the next save. */
  begin(next: number): void {
    if (this.#state === undefined) return;
    this.first = this.next = next + gap;
    const change = wholeChange(this.#state);
    this.#state = undefined;
    const writer = new PieceWriter();
    writeChange(writer, change);
    this.add(writer.pieces().flatMap(split));
    this.#baseParts = this.#parts.length;
  }

  /** Takes a save that is committed before the base counts. */
  add(parts: readonly Uint8Array[]): void {
    const n = this.next++;
    const count = parts.length;
    parts.forEach((part, index) => {
      this.#parts.push({ n, index, count, part });
      this.bytes += part.length;
    });
  }

  /** The base is written: what is left are saves. */
  get isBaseWritten(): boolean {
    return this.#written >= this.#baseParts;
  }

  /** Nothing is left to write. */
  get isWritten(): boolean {
    return this.#written === this.#parts.length;
  }

  /** Puts as much of what is left into `operation` as one commit may hold. */
  write(
    operation: Deno.AtomicOperation,
    { node, bytesMax, countMax }: {
      readonly node: NodeId;
      readonly bytesMax: number;
      readonly countMax: number;
    },
  ): void {
    let bytes = 0;
    for (let count = 0; count < countMax && !this.isWritten; count++) {
      const keyed = this.#parts[this.#written];
      if (keyed === undefined) return;
      const { n, index, part } = keyed;
      bytes += part.length;
      if (bytes > bytesMax) return;
      operation.set(
        saveKey(node, n, index),
        framed(part, n, index, keyed.count),
      );
      this.#written++;
    }
  }
}
