// How many operations, and how large, may travel in one piece. The isolate that asks keeps these
// limits while it gathers, so that neither what it asks nor the answer can be too large for one
// Forward between nodes. Not here: the bytes (`operation_codec.ts`).
//
// Each operation has a weight: the most bytes that it takes, or that its result does. The weights
// of the operations of one message stay within `weightMax`; so do those of one group, which is
// never split.

import { assert } from "../../base/assert.ts";
import { nameBytesMax } from "../../base/sequence_name.ts";
import { forwardBytesMax } from "../core/limits.ts";
import type { Operation } from "./operations.ts";

/** Groups in one message. */
export const groupsMax = 4096;

/** Operations in one group. */
export const operationsMax = 1024;

/** Numbers that one operation takes. All of one group together stay a safe integer. */
export const operationCountMax = 2 ** 40;

/** Sequences that one page is asked for. */
export const listCountMax = 2 ** 32 - 1;

/**
 * Bytes of the sequences in one page, as they are encoded: the page ends before the first that
 * does not fit.
 */
export const pageBytesMax = 40 * 1024;

/** Sequences in one page: more names fit no page. */
export const pageLengthMax = 4096;

/** Pairs before the sequences in the first page of a backup: 64 members, and some more. */
export const backupHeadMax = 80;

/** Bytes of what stands before the sequences in the first page of a backup: 64 members. */
export const backupHeadBytesMax = 32 * 1024;

/** Bytes of all different texts of errors and addresses in one message. */
export const wordsBytesMax = 12 * 1024;

/** Weight of the operations of one message, and of one group, with the weight of each group. */
export const weightMax = forwardBytesMax - wordsBytesMax - 64;

/** Weight of a group, beside that of its operations. */
export const groupWeight = 8;

/** A tag, and the place and length of a name. */
const headBytes = 5;
const sizeBytes = 7;
const numberBytes = 8;

/** The most bytes that a sequence takes in a page. */
const sequenceBytesMax = 1 + nameBytesMax + numberBytes;

assert(
  groupWeight + weightOf({ type: "backup", cursor: 0 }) <= weightMax,
  "a backup fits a message",
);

/** Bytes, at most, of `operation`, and of its result. */
export function weightOf(operation: Operation): number {
  switch (operation.type) {
    case "take":
    case "last":
    case "raise":
    case "create":
    case "check":
      return headBytes + operation.name.length + numberBytes + sizeBytes;
    case "list": {
      const { count } = operation;
      const page = Math.min(count * sequenceBytesMax, pageBytesMax);
      return headBytes + 2 * sizeBytes + page;
    }
    case "backup":
      return headBytes + sizeBytes + backupHeadBytesMax + pageBytesMax;
    case "set-policy":
    case "policy":
    case "size":
      return headBytes + sizeBytes;
    default:
      return operation satisfies never;
  }
}
