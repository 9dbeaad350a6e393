// Outgoing TCP connections: opens one, and says in a few words why it could not. Used by
// peers, by a joining node and by `ticketd status`. Not here: what travels on the connection,
// time limits, and second tries.

import type { Address } from "./address.ts";

/**
 * Connects to `address`; an empty host is this machine. `signal` ends the attempt.
 * @throws Whatever Deno.connect throws, which {@linkcode reasonOf} puts into words.
 */
export async function dial(
  { host, port }: Address,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const hostname = host === "" ? "127.0.0.1" : host;
  const conn = await Deno.connect({ hostname, port, signal });
  try {
    signal.throwIfAborted();
    if (metItself(conn)) {
      throw new Deno.errors.ConnectionRefused(
        "connection refused: nobody listens there, and the call reached itself",
      );
    }
    conn.setNoDelay(true);
  } catch (error) {
    conn.close();
    throw error;
  }
  return conn;
}

/**
 * Whether both ends are one socket. The system picks the port of the calling end; when it
 * picks the very port that is called, on which nothing listens, TCP connects the socket to
 * itself.
 */
export function metItself(
  { localAddr, remoteAddr }: Pick<Deno.TcpConn, "localAddr" | "remoteAddr">,
): boolean {
  return localAddr.port === remoteAddr.port &&
    localAddr.hostname === remoteAddr.hostname;
}

/** A fault of the network in a few words: "connection refused", "no answer in time". */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Deno.errors.AddrInUse) return "address in use";
  if (error.name === "TimeoutError" || error.name === "AbortError") {
    return "no answer in time";
  }
  const text = error.message.replace(/ \(os error \d+\)$/, "");
  return text.charAt(0).toLowerCase() + text.slice(1);
}
