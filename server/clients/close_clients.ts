// Closes clients that have broken a limit, and says so in one line of the log, however many
// they are. The limits stand elsewhere, in `slow_clients.ts` and
// `client_memory.ts`.

import type { ClientInfo } from "../commands/command.ts";

/** Writes one line to the log. */
export type ClientsLog = (level: "info" | "warning", text: string) => void;

/** `why` follows the clients' names in the line, with the punctuation before it. */
export function closeClients(
  clients: readonly { readonly client: ClientInfo; close(): void }[],
  { log, level, why }: {
    readonly log: ClientsLog;
    readonly level: "info" | "warning";
    readonly why: string;
  },
): void {
  for (const client of clients) client.close();
  const names = namesOf(clients.map(({ client }) => client));
  log(level, `closed ${names}${why}`);
}

function namesOf(clients: readonly ClientInfo[]): string {
  const [first] = clients;
  if (clients.length === 1) return `client ${first?.id} at ${first?.address}`;
  return `${clients.length} clients, the first of them ${first?.address}`;
}
