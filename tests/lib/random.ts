// Random numbers for tests, from a seed alone: the same seed draws the same numbers on any
// machine and in any version.

/** Draws an integer from 0 to `below - 1`. */
export type Random = (below: number) => number;

/** Mulberry32: small, fast, and good enough to choose among faults. `seed` counts modulo 2^32. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) % below;
  };
}
