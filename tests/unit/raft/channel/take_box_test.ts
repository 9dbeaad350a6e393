// The box of takes between two ends in one isolate, and between two isolates.

import assert from "node:assert/strict";
import type { FromNode } from "../../../../raft/channel/messages.ts";
import { TakeBox } from "../../../../raft/channel/take_box.ts";
import { TakeDoor } from "../../../../raft/channel/take_door.ts";

Deno.test("TakeBox carries each take and refill, and its answer, in turns of their own", async () => {
  const dispenser = new TakeBox();
  const node = new TakeBox(dispenser.memory);
  // A request that waits in a box keeps no isolate running.
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
  const given = (text: string, count: number) => {
    assert(!inside, "the node runs inside of a request");
    log.push(text);
    last += BigInt(count);
  };
  node.onRequest({
    take(count) {
      given(`take ${count}`, count);
      calling(() => node.answerTake(last, count));
    },
    refill() {
      given("refill", 2);
      calling(() => node.answerRefill(last, 2));
    },
  });
  const next = (text: string, request: () => void) => {
    assert(!inside, "the dispenser runs inside of an answer");
    log.push(text);
    calling(request);
  };
  dispenser.onAnswer({
    taken: (last, count) =>
      next(`taken ${count} to ${last}`, () => {
        if (count === 1) dispenser.refill();
        else over.resolve();
      }),
    lent: (last, count) =>
      next(`lent ${count} to ${last}`, () => dispenser.take(3)),
  });
  calling(() => dispenser.take(1));
  await over.promise;
  clearInterval(alive);
  assert.deepEqual(log, [
    "take 1",
    "taken 1 to 18446744073709551610",
    "refill",
    "lent 2 to 18446744073709551612",
    "take 3",
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
      box.onRequest({
        take(count) {
          if (count === 3) throw new Error("a bug");
          last += BigInt(count);
          box.answerTake(last, count);
        },
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
  box.onAnswer({
    taken(last, count) {
      answers.push([last, count]);
      box.take(count + 1);
    },
    lent: () => assert.fail("nothing is lent"),
  });
  box.take(1);
  worker.postMessage(box.memory);
  assert.equal(await error, "a bug");
  assert.deepEqual(answers, [[1n, 1], [3n, 2]]);
  worker.terminate();
});

Deno.test("TakeBox keeps a take that was asked before the node listens", async () => {
  const dispenser = new TakeBox();
  dispenser.take(7);
  assert.equal(await firstTake(new TakeBox(dispenser.memory)), 7);
});

Deno.test("TakeDoor sends half an answer, and all that is none, as messages in their order", async () => {
  const alive = setInterval(() => {}, 1000);
  const box = new TakeBox();
  const messages: FromNode[] = [];
  const door = new TakeDoor({
    postMessage: (message) => messages.push(message),
  });
  const asked = new Promise((take) =>
    door.openBox(box.memory, { take, refill: notAsked })
  );
  box.take(7);
  assert.equal(await asked, 7);
  const parts: FromNode[] = [
    { type: "taken", last: 6n, count: 6 },
    { type: "refused", count: 1, reason: "exhausted" },
  ];
  for (const part of parts) door.postMessage(part);
  assert.deepEqual(messages, parts);
  const answer = new Promise((resolve) =>
    box.onAnswer({
      taken: (last, count) => resolve([last, count]),
      lent: notAsked,
    })
  );
  door.postMessage({ type: "taken", last: 14n, count: 7 });
  assert.deepEqual(await answer, [14n, 7]);
  assert.equal(messages.length, 2);
  clearInterval(alive);
});

Deno.test("TakeDoor lends through the box, and says with a message that it does not", async () => {
  const alive = setInterval(() => {}, 1000);
  const box = new TakeBox();
  const messages: FromNode[] = [];
  const door = new TakeDoor({
    postMessage: (message) => messages.push(message),
  });
  let asked = Promise.withResolvers<void>();
  const refill = () => asked.resolve();
  door.openBox(box.memory, { take: notAsked, refill });
  let lent = Promise.withResolvers<unknown>();
  box.onAnswer({
    taken: notAsked,
    lent: (last, count) => lent.resolve([last, count]),
  });
  for (const last of [9n, 11n]) {
    box.refill();
    await asked.promise;
    asked = Promise.withResolvers();
    door.postMessage({ type: "lent", last, count: 2 });
    assert.deepEqual(await lent.promise, [last, 2]);
    lent = Promise.withResolvers();
  }
  box.refill();
  await asked.promise;
  door.postMessage({ type: "nothing-lent" });
  assert.deepEqual(messages, [{ type: "nothing-lent" }]);
  clearInterval(alive);
});

Deno.test("TakeBox has no room for half an answer, nor for one to something else", () => {
  const box = new TakeBox();
  box.take(7);
  assert.throws(() => box.answerTake(6n, 6), /half an answer/);
  assert.throws(() => box.answerRefill(7n, 7), /a take is answered/);
  box.refill();
  assert.throws(() => box.answerTake(7n, 7), /a refill is answered/);
});

function firstTake(box: TakeBox): Promise<number> {
  return new Promise((take) => box.onRequest({ take, refill: notAsked }));
}

function notAsked(): never {
  return assert.fail("nobody asked for that");
}
