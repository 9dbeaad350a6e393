// Answers claims with what the reserve can settle. The reserve calls nobody back: after every
// input the node asks it here which claims it can settle now. Not here: which numbers a claim
// gets (`reserve.ts`).

import type { SettledListener } from "./claim.ts";
import type { Lending } from "./lending.ts";
import type { OwnTakes } from "./own_takes.ts";
import type { Reserve } from "./reserve.ts";
import type { ServedTakes } from "./served_takes.ts";

/** The reserve, and those that make claims on it, one for each kind. */
export type Settling = {
  readonly reserve: Reserve;
  readonly lending: Lending;
  readonly ownTakes: OwnTakes;
  readonly servedTakes: ServedTakes;
  readonly groups: SettledListener;
};

/** Answers every claim that can be settled now, each before the next is settled. */
export function settleClaims(settling: Settling): void {
  const { reserve, lending, ownTakes, servedTakes, groups } = settling;
  while (reserve.isClaimed) {
    const settled = reserve.settleNext(lending);
    if (settled === undefined) break;
    switch (settled.claim.kind) {
      case "own":
        ownTakes.settled(settled);
        break;
      case "served":
        servedTakes.settled(settled);
        break;
      case "group":
        groups.settled(settled);
        break;
      default:
        settled.claim.kind satisfies never;
    }
  }
  servedTakes.tell();
}
