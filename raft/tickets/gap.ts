// A gap in the numbers: which of those that this node took will never be given, and why, as one
// line for the log. The reserve knows the causes (`reserve.ts`). Numbers that a process had in
// hand when it was killed are told by nobody; the next leader says above which number its own
// begin (`stats/change_log.ts`).

import type { Range } from "../../base/range.ts";
import type { NodeId } from "../core/types.ts";

/** Numbers that burnt at once. */
export type Gap =
  /** The leadership in which they were taken is over. */
  | {
    readonly cause: "leadership-lost";
    /** Taken, committed and not given. */
    readonly inHand: Range;
    /** In entries that were not committed: the next leader may have them or not. */
    readonly uncommitted: number;
  }
  /** An entry of before came between, so that they would be out of order. */
  | { readonly cause: "overtaken"; readonly inHand: Range }
  /** Lent numbers that came back when later ones had been given. */
  | { readonly cause: "returned-late"; readonly lent: Range }
  /** `leader` was asked for them by this node, and lost its leadership before it answered. */
  | {
    readonly cause: "unanswered";
    readonly count: number;
    readonly leader: NodeId;
  };

/** `gap` as a log line, without a full stop. */
export function gapText(gap: Gap): string {
  switch (gap.cause) {
    case "leadership-lost": {
      const { inHand, uncommitted } = gap;
      const where = [
        ...inHand.count === 0 ? [] : [`${rangeText(inHand)} in hand`],
        ...uncommitted === 0
          ? []
          : [`${uncommitted} in entries that were not committed`],
      ];
      return `burnt ${
        numbers(inHand.count + uncommitted)
      }: this node lost its ` +
        `leadership with ${where.join(", and ")}`;
    }
    case "overtaken":
      return `burnt ${numbers(gap.inHand.count)}: ${
        rangeText(gap.inHand)
      } were ` +
        `in hand when the log gave this node others than the next ones`;
    case "returned-late":
      return `burnt ${numbers(gap.lent.count)}: ${
        rangeText(gap.lent)
      } were lent ` +
        `to this node's clients, and came back when later ones had been given`;
    case "unanswered":
      return `may have burnt ${
        numbers(gap.count)
      }: node ${gap.leader} was asked ` +
        `for them, and lost its leadership or died before it answered`;
    default:
      return gap satisfies never;
  }
}

function numbers(count: number): string {
  return count === 1 ? "1 number" : `${count} numbers`;
}

/** `7` or `7 to 12`. */
function rangeText({ last, count }: Range): string {
  return count === 1 ? `${last}` : `${last - BigInt(count) + 1n} to ${last}`;
}
