// What must be known of a group to ask for it: whether it may be asked again when its outcome is
// unknown, what it must not be carried out beside, and what its client is told if it is given
// up. Pure. Not here: how it is carried out (`groups_led.ts`).

import type { Group, Operation } from "../channel/operations.ts";

/** The properties of one group by which it is asked. */
export type Traits = {
  /** It takes numbers, as a TICKET does: `--forward` may forbid it. */
  readonly takes: boolean;
  /** It changes nothing. */
  readonly onlyReads: boolean;
  /** It is nothing but takes. */
  readonly onlyTakes: boolean;
  /** It is nothing but raises. */
  readonly onlyRaises: boolean;
  /** The log alone can carry it out. */
  readonly isLogged: boolean;
  /** It looks at last numbers. */
  readonly looks: boolean;
  /** It reads beside its takes what these may change: all sequences. */
  readonly isMixed: boolean;
  /**
   * To carry it out twice does no harm, if nobody hears of the first time. Numbers that were
   * taken the first time burn. Raises do not lower, so they may stand together; but beside a
   * raise, a check or a read of the second time would show the first. A second `create` finds
   * its own sequence, and a second `set-policy` may undo a later one.
   */
  readonly isRepeatable: boolean;
  /**
   * Groups of one order may be under way together, those of another wait for their end. Those
   * that name sequences queue up at these. Those that read all sequences queue up nowhere, so
   * they wait for the groups before them. `alone` waits for every other, and every other for it.
   */
  readonly order: "named" | "reads-all" | "alone";
};

/** A bit for each kind of operation: the kinds in a group are all that its traits depend on. */
const kinds: { readonly [Type in Operation["type"]]: number } = {
  "take": 1,
  "last": 2,
  "check": 2,
  "raise": 4,
  "create": 8,
  "set-policy": 16,
  "policy": 32,
  "list": 32,
  "size": 32,
  "backup": 32,
};

const known: Traits[] = [];

/** The traits of `group`. */
export function traitsOf(group: Group): Traits {
  let mask = 0;
  for (const { type } of group) mask |= kinds[type];
  return known[mask] ??= traitsOfKinds(mask);
}

function traitsOfKinds(mask: number): Traits {
  const has = (kind: Operation["type"]) => (mask & kinds[kind]) !== 0;
  const isLogged = has("raise") || has("create") || has("set-policy");
  const onlyRaises = mask === kinds.raise;
  return {
    takes: has("take"),
    onlyReads: !isLogged && !has("take"),
    onlyTakes: mask === kinds.take,
    onlyRaises,
    isLogged,
    looks: has("last"),
    isMixed: has("take") && has("list"),
    isRepeatable: onlyRaises || !isLogged,
    order: !has("list") && !has("set-policy")
      ? "named"
      : mask === kinds.list
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
