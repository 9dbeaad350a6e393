import assert from "node:assert/strict";
import fc from "fast-check";
import { shareHandles } from "../../../server/file_handles.ts";

/** What the process was seen to open beside clients, peers and further threads. */
const ownSeen = 16;

Deno.test("All shares of the file handles together are never more than there are", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 128, max: 20_000 }),
      fc.integer({ min: 1, max: 50_000 }),
      fc.integer({ min: 1, max: 16 }),
      (free, clientsMax, ioThreads) => {
        const shares = shareHandles(free, { clientsMax, ioThreads });
        assert(shares.clientsMax <= clientsMax);
        assert(shares.clientsMax >= 1);
        const taken = shares.clientsMax + shares.placesKept + shares.peersMax +
          shares.refusalsMax * ioThreads;
        if (shares.clientsMax > 1) assert(taken + ownSeen <= free);
      },
    ),
  );
});

Deno.test("Where handles are plenty, all get as many as they want", () => {
  for (const free of [undefined, 100_000]) {
    assert.deepEqual(shareHandles(free, { clientsMax: 10_000, ioThreads: 1 }), {
      clientsMax: 10_000,
      placesKept: 32,
      refusalsMax: 64,
      peersMax: 320,
    });
  }
});

Deno.test("Of 235 free handles clients get most", () => {
  const shares = shareHandles(235, { clientsMax: 10_000, ioThreads: 1 });
  assert(shares.clientsMax >= 150, `${shares.clientsMax}`);
  assert(shares.peersMax >= 12);
});
