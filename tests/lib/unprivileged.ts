// Starts a process for which the modes of files hold, even if root starts it.

import type { Need } from "./needs.ts";

const asRoot = Deno.uid() === 0;

/** The words before a command that take root's power over modes away from it. */
export const unprivileged: readonly string[] = asRoot
  ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
  : [];

/** The needs of a test that uses `unprivileged`. */
export const unprivilegedNeeds: readonly Need[] = asRoot ? ["setpriv"] : [];
