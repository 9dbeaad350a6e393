// Several isolates in front of one node: whose is which answer.

import assert from "node:assert/strict";
import fc from "fast-check";
import type {
  AdminCommand,
  Door,
  FromNode,
  NodeOptions,
  NodeStatus,
  ToNode,
} from "../../../../raft/channel/messages.ts";
import { InvariantError } from "../../../../base/assert.ts";
import type { Range } from "../../../../base/range.ts";
import { Doors, type NodeInputs } from "../../../../raft/channel/doors.ts";

/** One isolate, and all that it was told. */
class Isolate implements Door<FromNode> {
  readonly heard: FromNode[] = [];

  postMessage(message: FromNode): void {
    this.heard.push(message);
  }
}

/** A node that writes down what it is asked, and tells `onTake` of takes. */
class FakeNode implements NodeInputs {
  readonly asked: ToNode[] = [];

  constructor(readonly onTake: (count: number) => void = () => {}) {}

  start(options: NodeOptions): void {
    this.asked.push({ type: "start", options, takeBoxMemory: undefined });
  }

  take(count: number): void {
    this.asked.push({ type: "take", count });
    this.onTake(count);
  }

  refill(): void {
    this.asked.push({ type: "refill" });
  }

  returned(rest: Range): void {
    this.asked.push({ type: "returned", ...rest });
  }

  admin(id: number, command: AdminCommand): void {
    this.asked.push({ type: "admin", id, command });
  }

  stop(): void {
    this.asked.push({ type: "stop" });
  }
}

function scene() {
  const main = new Isolate();
  const node = new FakeNode();
  const doors = new Doors(main, node);
  const enter = () => {
    const isolate = new Isolate();
    return { isolate, say: doors.open(isolate) };
  };
  return { main, asked: node.asked, doors, enter };
}

const status: NodeStatus = {
  state: "Leader",
  term: 2,
  leaderAddress: ":1",
  memberHosts: [],
  lastTicket: 0n,
};

Deno.test("Doors give each answer to a take to whom it is due, in parts as the node gives them", () => {
  const { main, asked, doors, enter } = scene();
  const { isolate, say } = enter();
  doors.receive({ type: "take", count: 3 });
  say({ type: "take", count: 5 });
  doors.receive({ type: "take", count: 1 });
  assert.deepEqual(
    asked.map((m) => m.type === "take" && m.count),
    [3, 5, 1],
  );
  const answers: FromNode[] = [
    { type: "taken", last: 2n, count: 2 },
    { type: "refused", count: 1, reason: "leadership-lost" },
    { type: "taken", last: 7n, count: 5 },
    { type: "refused", count: 1, reason: { movedTo: "h:1" } },
  ];
  for (const answer of answers) doors.postMessage(answer);
  const [first, second, third, fourth] = answers;
  assert.deepEqual(main.heard, [first, second, fourth]);
  assert.deepEqual(isolate.heard, [third]);
});

Deno.test("Doors give nobody what nobody asked for, nor more than was asked", () => {
  const { doors, enter } = scene();
  enter();
  const taken = (count: number) =>
    doors.postMessage({ type: "taken", last: 9n, count });
  assert.throws(() => taken(1), InvariantError);
  doors.receive({ type: "take", count: 2 });
  assert.throws(() => taken(3), InvariantError);
  taken(2);
  assert.throws(() => taken(1), InvariantError);
});

Deno.test("Doors know whose a take is before the node can answer it", () => {
  const main = new Isolate();
  const node = new FakeNode((count) =>
    doors.postMessage({ type: "refused", count, reason: "not-leader" })
  );
  const doors: Doors = new Doors(main, node);
  const isolate = new Isolate();
  doors.open(isolate)({ type: "take", count: 4 });
  assert.deepEqual([main.heard.length, isolate.heard.length], [0, 1]);
});

Deno.test("Doors keep apart what two isolates ask under the same id", () => {
  const { main, asked, doors, enter } = scene();
  const { isolate, say } = enter();
  say({ type: "admin", id: 1, command: { type: "stats" } });
  doors.receive({ type: "admin", id: 1, command: { type: "cluster" } });
  const ids = asked.map((message) => message.type === "admin" ? message.id : 0);
  assert.notEqual(ids[0], ids[1]);
  const cluster = { type: "text", text: "c" } as const;
  doors.postMessage({ type: "answered", id: ids[1]!, answer: cluster });
  doors.postMessage({ type: "answered", id: ids[0]!, answer: { type: "ok" } });
  assert.deepEqual(main.heard, [{ type: "answered", id: 1, answer: cluster }]);
  assert.deepEqual(isolate.heard, [
    { type: "answered", id: 1, answer: { type: "ok" } },
  ]);
  assert.throws(
    () =>
      doors.postMessage({
        type: "answered",
        id: ids[0]!,
        answer: { type: "ok" },
      }),
    InvariantError,
  );
});

