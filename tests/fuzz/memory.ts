// Catches who reserves memory for what bytes announce: while it watches, no buffer longer
// than a limit can be made by its length. Copies of what is there are not its business.

/** Not an error that any decoder throws. */
class ReservedTooMuch extends Error {}

const original = globalThis.Uint8Array;

/** Runs `run`; fails if it asks for a buffer of more than `bytesMax`. */
export function withinMemory<T>(bytesMax: number, run: () => T): T {
  const watched = new Proxy(original, {
    construct(target, args: unknown[]) {
      const [length] = args;
      if (typeof length === "number" && length > bytesMax) {
        throw new ReservedTooMuch(`${length} bytes, where ${bytesMax} will do`);
      }
      return Reflect.construct(target, args);
    },
  });
  globalThis.Uint8Array = watched;
  try {
    return run();
  } finally {
    globalThis.Uint8Array = original;
  }
}
