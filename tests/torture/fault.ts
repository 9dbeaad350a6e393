// One thing that is done to a cluster, and what must come of it; `faults.ts` has them all.

import type { Scene } from "./scene.ts";

export const kinds = [
  "kill -9",
  "pause",
  "partition",
  "disk",
  "life",
  "guests",
  "strangers",
] as const;

export type Fault = {
  /** Of letters and dashes; `--only` takes the beginning of it. */
  readonly name: string;
  readonly kind: typeof kinds[number];
  /** What must come of it, for people; `run` checks it. */
  readonly expected: string;
  /** The smallest cluster in which it makes sense. */
  readonly nodesMin: number;
  /** The largest, if not any. */
  readonly nodesMax?: number;
  /** How often among the others. */
  readonly weight: number;
  /** Somebody else must become leader. */
  readonly elects: boolean;
  /**
   * Breaks, checks, mends; throws when anything else came of it, or nothing was broken.
   * Says in a few words what it did.
   */
  run(scene: Scene): Promise<string>;
};
