// The box of takes between two ends in one isolate, and between two isolates.

import assert from "node:assert/strict";
import type {
  FromNode,
  TakeRequest,
  TakeRequests,
} from "../../../../raft/channel/messages.ts";
import { BoxMemory, boxSlots } from "../../../../raft/channel/box_memory.ts";
import { NodeBox } from "../../../../raft/channel/node_box.ts";
import { TakeBox } from "../../../../raft/channel/take_box.ts";
import { TakeDoor } from "../../../../raft/channel/take_door.ts";

const name = "orders";

function request(count: number, options: Partial<TakeRequest> = {}) {
  return { name, count, isCapped: false, rest: 0, ...options };
}

/** A box from which nothing goes as a message, and whose slots all stay taken. */
function box(memory?: SharedArrayBuffer, options = {}): TakeBox {
  const box = new TakeBox(memory);
  box.begin({
    messages: { take: notAsked, refill: notAsked },
    isAsking: () => true,
    ...options,
  });
  return box;
}

Deno.test("TakeBox carries each take and refill, and its answer, in turns of their own", async () => {
  const dispenser = box();
  const node = new NodeBox(dispenser.memory);
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
    take({ name, count, isCapped, rest }) {
      given(`take ${count} of ${name}, ${isCapped}, ${rest}`, count);
      calling(() => node.answerTake(name, last, count));
    },
    refill(name) {
      given(`refill ${name}`, 2);
      calling(() => node.answerRefill(name, last, 2));
    },
  });
  const next = (text: string, request: () => void) => {
    assert(!inside, "the dispenser runs inside of an answer");
    log.push(text);
    calling(request);
  };
  dispenser.onAnswer({
    taken: (name, last, count) =>
      next(`taken ${count} of ${name} to ${last}`, () => {
        if (count === 1) dispenser.refill(name);
        else over.resolve();
      }),
    lent: (name, last, count) =>
      next(
        `lent ${count} of ${name} to ${last}`,
        () => dispenser.take(request(3, { isCapped: true, rest: 2 })),
      ),
  });
  calling(() => dispenser.take(request(1)));
  await over.promise;
  clearInterval(alive);
  assert.deepEqual(log, [
    "take 1 of orders, false, 0",
    "taken 1 of orders to 18446744073709551610",
    "refill orders",
    "lent 2 of orders to 18446744073709551612",
    "take 3 of orders, true, 2",
    "taken 3 of orders to 18446744073709551615",
  ]);
  const [asked, answered] = new Int32Array(dispenser.memory);
  assert(asked! < 0 && answered! < 0, "no counter passed the end of 32 bits");
});

