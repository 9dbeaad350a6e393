// A claim: a request to this leader for numbers of one or more sequences, from the moment at which
// it is asked to the moment at which it is settled. `reserve.ts` settles claims; takes of this
// node's clients, takes of other nodes and groups of operations make them. Types only.

import type { DoorId } from "../channel/messages.ts";
import type { SequenceRefusal } from "../channel/operations.ts";
import type { NodeId } from "../core/types.ts";
import type { Outcome } from "./machine.ts";

/** The numbers of one sequence that a claim asks for. */
export type ClaimPart = {
  readonly name: string;
  /** How many, in a row; 0: only the last number is read. */
  readonly count: number;
  /** None of them may be above 2^63 - 1. */
  readonly isCapped: boolean;
};

/** A request to this leader. It is settled as a whole, at one moment. */
export type Claim = {
  /** No two of one sequence. */
  readonly parts: readonly ClaimPart[];
  /** Its asker, who is told the end: a take of our own clients or of another node, or a group. */
  readonly kind: "own" | "served" | "group";
  /** The round of confirmations that must be over before it is settled. */
  readonly round: number;
  /**
   * An atomic command that is to enter the log when it is the claim's turn on all of its
   * sequences; the parts then only name them, with count 0.
   */
  readonly command: Uint8Array | undefined;
  /**
   * Looks at the last numbers when it is the claim's turn, before any number is given; its
   * answer refuses the claim, and then nothing is given.
   */
  readonly judge: Judge | undefined;
  /** Whether anybody waits for its command, asked when it is its turn; left out: somebody does. */
  readonly isWanted: (() => boolean) | undefined;
  /** The isolate of ours that asks, of an own claim. */
  readonly door: DoorId | undefined;
};

/** The last number given of a sequence; 0n before the first, `undefined` if there is none. */
export type LastOf = (name: string) => bigint | undefined;

/** Why a claim is refused, and which of its operations, from 0 on, is the reason. */
export type Judge = (
  lastOf: LastOf,
) => { readonly at: number; readonly reason: SequenceRefusal } | undefined;

/** A claim that is to be made. */
export type ClaimRequest = Pick<Claim, "kind" | "parts"> & {
  readonly command?: Uint8Array | undefined;
  readonly judge?: Judge | undefined;
  readonly isWanted?: (() => boolean) | undefined;
  readonly door?: DoorId;
  /** The node that asks, in the term of this leader; `undefined` for our own clients. */
  readonly asker: NodeId | undefined;
};

/** A settled claim, and the result that its asker is to be told. */
export type Settled = {
  readonly claim: Claim;
  readonly settlement: Settlement;
};

/** Hears of the claims of one kind that are settled. */
export type SettledListener = { settled(settled: Settled): void };

/** The loans of this leader's numbers; `lending.ts` has them. */
export type Loans = {
  /** Numbers of sequence `name` that may be lent now; 0 if none. */
  spareOf(name: string): number;
  /** Recalls what is lent of sequence `name`; whether all of it is back. */
  recall(name: string): boolean;
};

/** What a claim gets. */
export type Settlement =
  /** One for each part, in their order. */
  | { readonly type: "given"; readonly parts: readonly GivenPart[] }
  /** Its command was applied: the machine's outcomes. */
  | { readonly type: "applied"; readonly outcomes: readonly Outcome[] }
  /** Nothing was done; `at` is the part, from 0 on, that could not be given. */
  | {
    readonly type: "refused";
    readonly reason: SequenceRefusal;
    readonly at: number;
  }
  /**
   * The term in which it was made is over: if its command was proposed, nobody knows. Or nobody
   * waits for its command any more: nothing was done.
   */
  | { readonly type: "lost" };

/** The numbers of one part of a claim. */
export type GivenPart = {
  /** The last of them; for a part that only reads, the last number given of the sequence. */
  readonly last: bigint;
  /** How many: those asked for, and those that are lent beyond them. */
  readonly count: number;
  /** Whether the sequence exists; false only where none was asked for. */
  readonly exists: boolean;
};
