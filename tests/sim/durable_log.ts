// The log that would be read back after a power loss now, from the synced bytes alone.
// Checkers compare a node's promises with it, not with what the node believes. Reading goes
// on where it ended last, as long as the file has only grown.

import { readChange } from "../../raft/core/save_codec.ts";
import { Reader } from "../../base/bytes.ts";
import type { NodeId } from "../../raft/core/types.ts";
import { replay, type Replayed } from "../../storage/apply_save.ts";
import { type FoundRecord, readRecord } from "../../storage/record.ts";
import {
  readSegment,
  seedOf,
  segmentName,
  segmentNumbers,
} from "../../storage/segment.ts";
import type { FakeDisk } from "../lib/fake_files.ts";

/** Where the first record of a segment begins. */
const baseOffset = 16;

export class DurableLog {
  readonly #disk: FakeDisk;
  readonly #node: NodeId;
  #version = -1;
  #rewrites = -1;
  #number: number | undefined;
  #state: Replayed | undefined;
  #seed = 0;
  #end = 0;
  #certainEnd = 0;

  constructor(disk: FakeDisk, node: NodeId) {
    this.#disk = disk;
    this.#node = node;
  }

  /** `undefined` before the first segment is durable. */
  read(): Replayed | undefined {
    const { version, rewrites } = this.#disk;
    if (version === this.#version) return this.#state;
    if (rewrites !== this.#rewrites) this.#readWhole();
    else this.#readOn();
    this.#version = version;
    this.#rewrites = rewrites;
    return this.#state;
  }

  /**
   * The newest file, and its bytes before its last record. Damage to these must be noticed,
   * because a record follows them; damage to the last record looks like a torn write.
   */
  get certain(): { readonly name: string; readonly end: number } | undefined {
    this.read();
    if (this.#number === undefined) return undefined;
    return { name: segmentName(this.#number), end: this.#certainEnd };
  }

  #readWhole(): void {
    this.#state = undefined;
    this.#number = segmentNumbers(this.#disk.durableNames()).at(-1);
    if (this.#number === undefined) return;
    const path = segmentName(this.#number);
    const bytes = this.#disk.durable(path)!;
    const { state, end } = readSegment(bytes, {
      path,
      number: this.#number,
      node: this.#node,
    });
    this.#state = state;
    this.#seed = seedOf(state.identity, this.#number);
    this.#end = readRecord(bytes, baseOffset, { seed: 0 })!.end;
    this.#certainEnd = this.#end;
    while (this.#end < end) this.#next(bytes);
  }

  #readOn(): void {
    if (this.#number === undefined || this.#state === undefined) return;
    const bytes = this.#disk.durable(segmentName(this.#number))!;
    for (;;) {
      const record = this.#next(bytes);
      if (record === undefined) return;
      replay(this.#state, readChange(new Reader(record.payload)));
    }
  }

  #next(bytes: Uint8Array): FoundRecord | undefined {
    const record = readRecord(bytes, this.#end, { seed: this.#seed });
    if (record === undefined) return undefined;
    this.#certainEnd = this.#end;
    this.#end = record.end;
    return record;
  }
}
