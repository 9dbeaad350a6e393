// Strangers on the raft ports.
import type { Fault } from "./fault.ts";
export const strangerFaults: readonly Fault[] = [];
