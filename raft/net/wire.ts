// One TCP connection that carries frames: reads them, writes one batch at a time, and remembers
// when it last heard anything. Not here: which node it leads to, and what the frames mean
// (`peers.ts`).

import { formatAddress, plainHost } from "../../base/address.ts";
import { assert } from "../../base/assert.ts";
import {
  FrameReader,
  guestFrameBytesMax,
  helloBytesMax,
  type Step,
} from "./frame.ts";
import { noProof, type PeerProof } from "../identity/peer_ranks.ts";

/** Bytes of one read. */
const readBytesMax = 64 * 1024;
/** Bytes of one read from a node that may send small frames only. */
const guestReadBytes = 8 * 1024;

/** One connection to another node, or to a caller that is not known yet. */
export class Wire {
  readonly remote: string;
  readonly remoteHost: string;
  /** The proof that the other side gave in the handshake. */
  proof: PeerProof = noProof;
  /** When the last byte came, by performance.now(). */
  heardMillis = performance.now();
  /** When the last whole frame came, by performance.now(). */
  framedMillis = performance.now();
  #busy = false;
  #closed = false;
  readonly #conn: Deno.TcpConn;
  readonly #frames = new FrameReader(helloBytesMax);
  // During the handshake: callers that are not known get little memory.
  #chunk = new Uint8Array(helloBytesMax);

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    const { hostname, port } = conn.remoteAddr;
    this.remoteHost = plainHost(hostname);
    this.remote = formatAddress({ host: this.remoteHost, port });
  }

  /** A write is under way; the next must wait. */
  get busy(): boolean {
    return this.#busy;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The handshake is over, and showed `proof`; frames may be larger from now on. */
  trust(proof: PeerProof, payloadBytesMax: number): void {
    this.proof = proof;
    this.allow(payloadBytesMax);
  }

  /** Sets how large the payload of a frame may be from now on. */
  allow(payloadBytesMax: number): void {
    if (this.#frames.payloadBytesMax === payloadBytesMax) return;
    this.#frames.payloadBytesMax = payloadBytesMax;
    const isLarge = payloadBytesMax > guestFrameBytesMax;
    // A read that is under way keeps the former chunk.
    this.#chunk = new Uint8Array(isLarge ? readBytesMax : guestReadBytes);
  }

  /** A frame that has already arrived. */
  next(): Step {
    const step = this.#frames.next();
    if (step.type === "frame") this.framedMillis = performance.now();
    return step;
  }

  /** Waits for bytes; false when the connection has ended. */
  async fill(): Promise<boolean> {
    const chunk = this.#chunk;
    const count = await this.#conn.read(chunk).catch(() => null);
    if (count === null || this.#closed) return false;
    this.heardMillis = performance.now();
    this.#frames.push(chunk.subarray(0, count));
    return true;
  }

  /** The next frame, waiting for it; `more` when the connection ended before. */
  async frame(): Promise<Step> {
    let step = this.next();
    while (step.type === "more" && await this.fill()) step = this.next();
    return step;
  }

  /** Hands `bytes` to the system before it returns, or later, as the system has room. */
  async write(bytes: Uint8Array): Promise<void> {
    assert(!this.#busy, "two writes at once on one connection");
    this.#busy = true;
    try {
      let rest = bytes;
      while (rest.length > 0) {
        rest = rest.subarray(await this.#conn.write(rest));
      }
    } catch {
      this.close(); // which ends the reader, too
    } finally {
      this.#busy = false;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }
}