Deno.test("TakeBox reaches another isolate, which hears of an error in there (PITFALLS 1)", async () => {
  const url = JSON.stringify(
    import.meta.resolve("../../../../raft/channel/node_box.ts"),
  );
  const code = `
    onmessage = async ({ data }) => {
      const { NodeBox } = await import(${url});
      const box = new NodeBox(data);
      let last = 0n;
      box.onRequest({
        take({ name, count }) {
          if (count === 3) throw new Error("a bug");
          last += BigInt(count);
          box.answerTake(name, last, count);
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
  const dispenser = box();
  const answers: [bigint, number][] = [];
  dispenser.onAnswer({
    taken(_name, last, count) {
      answers.push([last, count]);
      dispenser.take(request(count + 1));
    },
    lent: notAsked,
  });
  dispenser.take(request(1));
  worker.postMessage(dispenser.memory);
  assert.equal(await error, "a bug");
  assert.deepEqual(answers, [[1n, 1], [3n, 2]]);
  worker.terminate();
});

Deno.test("TakeBox keeps a take that was asked before the node listens", async () => {
  const dispenser = box();
  dispenser.take(request(7));
  const node = new NodeBox(dispenser.memory);
  const taken = new Promise<TakeRequest>((take) =>
    node.onRequest({ take, refill: notAsked })
  );
  assert.deepEqual(await taken, request(7));
});

Deno.test("TakeBox wakes the node once for the takes of a turn, of many sequences", async () => {
  const alive = setInterval(() => {}, 1000);
  const dispenser = box();
  const heard: string[] = [];
  let turns = 0;
  const over = Promise.withResolvers<void>();
  new NodeBox(dispenser.memory).onRequest({
    take({ name, count }) {
      if (heard.length === 0) queueMicrotask(() => turns++);
      assert.equal(turns, 0, "they come in one turn");
      heard.push(`${name} ${count}`);
      if (heard.length === 100) over.resolve();
    },
    refill: notAsked,
  });
  const names = Array.from({ length: 100 }, (_, at) => `name-${at}`);
  dispenser.together(() => {
    for (const [at, name] of names.entries()) {
      dispenser.take(request(at + 1, { name }));
    }
    assert.deepEqual(heard, []);
  });
  await over.promise;
  clearInterval(alive);
  assert.deepEqual(heard, names.map((name, at) => `${name} ${at + 1}`));
});

Deno.test("A box rings for the first request of a turn at once, and for the others at its end", async () => {
  const dispenser = box();
  const node = new NodeBox(dispenser.memory);
  const heard: string[] = [];
  const hear = node.onRequest({
    take: ({ name }) => heard.push(name),
    refill: notAsked,
  });
  for (const name of ["a", "b", "c"]) dispenser.take(request(1, { name }));
  hear();
  assert.deepEqual(heard, ["a"]);
  await Promise.resolve();
  hear();
  assert.deepEqual(heard, ["a", "b", "c"]);
});

Deno.test("A message overtakes no answer that waits for the bell", () => {
  const { dispenser, messages, door } = doorWithBox({
    take() {},
    refill: notAsked,
  });
  const answered: string[] = [];
  const see = dispenser.onAnswer({
    taken: (name) => answered.push(name),
    lent: notAsked,
  });
  for (const name of ["a", "b"]) dispenser.take(request(1, { name }));
  dispenser.flush();
  door.lookIntoBox();
  for (const name of ["a", "b"]) {
    door.postMessage({ type: "taken", door: 0, name, last: 1n, count: 1 });
  }
  door.postMessage({ type: "recall", name: "b" });
  assert.equal(messages.length, 1);
  see();
  assert.deepEqual(answered, ["a", "b"]);
});

Deno.test("TakeBox gives the slots of sequences at rest to others, and asks by message when all are taken", () => {
  const messages: string[] = [];
  const asking = new Set<string>();
  const dispenser = box(undefined, {
    messages: {
      take: ({ name }: TakeRequest) => messages.push(name),
      refill: (name: string) => messages.push(`refill ${name}`),
    },
    isAsking: (name: string) => asking.has(name),
  });
  const node = new NodeBox(dispenser.memory);
  const heard: string[] = [];
  const hear = node.onRequest({
    take({ name, count }) {
      heard.push(name);
      node.answerTake(name, 9n, count);
    },
    refill: notAsked,
  });
  const answered: string[] = [];
  const see = dispenser.onAnswer({
    taken: (name) => {
      answered.push(name);
      asking.delete(name);
    },
    lent: notAsked,
  });
  const names = Array.from({ length: boxSlots }, (_, at) => `n${at}`);
  const ask = (name: string) => {
    asking.add(name);
    dispenser.take(request(1, { name }));
  };
  for (const name of names) ask(name);
  ask("late");
  dispenser.refill("later");
  assert.deepEqual(messages, ["late", "refill later"]);
  dispenser.flush();
  hear();
  node.flush();
  see();
  assert.deepEqual(heard, names);
  assert.deepEqual(answered, names);
  for (const name of ["new", "n17"]) ask(name);
  dispenser.flush();
  hear();
  node.flush();
  see();
  assert.deepEqual(heard.slice(boxSlots), ["new", "n17"]);
  assert.deepEqual(answered.slice(boxSlots), ["new", "n17"]);
  assert.equal(messages.length, 2);
});

Deno.test("TakeBox whose request went as a message offers nothing", () => {
  const dispenser = box(undefined, {
    messages: { take() {}, refill() {} },
    isAsking: () => true,
  });
  for (let at = 0; at <= boxSlots; at++) {
    dispenser.take(request(1, { name: `n${at}` }));
  }
  const offer = { count: 1, isCapped: false };
  assert(dispenser.offer({ ...offer, name: "n0" }));
  assert(!dispenser.offer({ ...offer, name: `n${boxSlots}` }));
});

Deno.test("What is offered keeps whether it is capped, and goes along as one take", () => {
  const dispenser = box();
  const node = new NodeBox(dispenser.memory);
  const hear = node.onRequest({ take() {}, refill() {} });
  dispenser.take(request(3));
  hear();
  dispenser.offer({ name, count: 2, isCapped: true });
  dispenser.offer({ name, count: 1, isCapped: false });
  assert.deepEqual(
    node.answerTake(name, 3n, 3),
    request(3, { isCapped: true }),
  );
  assert.equal(dispenser.withdraw(name), 0);
  dispenser.offer({ name, count: 5, isCapped: false });
  assert.equal(node.answerTake(name, 6n, 3), undefined, "none was seen");
  assert.equal(dispenser.withdraw(name), 5);
});

Deno.test("Nothing is taken along with an answer that lends, since the loan serves all that wait", () => {
  const dispenser = box();
  const node = new NodeBox(dispenser.memory);
  const hear = node.onRequest({ take() {}, refill() {} });
  dispenser.take(request(1));
  hear();
  dispenser.offer({ name, count: 2, isCapped: false });
  assert.equal(node.answerTake(name, 2n, 2), undefined);
  assert.equal(dispenser.withdraw(name), 2);
});

Deno.test("BoxMemory names slots in ASCII of up to 128 bytes, and each name anew", () => {
  const memory = new BoxMemory();
  for (const text of ["a", "~".repeat(128), "ticket", "!"]) {
    const version = memory.get(3, 7);
    memory.setName(3, text);
    assert.equal(memory.nameOf(3), text);
    assert.notEqual(memory.get(3, 7), version);
  }
});

/** A door beside a box, and all that leaves it as a message. */
function doorWithBox(requests: TakeRequests) {
  const dispenser = box();
  const messages: FromNode[] = [];
  const door = new TakeDoor({
    postMessage: (message) => messages.push(message),
  });
  door.openBox(dispenser.memory, requests);
  return { dispenser, messages, door };
}

Deno.test("TakeDoor sends a refusal as a message, and so the answer to what came as one", async () => {
  const { dispenser, messages, door } = doorWithBox({
    take() {},
    refill: notAsked,
  });
  dispenser.take(request(7));
  door.lookIntoBox();
  const sent: FromNode[] = [
    { type: "taken", door: 0, name: "others", last: 6n, count: 6 },
    { type: "refused", door: 0, name, reason: "exhausted" },
  ];
  for (const message of sent) door.postMessage(message);
  assert.deepEqual(messages, sent);
  await Promise.resolve();
  dispenser.take(request(8));
  door.lookIntoBox();
  const answers: unknown[] = [];
  const see = dispenser.onAnswer({
    taken: (...answer) => answers.push(answer),
    lent: notAsked,
  });
  door.postMessage({ type: "taken", door: 0, name, last: 14n, count: 8 });
  see();
  assert.deepEqual(answers, [[name, 14n, 8]]);
  assert.equal(messages.length, 2);
});

Deno.test("TakeDoor lends through the box, and says with a message that it does not", async () => {
  const { dispenser, messages, door } = doorWithBox({
    take: notAsked,
    refill() {},
  });
  const lent: unknown[] = [];
  const see = dispenser.onAnswer({
    taken: notAsked,
    lent: (...answer) => lent.push(answer),
  });
  for (const last of [9n, 11n]) {
    dispenser.refill(name);
    door.lookIntoBox();
    door.postMessage({ type: "lent", name, last, count: 2 });
    see();
    await Promise.resolve();
  }
  assert.deepEqual(lent, [[name, 9n, 2], [name, 11n, 2]]);
  dispenser.refill(name);
  door.lookIntoBox();
  door.postMessage({ type: "nothing-lent", name });
  assert.deepEqual(messages, [{ type: "nothing-lent", name }]);
});

Deno.test("NodeBox has no room for half an answer, nor for one to something else", () => {
  const dispenser = box();
  const node = new NodeBox(dispenser.memory);
  const hear = node.onRequest({ take() {}, refill() {} });
  assert.throws(() => node.answerTake(name, 7n, 7), /no take waits/);
  dispenser.take(request(7));
  hear();
  assert.throws(() => node.answerTake(name, 6n, 6), /half an answer/);
  assert.throws(() => node.answerRefill(name, 7n, 7), /no refill waits/);
  node.answerTake(name, 7n, 7);
  dispenser.refill(name);
  hear();
  assert.throws(() => node.answerTake(name, 7n, 7), /no take waits/);
});

function notAsked(): never {
  return assert.fail("nobody asked for that");
}
