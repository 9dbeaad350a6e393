// A process to which the system denies what its files' modes deny, also if root starts it.

import type { Need } from "./needs.ts";

const asRoot = Deno.uid() === 0;

/** A command that runs the one which follows it, without root's power over modes. */
export const unprivileged: readonly string[] = asRoot
  ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
  : [];

export const unprivilegedNeeds: readonly Need[] = asRoot ? ["setpriv"] : [];
