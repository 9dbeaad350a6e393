// Reads a segment for people, record by record, and goes on behind damage as far as it can.
// A start never does: `readSegment` of `segment.ts` refuses a damaged file, and its verdict is
// the one that counts. Records, preamble and base are read by the same code here and there.
// Bytes in, parts out: no files, and nothing is changed.

import { Reader } from "../base/bytes.ts";
import {
  type Change,
  DecodeError,
  readChange,
} from "../raft/core/save_codec.ts";
import {
  type FoundRecord,
  kinds,
  nextRecord,
  readRecord,
  readTail,
} from "./record.ts";
import {
  type Base,
  checkPreamble,
  preambleBytes,
  readBase,
  seedOf,
} from "./segment.ts";
import { StorageError } from "./storage.ts";

/** The meaning of one part of a segment. */
export type Content =
  | { readonly type: "preamble" }
  | { readonly type: "base"; readonly base: Base }
  | { readonly type: "save"; readonly change: Change }
  /** A record with a right checksum that does not decode: a newer ticketd's, or a bug. */
  | { readonly type: "unreadable"; readonly reason: string }
  /** A valid record of another segment, or of an earlier use of the file. */
  | { readonly type: "foreign" }
  /** The end of the file, no whole record and nothing behind it: a start cuts it. */
  | { readonly type: "torn"; readonly isZeros: boolean }
  | { readonly type: "damaged"; readonly reason: string };

/** One part of a segment: a record, or bytes that are none. */
export type Part = {
  /** The offset of its first byte in the file; in a Deno KV store, the number of the save. */
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly content: Content;
};

/** The parts of the segment that is `bytes`, in order and without a gap. */
export function scanSegment(bytes: Uint8Array): Part[] {
  return new Scan(bytes).run();
}

class Scan {
  readonly #bytes: Uint8Array;
  readonly #parts: Part[] = [];
  #at = 0;
  /** The segment's; `undefined` until its base, or another of its records, tells it. */
  #seed: number | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  run(): Part[] {
    this.#preamble();
    this.#base();
    while (this.#at < this.#bytes.length) this.#next();
    return this.#parts;
  }

  #add(end: number, content: Content): void {
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#parts.push({ at: this.#at, bytes, content });
    this.#at = end;
  }

  #preamble(): void {
    const end = Math.min(preambleBytes, this.#bytes.length);
    try {
      checkPreamble(this.#bytes, "this file");
      this.#add(end, { type: "preamble" });
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#add(end, {
        type: "damaged",
        reason: "not the first bytes of a segment of this format",
      });
    }
  }

  #base(): void {
    const record = readRecord(this.#bytes, this.#at, { seed: 0 });
    // It was synced before the file got its name: it is never torn.
    if (record?.kind !== kinds.base) return this.#damage("no whole base");
    const content = decoded(record, (reader): Content => ({
      type: "base",
      base: readBase(reader, { end: record.end }),
    }));
    if (content.type === "base") {
      const { identity, number } = content.base;
      this.#seed = seedOf(identity, number);
    }
    this.#add(record.end, content);
  }

  #next(): void {
    const seed = this.#seed;
    if (seed === undefined) return this.#damage("behind a base that is lost");
    const record = readRecord(this.#bytes, this.#at, { seed });
    if (record !== undefined) return this.#save(record);
    const { type } = readTail(this.#bytes, this.#at, { seed });
    if (type === "damaged") return this.#damage("a younger record follows");
    if (type === "foreign") {
      return this.#damage("a record of another segment stands at or behind it");
    }
    this.#add(this.#bytes.length, { type: "torn", isZeros: type === "zeros" });
  }

  #save(record: FoundRecord): void {
    this.#add(
      record.end,
      decoded(record, (reader): Content => ({
        type: "save",
        change: readChange(reader),
      })),
    );
  }

  /** Adds the bytes up to the next valid record, and that record if it is a stranger's. */
  #damage(reason: string): void {
    const next = nextRecord(this.#bytes, this.#at);
    const end = next?.at ?? this.#bytes.length;
    if (end > this.#at) this.#add(end, { type: "damaged", reason });
    if (next === undefined) return;
    // Behind a lost base, the first record is taken to be of this segment.
    this.#seed ??= next.seed;
    if (next.seed === this.#seed) this.#save(next.record);
    else this.#add(next.record.end, { type: "foreign" });
  }
}

/** The content of a record with a right checksum. */
function decoded(
  { payload }: FoundRecord,
  read: (reader: Reader) => Content,
): Content {
  const reader = new Reader(payload);
  try {
    const content = read(reader);
    reader.end();
    return content;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { type: "unreadable", reason: error.message };
  }
}
