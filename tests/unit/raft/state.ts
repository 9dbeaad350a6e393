// The machine's snapshot in its format, written without the machine, for tests that begin
// after more tickets than they could take.

import { Writer } from "../../../base/bytes.ts";
import { ticketSequence } from "../../../raft/tickets/machine.ts";

/** One sequence, which stands at `last`. */
export function stateAt(last: bigint, name = ticketSequence): Uint8Array {
  const writer = new Writer();
  writer.u8(1);
  writer.u32(1);
  writer.text(name);
  writer.u32(Number(last & 0xffff_ffffn));
  writer.u32(Number(last >> 32n));
  return writer.written.slice();
}
