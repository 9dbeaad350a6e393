// All faults of a torture run, from the table of each kind; `fault.ts` says what a row needs.
// The promises to clients are checked beside them, all the time, whatever breaks.

import { diskFaults } from "./disk_faults.ts";
import type { Fault } from "./fault.ts";
import { guestFaults } from "./guest_faults.ts";
import { moveFaults } from "./move_faults.ts";
import { networkFaults } from "./network_faults.ts";
import { numberFaults } from "./number_faults.ts";
import { processFaults } from "./process_faults.ts";
import { recoveryFaults } from "./recovery_faults.ts";
import { restartFaults } from "./restart_faults.ts";
import { strangerFaults } from "./stranger_faults.ts";

/** In the order of the report. */
export const faults: readonly Fault[] = [
  ...processFaults,
  ...networkFaults,
  ...diskFaults,
  ...restartFaults,
  ...numberFaults,
  ...recoveryFaults,
  ...moveFaults,
  ...guestFaults,
  ...strangerFaults,
];