Deno.test("Doors tell everybody the status, and a late comer at once", () => {
  const { main, doors, enter } = scene();
  const early = enter().isolate;
  assert.deepEqual(early.heard, []);
  doors.postMessage({ type: "status", status: { ...status, term: 1 } });
  doors.postMessage({ type: "status", status });
  const late = enter().isolate;
  assert.deepEqual(late.heard, [{ type: "status", status }]);
  assert.equal(main.heard.length, 2);
  assert.deepEqual(early.heard, main.heard);
});

Deno.test("Of the node's life the main isolate alone hears, and it alone decides", () => {
  const { main, asked, doors, enter } = scene();
  const { isolate, say } = enter();
  const life: FromNode[] = [
    { type: "ready" },
    { type: "removed" },
    { type: "stopped", error: "disk full" },
  ];
  for (const message of life) doors.postMessage(message);
  assert.deepEqual(main.heard, life);
  assert.deepEqual(isolate.heard, []);
  assert.throws(() => say({ type: "stop" }), InvariantError);
  const start = { type: "start", options: {} } as ToNode;
  assert.throws(() => say(start), InvariantError);
  assert.deepEqual(asked, []);
  doors.receive({ type: "stop" });
  assert.deepEqual(asked, [{ type: "stop" }]);
});

/** What happens next: somebody asks, or the node answers a part of its oldest take. */
const step = fc.oneof(
  fc.record({
    type: fc.constant("ask" as const),
    door: fc.nat(3),
    count: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({
    type: fc.constant("answer" as const),
    count: fc.integer({ min: 1, max: 5 }),
    given: fc.boolean(),
  }),
);

Deno.test("Whatever is asked and answered in between, each isolate gets what it is owed, in order and once", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const main = new Isolate();
      const queue: number[] = [];
      const node = new FakeNode((count) => queue.push(count));
      const doors = new Doors(main, node);
      const others = [new Isolate(), new Isolate(), new Isolate()];
      const isolates = [main, ...others];
      const says = [
        (message: ToNode) => doors.receive(message),
        ...others.map((isolate) => doors.open(isolate)),
      ];
      // Whose each ticket is, and what became of it, in the order in which they were asked.
      const owners: number[] = [];
      const owed = isolates.map((): string[] => []);
      let last = 0n;
      const answer = (most: number, given: boolean) => {
        const [wanted] = queue;
        if (wanted === undefined) return;
        const count = Math.min(most, wanted);
        if (count === wanted) queue.shift();
        else queue[0] = wanted - count;
        if (given) last += BigInt(count);
        for (let left = count; left > 0; left--) {
          const number = last - BigInt(left) + 1n;
          owed[owners.shift()!]!.push(given ? `${number}` : "refused");
        }
        doors.postMessage(
          given
            ? { type: "taken", last, count }
            : { type: "refused", count, reason: "leadership-lost" },
        );
      };
      for (const step of steps) {
        if (step.type === "answer") answer(step.count, step.given);
        else {
          says[step.door]!({ type: "take", count: step.count });
          for (let i = 0; i < step.count; i++) owners.push(step.door);
        }
      }
      while (queue.length > 0) answer(5, true);
      assert.deepEqual(isolates.map(({ heard }) => heard.flatMap(each)), owed);
    }),
  );
});

/** Ticket by ticket. */
function each(message: FromNode): string[] {
  if (message.type === "taken") {
    return Array.from(
      { length: message.count },
      (_, i) => `${message.last - BigInt(message.count - 1 - i)}`,
    );
  }
  assert(message.type === "refused");
  return Array(message.count).fill("refused");
}

Deno.test("Doors let the main isolate have more than it asked for, and have it recalled, while it is alone", () => {
  const { main, asked, doors } = scene();
  doors.receive({ type: "take", count: 2 });
  doors.receive({ type: "refill" });
  const messages: FromNode[] = [
    { type: "taken", last: 9n, count: 9 },
    { type: "lent", last: 12n, count: 3 },
    { type: "nothing-lent" },
    { type: "recall" },
  ];
  for (const message of messages) doors.postMessage(message);
  assert.deepEqual(main.heard, messages);
  assert.deepEqual(asked.slice(1), [{ type: "refill" }]);
});

Deno.test("Doors take no refill for a take, whose answer the next one would get", () => {
  const { main, doors, enter } = scene();
  const { isolate, say } = enter();
  doors.receive({ type: "refill" });
  say({ type: "take", count: 2 });
  const taken: FromNode = { type: "taken", last: 2n, count: 2 };
  doors.postMessage(taken);
  assert.deepEqual([main.heard, isolate.heard], [[], [taken]]);
  assert.throws(() => say({ type: "refill" }), InvariantError);
});
