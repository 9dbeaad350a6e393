// A listening TCP port whose connections come as sockets of `socket.ts`, by callback, on
// `node:net`. Not here: ports whose connections are read by promises, and the words for a
// port that cannot be had (`listen.ts`); which connections are served (`server/clients/`).
//
// A port that is open accepts, whether anybody serves it yet or not. Until `start()` it keeps
// a bounded number of connections, of which it reads nothing.
//
// Deno 2.9 goes deaf for good when the system refuses one accept, as it does when there are
// no file handles: it tells nobody, and never asks again. `wake()` makes it ask.

import { createServer, type Server, type Socket as NetSocket } from "node:net";
import { type Address, formatAddress } from "./address.ts";
import { bound, openPort, type Purpose, refusal } from "./listen.ts";
import { TcpSocket } from "./socket.ts";

/** Connections that wait in the system: a smaller queue makes a crowd wait for seconds. */
const backlog = 511;

/** An open port. */
export class Port {
  /** Where it listens: the IP address, and the port that the system chose for port 0. */
  readonly address: Address;
  readonly #server: Server;
  readonly #earlyMax: number;
  /** Accepted before `start()`. */
  readonly #early: TcpSocket[] = [];
  #accept = (socket: TcpSocket): void => {
    if (this.#early.length < this.#earlyMax) this.#early.push(socket);
    else socket.close();
  };

  /**
   * Owns `server`, which listens, from now on. Its sockets must be paused. At most `earlyMax`
   * wait for `start()`; more are closed.
   */
  constructor(server: Server, earlyMax: number) {
    this.#server = server;
    this.#earlyMax = earlyMax;
    const { host, port } = addressOf(server);
    this.address = { host, port };
    server.on("error", ignore); // of one connection that could not be accepted
    server.on(
      "connection",
      (socket: NetSocket) => this.#accept(new TcpSocket(socket)),
    );
  }

  /** Hands over each connection from now on; `accept` owns it. */
  start(accept: (socket: TcpSocket) => void): void {
    this.#accept = accept;
    for (const socket of this.#early.splice(0)) accept(socket);
  }

  /**
   * Asks the system for connections, even if it has refused before: to be called once in a
   * while. Costs some microseconds.
   */
  wake(): void {
    // To listen again on a handle that listens already has no other effect.
    const { _handle: handle } = this.#server as Server & HasHandle;
    handle?.listen?.(backlog);
  }

  /** Accepts no more. Connections that were handed over go on. */
  close(): void {
    this.#server.close();
    for (const socket of this.#early.splice(0)) socket.close();
  }
}

type HasHandle = { readonly _handle?: { listen?(backlog: number): number } };

/**
 * Listens on TCP `address`; an empty host is all interfaces, port 0 any that is free. At most
 * `earlyMax` connections wait for `start()`.
 * @throws {Error} One sentence for the user, when the address cannot be listened on.
 */
export async function listenOn(
  address: Address,
  purpose: Purpose & { readonly earlyMax?: number | undefined },
): Promise<Port> {
  const { hostname: host, port } = bound(address);
  const asked = { name: "net", host: formatAddress({ host, port }) } as const;
  if (Deno.permissions.querySync(asked).state !== "granted") {
    openPort(address, purpose).close(); // asks the user, or says which flag is missing
  }
  // Paused: the end of a connection would be told before anybody listens to it.
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      const reusePort = purpose.shared ?? false;
      server.listen({ host, port, backlog, reusePort }, resolve);
    });
  } catch (error) {
    // `node:net` has hardly a reason for what fails. Deno.listen has, and fails as well.
    openPort(address, purpose).close();
    throw refusal(address, { error, purpose });
  }
  return new Port(server, purpose.earlyMax ?? backlog);
}

function ignore(): void {}

function addressOf(server: Server): Address {
  const address = server.address();
  return typeof address === "object" && address
    ? { host: address.address, port: address.port }
    : { host: "", port: 0 };
}
