// One file of the fake disk: the bytes that a reader sees, apart from those that are durable, and
// what a power loss, a failed sync and a bad disk may do to them.
//
// It assumes of a real disk, and no more:
// - A sector, 512 bytes of the file, is written whole or not at all, so that an append never
//   harms the synced bytes that share its sector ("powersafe overwrite").
// - A new byte that did not reach the disk reads as zero: file systems that order data before
//   metadata never show a former owner's bytes. The length is metadata and may be ahead of the
//   data, but never behind the synced bytes.
// Beyond that, a power loss keeps any subset of the sectors of any subset of the writes. A real
// page cache, which holds all writes to one sector together, loses less.

import assert from "node:assert/strict";

/** A disk writes so many bytes whole or not at all. */
export const sectorBytes = 512;

/** Chooses a number below `count`; 0 always keeps least. */
export type Pick = (count: number) => number;

type Write = {
  readonly from: number;
  readonly to: number;
  /** A sync of it has failed: its pages are clean, and no later sync writes them. */
  lost: boolean;
};

/** Up to so many pieces, `pick` chooses each; of more, it chooses a likely shape first. */
const subsetPiecesMax = 8;

/** The file. */
export class Inode {
  #cached = new Content();
  #durable = new Content();
  /** In rising order, and all within `#cached`. */
  #unsynced: Write[] = [];
  /** All durable lengths that it has had, for {@linkcode formerSectors}. */
  #lengths: number[] = [];

  /** A file with `bytes`, all of them durable. */
  static of(bytes: Uint8Array): Inode {
    const inode = new Inode();
    inode.#cached.write(0, bytes);
    inode.#durable.write(0, bytes);
    return inode;
  }

  copy(): Inode {
    const inode = new Inode();
    inode.#cached = this.#cached.copy();
    inode.#durable = this.#durable.copy();
    inode.#unsynced = this.#unsynced.map((write) => ({ ...write }));
    inode.#lengths = this.#lengths.slice();
    return inode;
  }

  /** The bytes that a reader sees: a view, valid until the next change. */
  get cached(): Uint8Array {
    return this.#cached.bytes;
  }

  /** The bytes that are certain to survive: a view, valid until the next change. */
  get durable(): Uint8Array {
    return this.#durable.bytes;
  }

  /** Writes `bytes` at the end, unsynced. */
  append(bytes: Uint8Array): void {
    const from = this.#cached.length;
    this.#cached.write(from, bytes);
    this.#unsynced.push({ from, to: from + bytes.length, lost: false });
  }

  /** Begins a sync of everything that is written now; the function that it returns ends it. */
  startSync(): (failed: boolean) => void {
    const cached = this.#cached;
    const covered = cached.length;
    return (failed) => {
      if (cached !== this.#cached) return;
      const mine = (write: Write) => !write.lost && write.to <= covered;
      if (failed) {
        for (const write of this.#unsynced) write.lost ||= mine(write);
        return;
      }
      this.#lengths.push(this.#durable.length);
      for (const write of this.#unsynced) {
        if (mine(write)) this.#keep(write);
      }
      this.#unsynced = this.#unsynced.filter((write) => !mine(write));
    };
  }

  /** The power is lost: the file keeps what was synced, and what `pick` chooses of the rest. */
  crash(pick: Pick): void {
    const pieces = this.#unsynced.flatMap(piecesOf);
    const kept = pickSubset(pieces.length, pick);
    pieces.forEach((piece, i) => kept[i] && this.#keep(piece));
    const ends = pieces.map(({ to }) => to)
      .filter((end) => end > this.#durable.length);
    if (ends.length > 0) {
      const choice = pick(ends.length + 1);
      if (choice > 0) this.#durable.grow(ends[choice - 1] ?? 0);
    }
    this.#cached = this.#durable.copy();
    this.#unsynced = [];
  }

  /** Bytes at `at` change by themselves, for readers and on the disk. */
  damage(at: number, bytes: Uint8Array): void {
    assert(at + bytes.length <= this.#cached.length, "damage behind the end");
    this.#cached.write(at, bytes);
    const within = this.#durable.length - at;
    if (within > 0) this.#durable.write(at, bytes.subarray(0, within));
  }

  /** The bytes of a sector, as far as the file goes: a copy. */
  sector(number: number): Uint8Array {
    return sectorOf(this.cached, number);
  }

  /** The bytes of the sector before each sync: those that were there, and zeros. */
  formerSectors(number: number): Uint8Array[] {
    const now = this.sector(number);
    const start = number * sectorBytes;
    const lengths = new Set([0, ...this.#lengths.map((end) => end - start)]);
    return [...lengths].filter((length) => 0 <= length && length < now.length)
      .map((length) => {
        const former = new Uint8Array(now.length);
        former.set(now.subarray(0, length));
        return former;
      });
  }

  #keep({ from, to }: { from: number; to: number }): void {
    this.#durable.write(from, this.#cached.bytes.subarray(from, to));
  }
}

/** The sector of this number in `bytes`: a copy. */
export function sectorOf(bytes: Uint8Array, number: number): Uint8Array {
  return bytes.slice(number * sectorBytes, (number + 1) * sectorBytes);
}

type Piece = { readonly from: number; readonly to: number };

function piecesOf({ from, to }: Piece): Piece[] {
  const pieces: Piece[] = [];
  for (let at = from; at < to;) {
    const end = Math.min(to, (Math.floor(at / sectorBytes) + 1) * sectorBytes);
    pieces.push({ from: at, to: end });
    at = end;
  }
  return pieces;
}

/** Which of `count` pieces are kept. A fair coin for each would rarely keep many in a row. */
function pickSubset(count: number, pick: Pick): boolean[] {
  const kept = new Array<boolean>(count).fill(false);
  const shape = count <= subsetPiecesMax ? "any" : shapes[pick(shapes.length)];
  switch (shape) {
    case "any":
      return kept.map(() => pick(2) === 1);
    case "head":
      return kept.fill(true, 0, 1 + pick(count));
    case "tail":
      return kept.fill(true, 1 + pick(count - 1));
    case "hole": {
      const hole = pick(count);
      return kept.map((_, i) => i !== hole);
    }
    default:
      return kept;
  }
}

const shapes = ["none", "head", "tail", "hole", "any"] as const;

/**
 * Bytes that grow; a gap between the old end and a write reads as zeros. Copies share their
 * bytes until one of them writes.
 */
class Content {
  #bytes = new Uint8Array();
  #shared = false;
  length = 0;

  /** A view. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  write(at: number, bytes: Uint8Array): void {
    this.grow(at + bytes.length);
    if (this.#shared) this.#move(this.#bytes.length);
    this.#bytes.set(bytes, at);
  }

  grow(length: number): void {
    if (length > this.#bytes.length) {
      this.#move(Math.max(length, this.#bytes.length * 2));
    }
    this.length = Math.max(this.length, length);
  }

  copy(): Content {
    const copy = new Content();
    copy.#bytes = this.#bytes;
    copy.length = this.length;
    copy.#shared = this.#shared = true;
    return copy;
  }

  #move(capacity: number): void {
    const bytes = new Uint8Array(capacity);
    bytes.set(this.bytes);
    this.#bytes = bytes;
    this.#shared = false;
  }
}
