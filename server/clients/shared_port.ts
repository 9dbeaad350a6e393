// One port on which several isolates of one process listen (SO_REUSEPORT): the kernel
// gives each new connection to one of them. It would give some to another process just
// as well, and clients of one address would then get the numbers of two clusters, each
// number twice. So the main isolate claims a port before the others join it, and no two
// processes can claim the same one.
//
// A claim binds the port alone, which fails while any socket listens on it, shared or not.
// To share it, that socket must be closed again; in that moment another process could claim
// the port, too. Therefore the claim takes the UDP port of the same number first, as a lock,
// and keeps it until the process ends. Nothing is sent on it.
//
// All isolates use the IP address that a name was first resolved to: resolved again, it may
// be another, which was not claimed.

import type { Address } from "../../base/address.ts";
import { lockPort, openPort } from "../../base/listen.ts";
import { listenOn, type Port } from "../../base/port.ts";

const purpose = { whom: "clients", flag: "--saddr" };

/** A port that this process may share among its isolates. */
export type Claim = {
  /** The main isolate's socket, open already. */
  readonly socket: Port;
  /** Where it listens: the IP address, and the port that the system chose for `:0`. */
  readonly address: Address;
  /** No other process can claim the port until this is closed or the process ends. */
  readonly lock: Deno.DatagramConn;
};

/**
 * Claims `wanted` for this process: for the main isolate.
 *
 * @throws {Error} with one sentence for the user when it cannot be listened on.
 */
export async function claimPort(
  wanted: Address,
  earlyMax?: number,
): Promise<Claim> {
  const alone = openPort(wanted, purpose);
  const { hostname: host, port } = alone.addr;
  const address = { host, port };
  let lock: Deno.DatagramConn;
  try {
    lock = lockPort(address, purpose);
  } finally {
    alone.close();
  }
  try {
    return { socket: await joinPort(address, earlyMax), address, lock };
  } catch (error) {
    lock.close(); // or a second try would be refused by the first
    throw error;
  }
}

/** Listens on `address`, which the main isolate has claimed: for the other isolates. */
export function joinPort(address: Address, earlyMax?: number): Promise<Port> {
  return listenOn(address, { ...purpose, shared: true, earlyMax });
}
