// The bytes of a machine's snapshot, written without the machine, for tests that begin
// after more tickets than a test could take. The format stands in
// `raft/tickets/machine.ts`.

import { Writer } from "../../../base/bytes.ts";
import { ticketSequence } from "../../../raft/tickets/machine.ts";

/** The snapshot of one sequence whose last number taken is `last`. */
export function stateAt(last: bigint, name = ticketSequence): Uint8Array {
  const writer = new Writer();
  writer.u8(1);
  writer.u32(1);
  writer.text(name);
  writer.u32(Number(last & 0xffff_ffffn));
  writer.u32(Number(last >> 32n));
  return writer.written.slice();
}
