// The segment that takes the place of the one in use, while it has no name yet. It is written
// in slices, each synced before the next: saves reach the disk between two slices, and no turn
// of the event loop takes long. `wal.ts` decides when it is named; `segment.ts` has its bytes.
//
// Its base is the state that all saves have left which came before it was begun. Saves that
// come later are written to the segment in use, where they are acknowledged, and handed to
// `add`. So base and added saves are always all that was acknowledged, and `finish`, during
// which no save may be under way, makes the file equal to them.
//
// A record says how much of its file was durable when it was written. Here it says: everything
// before it. The file counts only once it has its name, and all of it is synced by then.

import { assert } from "../base/assert.ts";
import { Writer } from "../base/bytes.ts";
import { type Change, writeChange } from "../raft/core/save_codec.ts";
import type { Identity } from "../raft/core/types.ts";
import type { Files, OpenFile } from "./files.ts";
import { kinds, writeRecord } from "./record.ts";
import { seedOf, segmentPieces, temporaryName } from "./segment.ts";
import type { Steps } from "./work_queue.ts";

/** How a segment is written, in bytes. */
export type SegmentLimits = {
  /** Appended and synced in one go. */
  readonly slice: number;
  /** Of saves: left to `finish` at most, for which a save waits. */
  readonly rest: number;
  /**
   * Of saves that may come while it is written. Beyond them saves wait for it: so a disk that
   * is slow for the one is not filled by the other.
   */
  readonly meanwhile: number;
};

/** The limits of a node in service; tests have smaller ones. */
export const segmentLimits: SegmentLimits = {
  slice: 1024 * 1024,
  rest: 64 * 1024,
  meanwhile: 8 * 1024 * 1024,
};

/** The segment in use, and how far it is written. */
export type OpenSegment = {
  readonly file: OpenFile;
  readonly number: number;
  readonly seed: number;
  // Bytes of the file: synced <= written.
  synced: number;
  written: number;
};

/** The dependencies of a segment that is begun, and its first content. */
export type NextSegmentOptions = {
  readonly files: Files;
  readonly identity: Identity;
  readonly number: number;
  /** The whole state. */
  readonly state: Change;
  readonly limits: SegmentLimits;
};

/** A segment without a name. */
export class NextSegment {
  readonly number: number;
  /** It is being brought up to date for the last time, and named: no save may be written. */
  isSwitching = false;

  readonly #files: Files;
  readonly #seed: number;
  readonly #identity: Identity;
  readonly #limits: SegmentLimits;
  /** `undefined` when the base is encoded. */
  #state: Change | undefined;
  #file: OpenFile | undefined;
  #written = 0;
  /** Saves that are not in the file yet, and bytes that they took in the segment in use. */
  #added: Change[] = [];
  #addedBytes = 0;
  #meanwhileBytes = 0;
  #isGivenUp = false;

  constructor(options: NextSegmentOptions) {
    const { files, identity, number, state, limits } = options;
    this.#limits = limits;
    this.#files = files;
    this.number = number;
    this.#seed = seedOf(identity, number);
    this.#identity = identity;
    this.#state = state;
  }

  /** Bytes of the file. */
  get written(): number {
    return this.#written;
  }

  /** Saves have to wait until this segment is in use. */
  get isHoldingSaves(): boolean {
    return this.isSwitching || this.#meanwhileBytes > this.#limits.meanwhile;
  }

  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** Takes a save that was written to the segment in use, where it took so many bytes. */
  add(save: Change, bytes: number): void {
    this.#added.push(save);
    this.#addedBytes += bytes;
    this.#meanwhileBytes += bytes;
  }

  /** Another segment takes its place: `writeBeside` ends, and its file gets no name. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  /** Makes the file, and writes its base. */
  *write(): Steps {
    this.#file = this.#files.create(temporaryName);
    yield* this.#append(this.#base());
  }

  /** The same while saves go on, and writes those as well, but for the last few. */
  *writeBeside(): Steps {
    const file = this.#file = this.#files.create(temporaryName);
    // The turn that took the snapshot has done enough: a large base is encoded in another.
    yield file;
    if (!this.#isGivenUp) yield* this.#append(this.#base());
    while (!this.#isGivenUp && this.#addedBytes > this.#limits.rest) {
      yield* this.#append(this.#addedRecords());
    }
    if (this.#isGivenUp) file.close();
  }

  /** Writes what is left: the file is then whole, and durable. */
  *finish(): Steps {
    if (this.#added.length > 0) yield* this.#append(this.#addedRecords());
  }

  /** The same file as the segment in use, once it has its name. */
  opened(): OpenSegment {
    const { number } = this;
    const written = this.#written;
    const seed = this.#seed;
    return { file: this.#opened, number, seed, synced: written, written };
  }

  close(): void {
    this.#file?.close();
  }

  get #opened(): OpenFile {
    assert(this.#file !== undefined, "a segment that is not begun");
    return this.#file;
  }

  /** Appends `pieces` in slices, and syncs each. */
  *#append(pieces: readonly Uint8Array[]): Steps {
    const file = this.#opened;
    const size = this.#limits.slice;
    let unsynced = 0;
    for (const piece of pieces) {
      for (let at = 0; at < piece.length && !this.#isGivenUp; at += size) {
        const slice = piece.subarray(at, at + size);
        file.append(slice);
        this.#written += slice.length;
        unsynced += slice.length;
        if (unsynced < size) continue;
        yield file;
        unsynced = 0;
      }
    }
    if (unsynced > 0) yield file;
  }

  /** Once only: what it is made of is not kept. */
  #base(): Uint8Array[] {
    const state = this.#state;
    assert(state !== undefined, "a base is written once");
    this.#state = undefined;
    return segmentPieces(this.number, this.#identity, state);
  }

  /** The added saves as records of this segment. */
  #addedRecords(): Uint8Array[] {
    const writer = new Writer(this.#addedBytes + 4096);
    for (const save of this.#added) {
      const offset = this.#written + writer.length;
      writeRecord(writer, kinds.save, {
        place: { seed: this.#seed, offset, synced: offset },
        writePayload: (writer) => writeChange(writer, save),
      });
    }
    this.#added = [];
    this.#addedBytes = 0;
    return writer.pieces();
  }
}
