// One file of the fake disk: the bytes that a reader sees, apart from those that are
// durable, with what a power loss, a failed sync and a bad disk may do to them.
//
// What is assumed of a real disk, and no more:
// - A sector, 512 bytes of the file, is written whole or not at all, so that an append
//   never harms the synced bytes that share its sector ("powersafe overwrite").
// - A new byte that did not reach the disk reads as zero: file systems that order data
//   before metadata show nobody the former owner's. The length is metadata and may be
//   ahead of the data, but never behind what was synced.
// Beyond that a loss keeps any subset of the sectors of any subset of the writes: a real
// page cache, which holds all writes to one sector at once, can do less.

import assert from "node:assert/strict";

export const sectorBytes = 512;

/** Chooses among `count`: 0 always keeps least. */
export type Pick = (count: number) => number;

type Write = {
  readonly from: number;
  readonly to: number;
  /** A sync of it failed: its pages are clean, and no later sync writes them. */
  lost: boolean;
};

/** Of so many pieces every subset is one choice; of more, likely shapes come first. */
const subsetPiecesMax = 8;

export class Inode {
  #cached = new Content();
  #durable = new Content();
  /** In rising order, and all within `#cached`. */
  #unsynced: Write[] = [];
  /** The durable lengths that it has had, for {@linkcode formerSectors}. */
  #lengths: number[] = [];

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

  /** A view of what is read now, until the next change. */
  get cached(): Uint8Array {
    return this.#cached.bytes;
  }

  /** A view of what certainly survives, until the next change. */
  get durable(): Uint8Array {
    return this.#durable.bytes;
  }

  append(bytes: Uint8Array): void {
    const from = this.#cached.length;
    this.#cached.write(from, bytes);
    this.#unsynced.push({ from, to: from + bytes.length, lost: false });
  }

  /** A sync covers what was written before it: to be finished later. */
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

  /** The power is gone: from now on the file is what `pick` chose to keep of it. */
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

  /** Bytes that change by themselves, in what is read and in what is durable. */
  damage(at: number, bytes: Uint8Array): void {
    assert(at + bytes.length <= this.#cached.length, "damage behind the end");
    this.#cached.write(at, bytes);
    const within = this.#durable.length - at;
    if (within > 0) this.#durable.write(at, bytes.subarray(0, within));
  }

  /** The bytes of a sector as far as the file goes: a copy. */
  sector(number: number): Uint8Array {
    return sectorOf(this.cached, number);
  }

  /** What the sector held before some sync: as much as was there then, and zeros. */
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

/** Which of `count` are kept. A fair coin for each would rarely keep many in a row. */
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
 * Bytes that grow; what lies between the old end and a write reads as zeros. Copies share
 * their bytes until one of them writes.
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
