// The machine's snapshot as its format says it, written without the machine: what a test
// begins with that cannot wait for so many tickets.

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
