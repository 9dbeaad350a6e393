// How the bytes between two nodes are cut into frames. Pure: `wire.ts` has the socket;
// what a frame holds stands in `hello.ts` (the first one) and `core/message_codec.ts`.
//
//   stream = frame*                                    each direction; little-endian
//   frame  = length u32 · crc32 u32 of payload · payload
//
// An empty payload is a beat, "still here". Any text on the port (HTTP, RESP) and a TLS
// hello read as a length far above the limit, so they end at their fourth byte.

import { crc32 } from "node:zlib";
import { assert } from "../../base/assert.ts";

/** Of a payload: one snapshot, and what stands beside it. */
export const frameBytesMax = 1024 * 1024 + 64 * 1024;
/** Of a payload of a node that is not known, or not yet: any message but those two. */
export const guestFrameBytesMax = 64 * 1024;
/** Of a payload as long as the other side is a stranger. */
export const helloBytesMax = 1024;

const lengthBytes = 4;
const headerBytes = 8;
/** An idle reader keeps no more than this. */
const idleBytesMax = 256 * 1024;

/** Length, checksum and `payload` in one piece, ready to be written. */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  assert(payload.length <= frameBytesMax, `a frame of ${payload.length} bytes`);
  const frame = new Uint8Array(headerBytes + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, payload.length, true);
  view.setUint32(4, crc32(payload), true);
  frame.set(payload, headerBytes);
  return frame;
}

export type Step =
  /** `payload` is a view, good until the next `push`. */
  | { readonly type: "frame"; readonly payload: Uint8Array }
  | { readonly type: "more" }
  /** Nothing that follows can be trusted: close. */
  | { readonly type: "bad"; readonly reason: string };

const more: Step = { type: "more" };

/** Cuts received bytes into frames; its memory follows what arrived, not what was announced. */
export class FrameReader {
  /** A longer frame is refused when its header is seen. */
  payloadBytesMax: number;
  #buffer = new Uint8Array(0);
  // 0 <= #start <= #end <= #buffer.length; between them lies what was not taken yet.
  #start = 0;
  #end = 0;

  constructor(payloadBytesMax: number) {
    this.payloadBytesMax = payloadBytesMax;
  }

  /** What its buffer takes. */
  get reservedBytes(): number {
    return this.#buffer.length;
  }

  push(bytes: Uint8Array): void {
    const waiting = this.#end - this.#start;
    const needed = waiting + bytes.length;
    if (needed > this.#buffer.length || this.#isIdleAndLarge(needed)) {
      const size = waiting === 0 ? needed : needed * 2;
      this.#move(new Uint8Array(size));
    } else if (this.#end + bytes.length > this.#buffer.length) {
      this.#move(this.#buffer);
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  next(): Step {
    const waiting = this.#end - this.#start;
    if (waiting < lengthBytes) return more;
    const view = new DataView(this.#buffer.buffer, this.#start);
    const length = view.getUint32(0, true);
    if (length > this.payloadBytesMax) {
      const reason =
        `a frame of ${length} bytes, above ${this.payloadBytesMax}`;
      return { type: "bad", reason };
    }
    if (waiting < headerBytes + length) return more;
    const from = this.#start + headerBytes;
    const payload = this.#buffer.subarray(from, from + length);
    if (crc32(payload) !== view.getUint32(4, true)) {
      return { type: "bad", reason: "a frame with a wrong checksum" };
    }
    this.#start = from + length;
    return { type: "frame", payload };
  }

  #isIdleAndLarge(needed: number): boolean {
    return this.#buffer.length > idleBytesMax && needed < idleBytesMax / 4;
  }

  #move(buffer: Uint8Array<ArrayBuffer>): void {
    const waiting = this.#buffer.subarray(this.#start, this.#end);
    buffer.set(waiting);
    this.#buffer = buffer;
    this.#start = 0;
    this.#end = waiting.length;
  }
}
