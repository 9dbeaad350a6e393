// Groups of operations that one node forwards to another, as the `data` of a Forward. The answer
// is their outcomes, as they are (`channel/operation_codec.ts`).
//
//   forwarded = 3 u8 · term u64 · process u64 · groups
//
// No JSON begins with 3, so a byte tells these from changes of members, which travel in the same
// messages (`members/change_codec.ts`).

import { DecodeError, Reader, Writer } from "../../base/bytes.ts";
import { decodeGroups } from "../channel/operation_codec.ts";
import type { Group } from "../channel/operations.ts";
import type { Term } from "../core/types.ts";

const tag = 3;

/** What a Forward of groups says beside its id. */
export type ForwardHead = {
  /** The term in which the receiver leads, as the sender knows; in no other it does anything. */
  readonly term: Term;
  /**
   * Drawn by the asking process, for each of its isolates; with its id it names a Forward, however
   * often that is sent. Ids of one process rise, and one Forward of it is under way.
   */
  readonly process: number;
};

/** The groups of a Forward; `undefined` if this version cannot read them. */
export type ForwardedGroups = ForwardHead & {
  readonly groups: readonly Group[] | undefined;
};

const writer = new Writer();

/** The `data` of a Forward; `groups` are encoded already. */
export function encodeForwarded(
  { term, process }: ForwardHead,
  groups: Uint8Array,
): Uint8Array<ArrayBuffer> {
  writer.reset();
  writer.u8(tag);
  writer.u64(term);
  writer.u64(process);
  writer.raw(groups);
  return writer.copy();
}

/** Inverts {@linkcode encodeForwarded}; `undefined`: these are no groups. */
export function decodeForwarded(data: Uint8Array): ForwardedGroups | undefined {
  if (data[0] !== tag) return undefined;
  const head = read(() => {
    const reader = new Reader(data);
    reader.u8();
    return { term: reader.u64(), process: reader.u64() };
  });
  const groups = head && read(() => decodeGroups(data.subarray(17)));
  return { term: 0, process: 0, ...head, groups };
}

function read<Value>(decode: () => Value): Value | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
