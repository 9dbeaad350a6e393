// Keepalives: sends an empty frame on every idle connection now and then, and hangs up on a
// node from which nothing comes. TCP alone would take many minutes to notice that a host has
// vanished. These are not the heartbeats of Raft, which only a leader sends.

import { encodeFrame } from "./frame.ts";
import type { Link } from "./link.ts";
import type { PeerTimes } from "./peer_limits.ts";
import type { Warnings } from "./warnings.ts";

const keepalive = encodeFrame(new Uint8Array(0));

/** The connections to keep alive, and how. */
export type KeepaliveOptions = {
  readonly times: Pick<
    PeerTimes,
    "keepaliveMillis" | "silenceMillis" | "frameMillis"
  >;
  /** All links, iterated anew each time. */
  readonly links: Iterable<Link>;
  readonly warnings: Warnings;
};

/** Sends keepalives, and ends silent connections. */
export class Keepalive {
  readonly #options: KeepaliveOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #lastMillis = performance.now();

  /** Begins at once, and goes on until {@linkcode stop}. */
  constructor(options: KeepaliveOptions) {
    this.#options = options;
    const { keepaliveMillis } = options.times;
    this.#timer = setInterval(() => this.#run(), keepaliveMillis);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #run(): void {
    const { times, links, warnings } = this.#options;
    const now = performance.now();
    // After the isolate was blocked, received bytes have to be read first (PITFALLS 2).
    const late = now - this.#lastMillis > 2 * times.keepaliveMillis;
    this.#lastMillis = now;
    for (const link of links) {
      for (const wire of link.wires) {
        const silent = now - wire.heardMillis > times.silenceMillis ||
          now - wire.framedMillis > times.frameMillis;
        if (silent && !late) {
          const whom = `node ${link.id} (${wire.remote})`;
          const text = `hung up on ${whom}: it fell silent`;
          warnings.once(`silent ${link.id}`, text);
          wire.close();
        } else if (!wire.busy) void link.write(wire, keepalive);
      }
    }
  }
}
