// What a torture run needs of the machine, and whether it is there.

import { lack, type Need } from "../lib/needs.ts";

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

/** Why it cannot run here, as the end of a sentence; `undefined` if it can. */
export function hindrance(): string | undefined {
  return lack(tortureNeeds);
}
