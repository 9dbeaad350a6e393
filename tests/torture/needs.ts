// The programs and rights that a torture run needs, and whether they are there.

import { lack, type Need } from "../lib/needs.ts";

/** In the terms of tests/lib/needs.ts. */
export const tortureNeeds: readonly Need[] = [
  "root",
  "ip",
  "mount",
  "nft",
  "nsenter",
  "prlimit",
  "setpriv",
  "strace",
  "unshare",
  "namespaces",
];

/** Why torture cannot run here, as the end of a sentence; `undefined` if it can. */
export function hindrance(): string | undefined {
  return lack(tortureNeeds);
}
