// Waiting for a state of other processes, which nobody announces: look, and look again
// shortly after, until it is there or patience ends.

/** Matters only when something is wrong; large, because machines of tests are slow. */
export const patienceMillis = 30_000;
const pauseMillis = 10;

/** The first value other than `undefined` and `false` that `look` finds. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { millisMax = patienceMillis } = {},
): Promise<T> {
  const deadline = performance.now() + millisMax;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) {
      throw new Error(`waited ${millisMax / 1000} s in vain: ${what}`);
    }
    await pause();
  }
}

export async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, pauseMillis));
}
