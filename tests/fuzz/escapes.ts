// Catches what escapes: an error that comes out of a timer, a microtask or a promise that
// nobody waits for. In a server it ends the process, whoever's bytes had caused it.

import { setImmediate } from "node:timers/promises";

/** Runs `run` and the turn after it; fails with the first error that escaped meanwhile. */
export async function withoutEscapes<T>(run: () => Promise<T>): Promise<T> {
  const escaped: unknown[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    escaped.push(event.error);
  };
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    escaped.push(event.reason);
  };
  globalThis.addEventListener("error", onError);
  globalThis.addEventListener("unhandledrejection", onRejection);
  try {
    const result = await run();
    await setImmediate();
    if (escaped.length > 0) {
      throw new Error("this would have ended the process", {
        cause: escaped[0],
      });
    }
    return result;
  } finally {
    globalThis.removeEventListener("error", onError);
    globalThis.removeEventListener("unhandledrejection", onRejection);
  }
}
