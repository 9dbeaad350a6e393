// A client as the log names it, for tests of the limits that close clients.

import type { ClientInfo } from "../../../../server/commands/command.ts";

/** Client `id`, at an address of its own. */
export function clientInfo(id: number): ClientInfo {
  return { id, address: `192.0.2.1:${id}`, name: "", protocol: 2 };
}
