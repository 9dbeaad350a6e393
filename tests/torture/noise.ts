// Random bytes for guests and strangers to send, other ones each time. They are drawn in advance:
// draws during the run would depend on its timing, and change what the same seed does.

import type { Random } from "../lib/random.ts";

const allBytes = 64 * 1024;
const pieceBytes = 1024;
const stepBytes = 67;

/** A source of 1,024 bytes at each call. */
export function noiseOf(random: Random): () => Uint8Array<ArrayBuffer> {
  const all = Uint8Array.from({ length: allBytes }, () => random(256));
  let at = 0;
  return () => {
    at = (at + stepBytes) % (allBytes - pieceBytes);
    return all.slice(at, at + pieceBytes);
  };
}
