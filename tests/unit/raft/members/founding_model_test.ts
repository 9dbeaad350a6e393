// All orders of events in which two or three nodes found a cluster together, and lose disks:
// no numbers begin again while a disk of before is left, and all come to an end.

import assert from "node:assert/strict";
import { FoundingModel } from "../../../lib/founding_model.ts";

for (
  const { count, wipes } of [{ count: 2, wipes: 3 }, { count: 3, wipes: 2 }]
) {
  Deno.test(`${count} nodes that lose up to ${wipes} disks found one cluster, in every order of events`, () => {
    const model = new FoundingModel(count);
    model.explore(wipes);
    // The model is not a lesser one than it was.
    assert(model.states > (count === 2 ? 6000 : 400_000), `${model.states}`);
    assert(model.ends.founded > 1000 && model.ends.waits > 100);
  });
}

Deno.test("Three nodes found nothing twice, whenever a lost disk comes back", () => {
  const model = new FoundingModel(3);
  model.explore(1, { comeBack: true });
  assert(model.states > 10_000, `${model.states}`);
});
