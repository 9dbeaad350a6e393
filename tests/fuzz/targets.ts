// All targets of the fuzzer.

import { adminTargets } from "./admin.ts";
import { cliTargets } from "./cli.ts";
import { connectionTargets } from "./connection.ts";
import { foundingTargets } from "./founding.ts";
import { frameTargets } from "./frames.ts";
import { backupTargets } from "./backups.ts";
import { machineTargets } from "./machine.ts";
import { operationTargets } from "./operations.ts";
import { peersTargets } from "./peers.ts";
import { processTargets } from "./process.ts";
import { recordTargets } from "./records.ts";
import { respTargets } from "./resp.ts";
import { scanTargets } from "./scans.ts";
import type { Target } from "./target.ts";

/** In the order in which they are tried. */
export const targets: readonly Target[] = [
  ...respTargets,
  ...connectionTargets,
  ...processTargets,
  ...frameTargets,
  ...peersTargets,
  ...recordTargets,
  ...scanTargets,
  ...cliTargets,
  ...adminTargets,
  ...foundingTargets,
  ...machineTargets,
  ...backupTargets,
  ...operationTargets,
];
