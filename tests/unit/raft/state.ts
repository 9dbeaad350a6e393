// The bytes of a machine's snapshot, written without the machine, for tests that begin
// after more tickets than a test could take. The format stands in
// `raft/tickets/sequence_table.ts`.

import { Writer } from "../../../base/bytes.ts";
import { defaultSequence } from "../../../base/sequence_name.ts";

/** The snapshot of one sequence whose last number taken is `last`. */
export function stateAt(last: bigint, name = defaultSequence): Uint8Array {
  const writer = new Writer();
  writer.u8(2);
  writer.u8(0);
  writer.u32(1);
  writer.text(name);
  writer.u32(Number(last & 0xffff_ffffn));
  writer.u32(Number(last >> 32n));
  return writer.written.slice();
}
