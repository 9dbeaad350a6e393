// A gap in the numbers: which of those that this node took will never be given, and why, as one
// line for the log, however many sequences it is about. The reserve knows the causes
// (`reserve.ts`). Nobody tells of numbers that a process had in hand when it was killed; the next
// leader says above which number its own begin (`stats/change_log.ts`).

import { present } from "../../base/assert.ts";
import type { Range } from "../../base/range.ts";
import type { NodeId } from "../core/types.ts";

/** What a leader had of one sequence when its leadership ended. */
export type Lost = {
  readonly name: string;
  /** Taken, committed and not given. */
  readonly inHand: Range;
  /** In entries that were not committed: the next leader may have them or not. */
  readonly uncommitted: number;
};

/** Numbers that burnt at once; `name`: of which sequence. */
export type Gap =
  /** The leadership in which they were taken is over; of at least one sequence. */
  | { readonly cause: "leadership-lost"; readonly lost: readonly Lost[] }
  /** An entry of before came between, so that they would be out of order. */
  | {
    readonly cause: "overtaken";
    readonly name: string;
    readonly inHand: Range;
  }
  /** Lent numbers that came back when later ones had been given. */
  | {
    readonly cause: "returned-late";
    readonly name: string;
    readonly lent: Range;
  }
  /** `leader` was asked for them by this node, and lost its leadership before it answered. */
  | {
    readonly cause: "unanswered";
    /** Of at least one sequence. */
    readonly parts: readonly {
      readonly name: string;
      readonly count: number;
    }[];
    readonly leader: NodeId;
  };

/** Sequences that one line names; of more it tells how many there are. */
const namesMax = 3;

/** `gap` as a log line, without a full stop. */
export function gapText(gap: Gap): string {
  switch (gap.cause) {
    case "leadership-lost": {
      const parts = gap.lost.map(({ name, inHand, uncommitted }) => ({
        name,
        count: inHand.count + uncommitted,
      }));
      return `burnt ${
        numbersText(parts)
      }: this node lost its leadership with ` +
        placeText(gap.lost);
    }
    case "overtaken": {
      const { name, inHand } = gap;
      return `burnt ${numbersText([{ name, ...inHand }])}: ` +
        `${
          rangeText(inHand)
        } were in hand when the log gave this node others ` +
        "than the next ones";
    }
    case "returned-late": {
      const { name, lent } = gap;
      return `burnt ${numbersText([{ name, ...lent }])}: ${rangeText(lent)} ` +
        "were lent to this node's clients, and came back when later ones had " +
        "been given";
    }
    case "unanswered":
      return `may have burnt ${numbersText(gap.parts)}: node ${gap.leader} ` +
        "was asked for them, and lost its leadership or died before it answered";
    default:
      return gap satisfies never;
  }
}

/** Where the numbers were that a leader lost. */
function placeText(lost: readonly Lost[]): string {
  const inHand = lost.reduce((sum, { inHand: { count } }) => sum + count, 0);
  const uncommitted = lost.reduce((sum, one) => sum + one.uncommitted, 0);
  const inHandText = lost.length === 1
    ? rangeText(present(lost[0]).inHand)
    : inHand;
  return [
    ...inHand === 0 ? [] : [`${inHandText} in hand`],
    ...uncommitted === 0
      ? []
      : [`${uncommitted} in entries that were not committed`],
  ].join(", and ");
}

/** `1 number of ticket`, `7 numbers of a, b`, `9 numbers of 12 sequences (a, b, c, …)`. */
function numbersText(
  parts: readonly { readonly name: string; readonly count: number }[],
): string {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const numbers = count === 1 ? "1 number" : `${count} numbers`;
  const names = parts.slice(0, namesMax).map(({ name }) => name).join(", ");
  return parts.length <= namesMax
    ? `${numbers} of ${names}`
    : `${numbers} of ${parts.length} sequences (${names}, …)`;
}

/** `7` or `7 to 12`. */
function rangeText({ last, count }: Range): string {
  return count === 1 ? `${last}` : `${last - BigInt(count) + 1n} to ${last}`;
}
