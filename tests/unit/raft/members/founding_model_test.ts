// All orders of events in which two or three nodes found a cluster together.

import { FoundingModel } from "../../../lib/founding_model.ts";
for (const [count, wipes] of JSON.parse(Deno.env.get("B") ?? "[[2,3],[3,1]]")) {
  Deno.test(`model ${count} ${wipes}`, () => {
    const model = new FoundingModel(count);
    const t = performance.now();
    model.explore(wipes);
    console.log(count, wipes, model.states, model.ends, performance.now() - t);
  });
}
