// The box of takes between two ends in one isolate, and between two isolates.

import assert from "node:assert/strict";
import { TakeBox } from "../../raft/take_box.ts";

Deno.test("TakeBox carries each take and its answer, in turns of their own", async () => {
  const dispenser = new TakeBox();
  const node = new TakeBox(dispenser.memory);
  // What waits in a box keeps no isolate running.
  const alive = setInterval(() => {}, 1000);
  const log: string[] = [];
  const over = Promise.withResolvers<void>();
  let last = 2n ** 64n - 1n - 6n;
  let inside = false;
  const calling = (run: () => void) => {
    inside = true;
    run();
    inside = false;
  };
  node.onTake((count) => {
    assert(!inside, "the node runs inside of ask()");
    log.push(`ask ${count}`);
    last += BigInt(count);
    calling(() => node.answer(last, count));
  });
  dispenser.onAnswer((last, count) => {
    assert(!inside, "the dispenser runs inside of answer()");
    log.push(`taken ${count} to ${last}`);
    if (count < 3) calling(() => dispenser.ask(count + 1));
    else over.resolve();
  });
  calling(() => dispenser.ask(1));
  await over.promise;
  clearInterval(alive);
  assert.deepEqual(log, [
    "ask 1",
    "taken 1 to 18446744073709551610",
    "ask 2",
    "taken 2 to 18446744073709551612",
    "ask 3",
    "taken 3 to 18446744073709551615",
  ]);
});

Deno.test("TakeBox keeps a take that was asked before the node listens", async () => {
  const dispenser = new TakeBox();
  dispenser.ask(7);
  const asked = await new Promise((resolve) =>
    new TakeBox(dispenser.memory).onTake(resolve)
  );
  assert.equal(asked, 7);
});

Deno.test("TakeBox has no room for half an answer", () => {
  const box = new TakeBox();
  box.ask(7);
  assert.throws(() => box.answer(6n, 6), /half an answer/);
});
