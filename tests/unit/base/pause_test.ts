// A pause ends by itself or by a signal, and keeps nothing.

import assert from "node:assert/strict";
import { pause } from "../../../base/pause.ts";

const long = 600_000;

Deno.test("A pause ends when its time is over, or with a signal, before or meanwhile", async () => {
  await pause(1);
  await pause(1, new AbortController().signal);
  await pause(long, AbortSignal.abort());
  const stop = new AbortController();
  const paused = pause(long, stop.signal);
  stop.abort();
  await paused;
});

Deno.test("A signal that lives long keeps no listener of a pause that is over", async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const [add, remove] = [signal.addEventListener, signal.removeEventListener];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove.apply(signal, args);
  };
  await pause(1, signal);
  assert.equal(listeners, 0);
});
