// Opens a TCP connection, and says in a few words why it could not. Used by peers, by a
// joining node and by `ticketd status`. What travels on the connection is each caller's
// own business.

import type { Address } from "./address.ts";

/** Connects to `address`, where an empty host is this one. */
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
 * Whether both ends are one socket. When nobody listens on a port of the range from which
 * the system picks the caller's, it may pick that very port, and TCP connects it to itself.
 */
export function metItself(
  { localAddr, remoteAddr }: Pick<Deno.TcpConn, "localAddr" | "remoteAddr">,
): boolean {
  return localAddr.port === remoteAddr.port &&
    localAddr.hostname === remoteAddr.hostname;
}

/** A fault of the network in a few words, without the system's decoration. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Deno.errors.AddrInUse) return "address in use";
  if (error.name === "TimeoutError" || error.name === "AbortError") {
    return "no answer in time";
  }
  const text = error.message.replace(/ \(os error \d+\)$/, "");
  return text.charAt(0).toLowerCase() + text.slice(1);
}
