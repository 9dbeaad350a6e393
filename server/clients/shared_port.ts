// One port on which several isolates of one process listen (SO_REUSEPORT): the kernel
// gives each new connection to one of them. It would give them to another process just
// as well, and clients of one address would then get the numbers of two clusters, each
// number twice. So nobody joins a port that was not claimed first, and no two processes
// can claim one.
//
// A claim binds the port alone, which fails as long as anybody listens on it, sharing or
// not. To share it, that socket must be closed again; in that moment another process
// could claim the port, too. Therefore the UDP port of the same number is taken before,
// alone and for the process's life: nobody speaks on it, it is a lock.
//
// All this is done at the IP address that a name led to at first: asked again, it may
// lead to another, which nobody has claimed.

import type { Address } from "../../base/address.ts";
import { lockPort, openPort } from "../../base/listen.ts";

const purpose = { whom: "clients", flag: "--saddr" };

export type Claim = {
  readonly socket: Deno.TcpListener;
  /** Where it listens: a name looked up, and the port that the system chose for `:0`. */
  readonly address: Address;
  /** Nobody else claims the port until it is closed, or the process ends. */
  readonly lock: Deno.DatagramConn;
};

/** For the main isolate; fails with a text for the user. */
export function claimPort(wanted: Address): Claim {
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
    return { socket: joinPort(address), address, lock };
  } catch (error) {
    lock.close(); // or a second try would be refused by the first
    throw error;
  }
}

/** For the other isolates, once the main one has claimed `address`. */
export function joinPort(address: Address): Deno.TcpListener {
  return openPort(address, { ...purpose, shared: true });
}
