// Catches errors that escape: from a timer, a microtask or a promise for which nobody waits. In
// a server such an error ends the process, and any client's bytes may have caused it
// (PITFALLS 36).

import { setImmediate } from "node:timers/promises";

/** Runs `run` and the next turn of the event loop; throws if an error escaped meanwhile. */
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
