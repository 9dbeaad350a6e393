// One thing that is done to a cluster, and what must come of it: a row of the tables in
// `*_faults.ts`, which `faults.ts` joins. A new row goes into the table of its kind; a new table
// needs its kind here and its name there. A row must prove that it bit: a fault that nothing
// notices proves nothing.

import type { Scene } from "./scene.ts";

export const kinds = [
  "kill -9",
  "pause",
  "partition",
  "disk",
  "restart",
  "numbers",
  "move",
  "guests",
  "strangers",
] as const;

export type Fault = {
  /** Letters and dashes; `--only` takes the beginning of it. */
  readonly name: string;
  readonly kind: typeof kinds[number];
  /** What must come of it, in words, for the report; `run` checks it. */
  readonly expected: string;
  /** The smallest cluster in which it makes sense, in nodes. */
  readonly nodesMin: number;
  /** The largest such cluster; any if left out. */
  readonly nodesMax?: number;
  /** How often it is drawn, relative to the others. */
  readonly weight: number;
  /** Whether it makes another node leader: a run with such faults must see elections. */
  readonly elects: boolean;
  /**
   * Breaks something, checks what comes of it, mends it, and says in a few words what it did.
   * Each of its waits has a deadline; all together may take 120 s (`run.ts`).
   *
   * @throws if anything else came of it, or if nothing was broken
   */
  run(scene: Scene): Promise<string>;
};
