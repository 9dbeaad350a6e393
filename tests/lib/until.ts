// Waiting with a deadline. A wait that never ends must fail, and say what it waited for, so
// every wait of a test on another process, a socket or a callback goes through here:
//
// - `until` looks again and again for a state that nobody announces;
// - `within` waits for a promise that somebody else settles.
//
// `state` completes the sentence "waited 30 s in vain until …": "node 2 leads", not "timeout".

/** Matters only when something is wrong; long, because machines that run tests are slow. */
export const patienceMillis = 30_000;
const pauseMillis = 10;

/** The deadline has passed, and what was waited for has not come. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";

  constructor(state: string, millis: number) {
    super(`waited ${millis / 1000} s in vain until ${state}`);
  }
}

/**
 * The value of `promise`.
 *
 * @example
 * ```ts
 * await within("strace has ended", child.status);
 * ```
 *
 * @throws {DeadlineError} if it takes longer than `millisMax` milliseconds
 */
export async function within<T>(
  state: string,
  promise: Promise<T>,
  { millisMax = patienceMillis } = {},
): Promise<T> {
  const { promise: deadline, reject } = Promise.withResolvers<never>();
  const late = () => reject(new DeadlineError(state, millisMax));
  const timer = setTimeout(late, millisMax);
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The first value other than `undefined` and `false` that `look` finds.
 *
 * @example
 * ```ts
 * await until("node 2 leads", async () => await leader() === "2");
 * ```
 *
 * @throws {DeadlineError} if there is none for `millisMax` milliseconds, even if `look` hangs
 */
export async function until<T>(
  state: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { millisMax = patienceMillis } = {},
): Promise<T> {
  let over = false;
  const search = async () => {
    for (;;) {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      if (over) throw new DeadlineError(state, millisMax);
      await pause();
    }
  };
  try {
    return await within(state, search(), { millisMax });
  } finally {
    over = true;
  }
}

/** The time between two looks: 10 ms. */
export async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, pauseMillis));
}
