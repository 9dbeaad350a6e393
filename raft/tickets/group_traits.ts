// What must be known of a group to ask for it: whether it may be asked again when its outcome is
// unknown, what it must not be carried out beside, and what its client is told if it is given
// up. Pure. Not here: how it is carried out (`groups_led.ts`).

import type { Group } from "../channel/operations.ts";

/** The properties of one group by which it is asked. */
export type Traits = {
  /** It takes numbers, as a TICKET does: `--forward` may forbid it. */
  readonly takes: boolean;
  /** It changes nothing. */
  readonly onlyReads: boolean;
  /**
   * To carry it out twice does no harm, if nobody hears of the first time. Numbers that were
   * taken the first time burn. Raises do not lower, so they may stand together; but beside a
   * raise, a check or a read of the second time would show the first. A second `create` finds
   * its own sequence, and a second `set-policy` may undo a later one.
   */
  readonly isRepeatable: boolean;
  /** It is nothing but raises. */
  readonly onlyRaises: boolean;
  /**
   * Groups of one order may be under way together, those of another wait for their end. Those
   * that name sequences queue up at these. Those that read all sequences queue up nowhere, so
   * they wait for the groups before them. `alone` waits for every other, and every other for it.
   */
  readonly order: "named" | "reads-all" | "alone";
};

/** The traits of `group`. */
export function traitsOf(group: Group): Traits {
  let [takes, raises, reads, creates, lists] = [0, 0, 0, 0, 0];
  let setsPolicy = false;
  for (const { type } of group) {
    if (type === "take") takes++;
    else if (type === "raise") raises++;
    else if (type === "create") creates++;
    else if (type === "set-policy") setsPolicy = true;
    else if (type === "last" || type === "check") reads++;
    else lists++;
  }
  const { length } = group;
  const onlyRaises = raises === length;
  const isLogged = raises > 0 || creates > 0 || setsPolicy;
  return {
    takes: takes > 0,
    onlyReads: reads + lists === length,
    isRepeatable: onlyRaises || !isLogged,
    onlyRaises,
    order: lists === 0 && !setsPolicy
      ? "named"
      : lists === length
      ? "reads-all"
      : "alone",
  };
}

/** The end of an error's text: what may have been done of a group (PITFALLS 31). */
export function doubtOf(
  { onlyReads, onlyRaises, isRepeatable }: Traits,
  isTried: boolean,
): string {
  if (onlyReads) return "";
  if (!isTried) return "; nothing was done";
  if (onlyRaises) {
    return "; whether it was done is not known, and to ask again does no harm";
  }
  return isRepeatable
    ? "; if it took numbers, nobody gets them"
    : "; whether it was done is not known";
}
