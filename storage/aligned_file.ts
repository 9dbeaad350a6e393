// A file that only grows, and of which every append is durable when it returns. Blocking:
// for an isolate that has nothing else to do (`syncer_worker.ts`).
//
// Zeros are written ahead of what is appended, in pieces, so that an append changes
// neither the file's length nor where it lies: its sync then has the data to wait for,
// and not the journal of the file system, which nodes on one disk would queue up for.
// And it goes past the page cache (O_DIRECT), in whole blocks from aligned memory, where
// the file system allows that. A block that is not full is written again with what
// comes next; no sector of it changes but those that the new bytes lie in.
//
// After an error it is not to be used any more, as after any failed write or sync.

import { Buffer } from "node:buffer";
import fs from "node:fs";
import type { Fault } from "./syncer_box.ts";

/** What file systems want direct writes to be aligned to: no less than a page. */
const blockBytes = 4096;
/** Written ahead in one go, when less than half of it is left. */
const aheadBytes = 256 * 1024;
/** Appended in one write: more takes several. */
const pieceBytesMax = 256 * 1024;

/** Memory for one file at a time. The pages of WebAssembly are aligned; an array is not. */
const memory = pages(blockBytes + pieceBytesMax);
const zeros = pages(aheadBytes);

function pages(bytes: number): Buffer {
  const pageBytes = 65536;
  const initial = Math.ceil(bytes / pageBytes);
  return Buffer.from(new WebAssembly.Memory({ initial }).buffer);
}

export class FileFault extends Error {
  readonly fault: Fault;

  constructor(action: Fault["action"], cause: unknown) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    super(error.message, { cause });
    const code = "code" in error ? String(error.code) : "";
    this.fault = { action, code, text: error.message };
  }
}

export class AlignedFile {
  readonly #fd: number;
  /** Where in the file `memory` begins: a multiple of a block. */
  #from: number;
  /** Bytes of it that hold what was appended and is not in a full block yet. */
  #fill: number;
  /** The length of the file, zeros included. */
  #length: number;
  #failed: unknown;

  /** Opens a file that is there; what it holds is followed by what is appended. */
  constructor(path: string) {
    [this.#fd, this.#length] = attempt("open", () => open(path));
    this.#from = this.#length - this.#length % blockBytes;
    this.#fill = this.#length - this.#from;
  }

  append(bytes: Uint8Array): void {
    if (this.#failed !== undefined) throw this.#failed;
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + memory.length - this.#fill);
      memory.set(bytes.subarray(at, end), this.#fill);
      this.#fill += end - at;
      at = end;
      this.#writeBlocks();
    }
    this.#sync();
  }

  /** Writes zeros ahead if it is time to; a fault in it is the next append's. */
  reserve(): void {
    const end = this.#from + this.#fill;
    if (end + aheadBytes / 2 <= this.#length) return;
    try {
      this.#write(zeros, this.#from + roundUp(this.#fill));
      this.#sync();
    } catch (error) {
      this.#failed = error;
    }
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  #writeBlocks(): void {
    const length = roundUp(this.#fill);
    memory.fill(0, this.#fill, length);
    this.#write(memory.subarray(0, length), this.#from);
    const full = this.#fill - this.#fill % blockBytes;
    memory.copyWithin(0, full, this.#fill);
    this.#from += full;
    this.#fill -= full;
  }

  /** All of `bytes`, whole blocks, at `position`: one write(2) may take less. */
  #write(bytes: Uint8Array, position: number): void {
    attempt("write", () => {
      for (let at = 0; at < bytes.length;) {
        const left = bytes.length - at;
        const count = fs.writeSync(this.#fd, bytes, at, left, position + at);
        // The rest must begin with a block again.
        const whole = count - count % blockBytes;
        if (whole === 0) throw new Error("the system takes no more bytes");
        at += whole;
      }
    });
    this.#length = Math.max(this.#length, position + bytes.length);
  }

  #sync(): void {
    attempt("sync", () => fs.fdatasyncSync(this.#fd));
  }
}

/** The handle, and the length; what is in the last block, if that is not full, is in `memory`. */
function open(path: string): [number, number] {
  const { O_DIRECT, O_RDWR } = fs.constants;
  // Not every system has it, nor every file system; some say so at the first access.
  if (O_DIRECT !== undefined) {
    try {
      return openAs(path, O_RDWR | O_DIRECT);
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error;
      if (error.code !== "EINVAL") throw error;
    }
  }
  return openAs(path, O_RDWR);
}

function openAs(path: string, flags: number): [number, number] {
  const fd = fs.openSync(path, flags);
  try {
    const length = fs.fstatSync(fd).size;
    const from = length - length % blockBytes;
    fs.readSync(fd, memory, 0, blockBytes, from);
    return [fd, length];
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}

function attempt<T>(action: Fault["action"], run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new FileFault(action, error);
  }
}
