// Names that stand for several addresses, for one, and for none.

import assert from "node:assert/strict";
import { resolve } from "../../../base/resolve.ts";

const lookup = (name: string) =>
  name === "nodes"
    ? Promise.resolve(["10.0.0.1", "10.0.0.2", "10.0.0.1"])
    : Promise.reject(new Error(`no such host: ${name}`));

Deno.test("A name stands for all of its addresses, each once", async () => {
  assert.deepEqual(await resolve({ host: "nodes", port: 7 }, { lookup }), [
    { host: "10.0.0.1", port: 7 },
    { host: "10.0.0.2", port: 7 },
  ]);
});

Deno.test("Numbers are not looked up, and an empty host is this machine", async () => {
  for (const [host, expected] of [["", "127.0.0.1"], ["::1", "::1"]] as const) {
    const found = await resolve({ host, port: 7 }, {
      lookup: () => assert.fail("looked up"),
    });
    assert.deepEqual(found, [{ host: expected, port: 7 }]);
  }
});

Deno.test("A resolver that hangs is left alone when the signal comes", async () => {
  const ending = new AbortController();
  const found = resolve({ host: "slow", port: 7 }, {
    signal: ending.signal,
    lookup: () => new Promise(() => {}),
  });
  ending.abort(new Error("over"));
  await assert.rejects(found, /over/);
});

Deno.test("A resolver that hangs is left alone when its time is over, and leaves no listener", async () => {
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
  const found = resolve({ host: "slow", port: 7 }, {
    ...{ signal, millis: 5 },
    lookup: () => new Promise(() => {}),
  });
  await assert.rejects(found, /^Error: slow was not resolved within 5 ms$/);
  assert.equal(listeners, 0);
});

Deno.test("The system's resolver knows this machine, and not a made-up one", async () => {
  const found = await resolve({ host: "localhost", port: 7 });
  assert(found.some(({ host }) => host === "127.0.0.1" || host === "::1"));
  await assert.rejects(
    resolve({ host: "nobody.invalid", port: 7 }),
    /nobody\.invalid/,
  );
});
