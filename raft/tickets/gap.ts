// A gap in the numbers: how many of those that this node took will never be given, and why, as one
// line for the log. The reserve knows the causes (`reserve.ts`). Numbers that a process had in
// hand when it was killed are told by nobody: their only keeper is gone.

import type { NodeId } from "../core/types.ts";

/** Numbers that burnt at once. */
export type Gap =
  /** The leadership in which they were taken is over. */
  | {
    readonly cause: "leadership-lost";
    /** Taken, committed and not given. */
    readonly inHand: number;
    /** In entries that were not committed: the next leader may have them or not. */
    readonly uncommitted: number;
  }
  /** An entry of before came between, so that they would be out of order. */
  | { readonly cause: "overtaken"; readonly count: number }
  /** Lent numbers that came back when later ones had been given. */
  | { readonly cause: "returned-late"; readonly count: number }
  /** `leader` was asked for them by this node, and lost its leadership before it answered. */
  | {
    readonly cause: "unanswered";
    readonly count: number;
    readonly leader: NodeId;
  };

/** How many numbers burnt. */
export function countOf(gap: Gap): number {
  return gap.cause === "leadership-lost"
    ? gap.inHand + gap.uncommitted
    : gap.count;
}

/** `gap` as a log line, without a full stop. */
export function gapText(gap: Gap): string {
  switch (gap.cause) {
    case "leadership-lost": {
      const { inHand, uncommitted } = gap;
      const where = [
        ...inHand === 0 ? [] : [`${inHand} in hand`],
        ...uncommitted === 0
          ? []
          : [`${uncommitted} in entries that were not committed`],
      ];
      return `burnt ${numbers(gap)}: this node lost its ` +
        `leadership with ${where.join(" and ")}`;
    }
    case "overtaken":
      return `burnt ${numbers(gap)}: they were in hand when the log gave ` +
        `this node others that are not the next ones`;
    case "returned-late":
      return `burnt ${numbers(gap)}: they were lent to this node's ` +
        `clients, and came back when later ones had been given`;
    case "unanswered":
      return `may have burnt ${numbers(gap)}: node ${gap.leader} was asked ` +
        `for them, and lost its leadership or died before it answered`;
    default:
      return gap satisfies never;
  }
}

function numbers(gap: Gap): string {
  const count = countOf(gap);
  return count === 1 ? "1 number" : `${count} numbers`;
}
