// The box of takes between two ends in one isolate, and between two isolates.

import assert from "node:assert/strict";
import type { FromNode } from "../../../../raft/channel/messages.ts";
import { TakeBox } from "../../../../raft/channel/take_box.ts";
import { TakeDoor } from "../../../../raft/channel/take_door.ts";

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
  const [asked, answered] = new Int32Array(dispenser.memory);
  assert(asked! < 0 && answered! < 0, "no counter passed the end of 32 bits");
});

Deno.test("TakeBox reaches another isolate, which hears of an error in there (PITFALLS 1)", async () => {
  const url = JSON.stringify(
    import.meta.resolve("../../../../raft/channel/take_box.ts"),
  );
  const code = `
    onmessage = async ({ data }) => {
      const { TakeBox } = await import(${url});
      const box = new TakeBox(data);
      let last = 0n;
      box.onTake((count) => {
        if (count === 3) throw new Error("a bug");
        last += BigInt(count);
        box.answer(last, count);
      });
    };
    addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      postMessage(event.reason.message);
    });`;
  const worker = new Worker(
    `data:application/javascript,${encodeURIComponent(code)}`,
    { type: "module" },
  );
  const error = new Promise((resolve) =>
    worker.onmessage = ({ data }) => resolve(data)
  );
  const box = new TakeBox();
  const answers: [bigint, number][] = [];
  box.onAnswer((last, count) => {
    answers.push([last, count]);
    box.ask(count + 1);
  });
  box.ask(1);
  worker.postMessage(box.memory);
  assert.equal(await error, "a bug");
  assert.deepEqual(answers, [[1n, 1], [3n, 2]]);
  worker.terminate();
});

Deno.test("TakeBox keeps a take that was asked before the node listens", async () => {
  const dispenser = new TakeBox();
  dispenser.ask(7);
  const asked = await new Promise((resolve) =>
    new TakeBox(dispenser.memory).onTake(resolve)
  );
  assert.equal(asked, 7);
});

Deno.test("TakeDoor sends half an answer, and all that is none, as messages in their order", async () => {
  const alive = setInterval(() => {}, 1000);
  const box = new TakeBox();
  const messages: FromNode[] = [];
  const door = new TakeDoor({
    postMessage: (message) => messages.push(message),
  });
  const asked = new Promise((resolve) => door.openBox(box.memory, resolve));
  box.ask(7);
  assert.equal(await asked, 7);
  const parts: FromNode[] = [
    { type: "taken", last: 6n, count: 6 },
    { type: "refused", count: 1, reason: "exhausted" },
  ];
  for (const part of parts) door.postMessage(part);
  assert.deepEqual(messages, parts);
  const answer = new Promise((resolve) =>
    box.onAnswer((last, count) => resolve([last, count]))
  );
  door.postMessage({ type: "taken", last: 14n, count: 7 });
  assert.deepEqual(await answer, [14n, 7]);
  assert.equal(messages.length, 2);
  clearInterval(alive);
});

Deno.test("TakeBox has no room for half an answer", () => {
  const box = new TakeBox();
  box.ask(7);
  assert.throws(() => box.answer(6n, 6), /half an answer/);
});
