// One value of everything that disk and wire share, and its bytes, which must not change
// without a new version of both formats.

import type {
  Configuration,
  Entry,
  Snapshot,
  SnapshotHead,
} from "../../../../raft/core/types.ts";

const configuration: Configuration = {
  servers: [
    { id: "a", address: "h:1", suffrage: "voter", incarnation: "i" },
    { id: "b", address: "", suffrage: "learner", incarnation: "" },
    { id: "c", address: ":2", suffrage: "nonvoter", incarnation: "j" },
  ],
};
const configurationHex = "03" + "0161" + "03683a31" + "01" + "0169" +
  "0162" + "00" + "02" + "00" + "0163" + "023a32" + "03" + "016a";

/** A u64 below 256. */
export function u64(value: number): string {
  return value.toString(16).padStart(2, "0") + "00".repeat(7);
}

/** A u32 below 256. */
export function u32(value: number): string {
  return value.toString(16).padStart(2, "0") + "00".repeat(3);
}

/** One of each type, from index 5 on, of term 3. */
export const entries: readonly Entry[] = [
  { type: "noop", index: 5, term: 3 },
  { type: "command", index: 6, term: 3, data: Uint8Array.of(1, 2, 3) },
  { type: "configuration", index: 7, term: 3, configuration },
];
export const entriesHex = u64(5) + "03000000" + "01" + u64(3) + "02" + u64(3) +
  "03000000" + "010203" + "03" + u64(3) + configurationHex;

export const snapshot: Snapshot = {
  index: 4,
  term: 2,
  configuration,
  configurationIndex: 1,
  data: Uint8Array.of(9),
};
export const snapshotHex = u64(4) + u64(2) + u64(1) + configurationHex +
  "01000000" + "09";

/** Of another snapshot, with 5 bytes of data. */
export const head: SnapshotHead = {
  ...{ index: 4, term: 2, configuration, configurationIndex: 1 },
  ...{ bytes: 5, checksum: 6 },
};
export const headHex = u64(4) + u64(2) + u64(1) + configurationHex;
