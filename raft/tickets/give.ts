// What a claim gets from its hands, when it is its turn on all of them: the next numbers of each,
// in a row, or a refusal, or nothing yet. All of its parts get theirs at one moment, or none.
// Not here: whether it is its turn (`reserve.ts`).

import { present } from "../../base/assert.ts";
import { int64Max } from "../../base/range.ts";
import type { GivenPart, LastOf, Loans, Settlement } from "./claim.ts";
import type { Waiting } from "./hand.ts";
import { unaskedMax } from "./holdings.ts";

/** Numbers above it are not lent: those above 2^63 - 1 are not for every asker. */
export const loanMax = int64Max - BigInt(unaskedMax);

/** The result of `claim`; `undefined` if its hands lack numbers. */
export function resultOf(
  claim: Waiting,
  { loans, lastOf }: { readonly loans: Loans; readonly lastOf: LastOf },
): Settlement | undefined {
  const { parts, hands, kind } = claim;
  let isLacking = false;
  for (let at = 0; at < parts.length; at++) {
    const { count, isCapped } = present(parts[at]);
    const { left, next } = present(hands[at]);
    if (count === 0) continue;
    // The log judges when nothing is in hand: its numbers may be others.
    const isAbove = isCapped && left > 0 &&
      next + BigInt(count) - 1n > int64Max;
    if (isAbove) return { type: "refused", reason: "above-int64", at };
    if (count > left) isLacking = true;
  }
  if (isLacking) return undefined;
  const given = kind === "own"
    ? giveAndLend(claim, loans)
    : give(claim, lastOf);
  return { type: "given", parts: given };
}

function give({ parts, hands }: Waiting, lastOf: LastOf): GivenPart[] {
  return parts.map(({ name, count }, at) => {
    if (count > 0) {
      return { last: present(hands[at]).give(count), count, exists: true };
    }
    const last = lastOf(name);
    return { last: last ?? 0n, count, exists: last !== undefined };
  });
}

function giveAndLend({ parts, hands }: Waiting, loans: Loans): GivenPart[] {
  return parts.map(({ name, count }, at) => {
    const hand = present(hands[at]);
    // The next claim would get numbers above the loan, which the isolate still deals.
    const mayLend = hand.length === 1 && hand.next <= loanMax;
    const spare = mayLend
      ? Math.min(hand.left - count, loans.spareOf(name))
      : 0;
    if (spare > 0) hand.lend(spare);
    const all = count + spare;
    return { last: hand.give(all), count: all, exists: true };
  });
}

/** Whether nothing of the sequences of `claim` is lent; recalls what is. */
export function isLoanBack({ hands }: Waiting, loans: Loans): boolean {
  let isBack = true;
  for (const { name } of hands) if (!loans.recall(name)) isBack = false;
  return isBack;
}
