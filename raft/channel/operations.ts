// Operations on sequences that a client asks for as a group: all of its operations are carried
// out at one moment, in their order, or none of them is. A command such as GET is a group of
// one; EXEC makes longer ones. Plain takes do not come this way: they are many, and their
// order is all that matters, so `messages.ts` carries them merged. Types only; the bytes that
// cross the door and the wire are those of `operation_codec.ts`.

import type { Range } from "../../base/range.ts";

/** Whether a name that nobody created begins at 1 when it is first used, or is refused. */
export type Policy = "any" | "created";

/** One operation. `name` is that of a sequence (`base/sequence_name.ts`). */
export type Operation =
  /** Takes `count` numbers in a row, at least 1; if `isCapped`, none of them above 2^63 - 1. */
  | {
    readonly type: "take";
    readonly name: string;
    readonly count: number;
    readonly isCapped: boolean;
  }
  /** Reads the last number given. */
  | { readonly type: "last"; readonly name: string }
  /** From now on all numbers are above `to`, which is at least 1. */
  | { readonly type: "raise"; readonly name: string; readonly to: bigint }
  /** Begins a sequence whose first number is `start`, at least 1. */
  | { readonly type: "create"; readonly name: string; readonly start: bigint }
  | { readonly type: "set-policy"; readonly policy: Policy }
  | { readonly type: "policy" }
  /** Reads up to `count` sequences in the order of their creation, from number `cursor` on. */
  | { readonly type: "list"; readonly cursor: number; readonly count: number }
  /** How many sequences there are. */
  | { readonly type: "size" }
  /** Refuses the group unless the last number is still `last`; `undefined`: none exists. */
  | {
    readonly type: "check";
    readonly name: string;
    readonly last: bigint | undefined;
  }
  /** The members, and a page of sequences as `list` gives it; it stands alone in its group. */
  | { readonly type: "backup"; readonly cursor: number };

/** The result of one operation of a group that was carried out. */
export type Result =
  | ({ readonly type: "taken" } & Range)
  /** `undefined`: there is no such sequence. 0: it exists, and nothing was given. */
  | { readonly type: "last"; readonly last: bigint | undefined }
  /** Raised, created, set or checked. */
  | { readonly type: "done" }
  | { readonly type: "policy"; readonly policy: Policy }
  /** `next`: the cursor of the next page; 0 if this was the last. */
  | {
    readonly type: "page";
    readonly next: number;
    readonly sequences: readonly (readonly [name: string, last: bigint])[];
  }
  | { readonly type: "size"; readonly size: number }
  | {
    readonly type: "backup";
    readonly pairs: readonly (readonly [string, string])[];
    readonly next: number;
  };

/** Why the state refuses an operation: nothing of its group was done. */
export type SequenceRefusal =
  /** The sequence has no such many numbers left below 2^64. */
  | "exhausted"
  /** A capped take would go above 2^63 - 1. */
  | "above-int64"
  /** Nobody has created it, and the policy is `created`. */
  | "unknown-sequence"
  /** There are `--max-sequences` already. */
  | "too-many-sequences"
  /** It is to be created, and exists. */
  | "exists"
  /** A check found another number than the expected one. */
  | "changed";

/** The outcome of one group. */
export type GroupOutcome =
  /** One for each operation. */
  | { readonly type: "done"; readonly results: readonly Result[] }
  /** Nothing was done; `at` is the operation, from 0 on, that could not be. */
  | {
    readonly type: "refused";
    readonly reason: SequenceRefusal;
    readonly at: number;
  }
  /** This node does not lead, and may not ask (`--forward`); nothing was done. */
  | { readonly type: "not-leader" }
  | { readonly type: "moved"; readonly to: string }
  /** `text` without its leading `ERR `; it says whether the group may have been carried out. */
  | { readonly type: "error"; readonly text: string };

/** Operations that are carried out at one moment; at least one. */
export type Group = readonly Operation[];
