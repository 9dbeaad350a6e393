// What a torture run does to a cluster: the table of all faults, each with what must
// come of it. Every promise to clients is checked beside, all the time, whatever breaks.

import { diskFaults } from "./disk_faults.ts";
import type { Fault } from "./fault.ts";
import { guestFaults } from "./guest_faults.ts";
import { lifeFaults } from "./life_faults.ts";
import { networkFaults } from "./network_faults.ts";
import { processFaults } from "./process_faults.ts";
import { strangerFaults } from "./stranger_faults.ts";

export const faults: readonly Fault[] = [
  ...processFaults,
  ...networkFaults,
  ...diskFaults,
  ...lifeFaults,
  ...guestFaults,
  ...strangerFaults,
];
