// Answers takes with what the reserve can settle. The reserve calls nobody back: after
// every input the node asks it here which claims it can settle now. Not here: which numbers
// a claim gets (`reserve.ts`).

import type { Lending } from "./lending.ts";
import type { OwnTakes } from "./own_takes.ts";
import type { Reserve } from "./reserve.ts";
import type { ServedTakes } from "./served_takes.ts";

/** The reserve, and the two kinds of takes that make claims on it. */
export type Settling = {
  readonly reserve: Reserve;
  readonly lending: Lending;
  readonly ownTakes: OwnTakes;
  readonly servedTakes: ServedTakes;
};

/** Answers every take that can be settled now, each before the next is settled. */
export function settleTakes(
  { reserve, lending, ownTakes, servedTakes }: Settling,
): void {
  while (reserve.isClaimed) {
    const settled = reserve.settleNext(lending.spare);
    if (settled === undefined) return;
    if (settled.claim.asker === undefined) ownTakes.settled(settled);
    else servedTakes.settled(settled);
  }
}
