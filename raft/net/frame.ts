// How the bytes between two nodes are cut into frames. Pure: `wire.ts` has the socket; the
// payloads are those of `identity/hello.ts` first, then of `core/message_codec.ts`.
//
//   stream = frame*                                    each direction; little-endian
//   frame  = length u32 · crc32 u32 of payload · payload
//
// An empty payload is a keepalive. Any text on the port (HTTP, RESP) and a TLS hello read as a
// length far above the limit, so they are refused at their fourth byte.

import { crc32 } from "node:zlib";
import { assert } from "../../base/assert.ts";

/**
 * Bytes of a payload from a member. The longest are a Forward, of 256 KiB at most, and an append
 * of configurations, whose size is only estimated when entries are chosen.
 */
export const frameBytesMax = 320 * 1024;
/** Bytes of a payload from a guest: any message but an append of large entries. */
export const guestFrameBytesMax = 64 * 1024;
/** Bytes of a payload during the handshake. */
export const helloBytesMax = 1024;

const lengthBytes = 4;
/** Bytes of a frame before its payload. */
export const frameHeadBytes = 8;
/** Bytes of the buffer that an idle reader keeps. */
const idleBytesMax = 256 * 1024;

/** Length, checksum and `payload` in one piece, ready to be written. */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(frameHeadBytes + payload.length);
  frame.set(payload, frameHeadBytes);
  return sealFrame(frame);
}

/**
 * Fills in length and checksum of a frame whose payload stands behind `frameHeadBytes` bytes,
 * and returns it.
 */
export function sealFrame(frame: Uint8Array): Uint8Array {
  const payload = frame.subarray(frameHeadBytes);
  assert(payload.length <= frameBytesMax, `a frame of ${payload.length} bytes`);
  setU32(frame, 0, payload.length);
  setU32(frame, lengthBytes, crc32(payload));
  return frame;
}

/** Without a DataView: its buffer would be made for it, as small arrays have none of their own. */
function setU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** The result of looking for a frame. */
export type Step =
  /** `payload` is a view, valid until the next `push`. */
  | { readonly type: "frame"; readonly payload: Uint8Array }
  | { readonly type: "more" }
  /**
   * Nothing that follows can be trusted: close. `reason` completes "it sent …"; `first` is the
   * first byte of what should be a frame.
   */
  | {
    readonly type: "bad";
    readonly reason: string;
    readonly first: number;
  };

const more: Step = { type: "more" };

/** Cuts received bytes into frames. It reserves memory for bytes that arrived, not announced. */
export class FrameReader {
  /** A frame with a longer payload is refused when its header is seen. */
  payloadBytesMax: number;
  #buffer = new Uint8Array(0);
  #view = new DataView(this.#buffer.buffer);
  // 0 <= #start <= #end <= #buffer.length; the bytes between them were not taken yet.
  #start = 0;
  #end = 0;

  constructor(payloadBytesMax: number) {
    this.payloadBytesMax = payloadBytesMax;
  }

  /** The size of its buffer. */
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

  /** The next frame, if all of it has arrived. */
  next(): Step {
    const waiting = this.#end - this.#start;
    if (waiting < lengthBytes) return more;
    const length = this.#view.getUint32(this.#start, true);
    if (length > this.payloadBytesMax) {
      const reason =
        `a frame of ${length} bytes, above ${this.payloadBytesMax}`;
      return { type: "bad", reason, first: this.#first };
    }
    if (waiting < frameHeadBytes + length) return more;
    const from = this.#start + frameHeadBytes;
    const payload = this.#buffer.subarray(from, from + length);
    const checksum = this.#view.getUint32(this.#start + lengthBytes, true);
    if (crc32(payload) !== checksum) {
      const reason = "a frame with a wrong checksum";
      return { type: "bad", reason, first: this.#first };
    }
    this.#start = from + length;
    return { type: "frame", payload };
  }

  get #first(): number {
    return this.#view.getUint8(this.#start);
  }

  #isIdleAndLarge(needed: number): boolean {
    return this.#buffer.length > idleBytesMax && needed < idleBytesMax / 4;
  }

  #move(buffer: Uint8Array<ArrayBuffer>): void {
    const waiting = this.#buffer.subarray(this.#start, this.#end);
    buffer.set(waiting);
    if (buffer !== this.#buffer) this.#view = new DataView(buffer.buffer);
    this.#buffer = buffer;
    this.#start = 0;
    this.#end = waiting.length;
  }
}
