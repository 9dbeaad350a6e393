// Catches decoders that reserve memory for a length that bytes only announce (PITFALLS 33):
// while it watches, no longer buffer than a limit can be made by its length. Copies of bytes
// that are there do not count.

/** No decoder throws this error. */
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
