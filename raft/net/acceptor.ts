// The raft port: accepts connections, lets `inbound_handshake.ts` find out which nodes have
// dialled, and hands those that are let in to `peers.ts`. It outlives a failing accept, as
// when file handles run out. Opening the port is not done here.

import { reasonOf } from "../../base/dial.ts";
import { hungUp } from "../../base/listen.ts";
import type { Admitted, InboundHandshake } from "./inbound_handshake.ts";
import type { Warnings } from "./warnings.ts";
import { Wire } from "./wire.ts";

/** Milliseconds from a failed accept to the next: to try at once would not help. */
const pauseMillis = 100;

/** The dependencies of the raft port. */
export type AcceptorOptions = {
  readonly handshake: InboundHandshake;
  readonly warnings: Warnings;
  /** Uses `wire`, on which a node was let in, until it has ended. */
  serve(wire: Wire, admitted: Admitted): Promise<void>;
  /** Is given each task that was begun. */
  run(task: Promise<void>): void;
};

/** The raft port, from its first connection to its last. */
export class Acceptor {
  readonly #listener: Deno.TcpListener;
  readonly #options: AcceptorOptions;
  /** All accepted connections, unauthenticated ones included. */
  readonly #wires = new Set<Wire>();
  #closing = false;

  /** Owns `listener` from now on, and accepts at once. */
  constructor(listener: Deno.TcpListener, options: AcceptorOptions) {
    this.#listener = listener;
    this.#options = options;
    options.run(this.#accept());
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Accepts no more, and hangs up on callers in the middle of their handshake. */
  stop(): void {
    this.#closing = true;
    this.#listener.close();
    this.#options.handshake.close();
  }

  /** Hangs up on all. */
  closeAll(): void {
    for (const wire of this.#wires) wire.close();
  }

  async #accept(): Promise<void> {
    while (!this.#closing) {
      try {
        const conn = await this.#listener.accept();
        this.#options.run(this.#receive(new Wire(conn)));
      } catch (error) {
        if (this.#closing) return;
        if (hungUp(error)) continue;
        const text = `cannot accept a peer: ${reasonOf(error)}`;
        this.#options.warnings.throttled(text);
        await new Promise((resolve) => setTimeout(resolve, pauseMillis));
      }
    }
  }

  /** One accepted connection, from its first byte to its last. */
  async #receive(wire: Wire): Promise<void> {
    if (this.#closing) return wire.close();
    const { handshake, serve } = this.#options;
    this.#wires.add(wire);
    const admitted = await handshake.admit(wire);
    if (admitted !== undefined) await serve(wire, admitted);
    this.#wires.delete(wire);
  }
}
