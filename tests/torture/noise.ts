// Bytes without sense, other ones each time, for guests and strangers to say. They are
// drawn at once: what is drawn while others draw would make a run with the same seed
// another one.

import type { Random } from "../lib/random.ts";

const allBytes = 64 * 1024;
const pieceBytes = 1024;
const stepBytes = 67;

export function noiseOf(random: Random): () => Uint8Array<ArrayBuffer> {
  const all = Uint8Array.from({ length: allBytes }, () => random(256));
  let at = 0;
  return () => {
    at = (at + stepBytes) % (allBytes - pieceBytes);
    return all.slice(at, at + pieceBytes);
  };
}
