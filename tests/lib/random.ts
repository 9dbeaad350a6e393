// Chance for tests, from a seed alone: the same seed draws the same numbers for ever.

/** An integer from 0 to `below - 1`. */
export type Random = (below: number) => number;

/** Mulberry32: small, fast, and good enough to choose among faults. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) % below;
  };
}
