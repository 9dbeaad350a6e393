// Several isolates in front of one node: whose is which answer.

import assert from "node:assert/strict";
import type {
  AdminCommand,
  Door,
  DoorId,
  FromNode,
  NodeOptions,
  NodeStatus,
  TakeRequest,
  ToNode,
} from "../../../../raft/channel/messages.ts";
import { InvariantError } from "../../../../base/assert.ts";
import type { Range } from "../../../../base/range.ts";
import { Doors, type NodeInputs } from "../../../../raft/channel/doors.ts";
import { TakeBox } from "../../../../raft/channel/take_box.ts";

/** One isolate, and all that it was told. */
class Isolate implements Door<FromNode> {
  readonly heard: FromNode[] = [];

  postMessage(message: FromNode): void {
    this.heard.push(message);
  }
}

/** A node that writes down what it is asked, and by which door. */
class FakeNode implements NodeInputs {
  readonly asked: ToNode[] = [];
  readonly doors: DoorId[] = [];

  constructor(
    readonly onTake: (door: DoorId, request: TakeRequest) => void = () => {},
  ) {}

  start(options: NodeOptions): void {
    this.asked.push({ type: "start", options, takeBoxMemory: undefined });
  }

  take(door: DoorId, request: TakeRequest): void {
    this.asked.push({ ...request, type: "take" });
    this.doors.push(door);
    this.onTake(door, request);
  }

  refill(name: string): void {
    this.asked.push({ type: "refill", name });
  }

  returned(rest: { readonly name: string } & Range): void {
    this.asked.push({ ...rest, type: "returned" });
  }

  operations(door: DoorId, data: Uint8Array): void {
    this.asked.push({ type: "operations", data });
    this.doors.push(door);
  }

  admin(id: number, command: AdminCommand): void {
    this.asked.push({ type: "admin", id, command });
  }

  stop(): void {
    this.asked.push({ type: "stop" });
  }
}

const take = {
  type: "take",
  name: "orders",
  count: 3,
  isCapped: false,
  rest: 0,
} as const;

function scene() {
  const main = new Isolate();
  const node = new FakeNode();
  const doors = new Doors(main, node);
  const enter = () => {
    const isolate = new Isolate();
    return { isolate, say: doors.open(isolate) };
  };
  return { main, asked: node.asked, from: node.doors, doors, enter };
}

const status: NodeStatus = {
  state: "Leader",
  term: 2,
  leaderAddress: ":1",
  memberHosts: [],
  lastTicket: 0n,
  sequences: 0,
};

Deno.test("Doors tell the node who asks, and bring each answer to the door that it names", () => {
  const { main, asked, from, doors, enter } = scene();
  const [one, other] = [enter(), enter()];
  const operations = { type: "operations", data: Uint8Array.of(1) } as const;
  doors.receive(take);
  other.say({ ...take, name: "invoices" });
  one.say(take);
  other.say(operations);
  doors.receive(operations);
  assert.deepEqual(from, [0, 2, 1, 2, 0]);
  assert.equal(asked[1]?.type === "take" && asked[1].name, "invoices");
  const name = "orders";
  const answers: FromNode[] = [
    { type: "taken", door: 1, name, last: 3n, count: 3 },
    { type: "refused", door: 0, name, reason: "leadership-lost" },
    { type: "results", door: 2, data: Uint8Array.of(2) },
    { type: "taken", door: 2, name: "invoices", last: 3n, count: 3 },
  ];
  for (const answer of answers) doors.postMessage(answer);
  const [first, second, third, fourth] = answers;
  assert.deepEqual(main.heard, [second]);
  assert.deepEqual(one.isolate.heard, [first]);
  assert.deepEqual(other.isolate.heard, [third, fourth]);
  assert.throws(
    () =>
      doors.postMessage({ type: "results", door: 3, data: new Uint8Array() }),
    InvariantError,
  );
});

Deno.test("Doors can bring an answer that the node gives within the call", () => {
  const main = new Isolate();
  const node = new FakeNode((door, { name }) =>
    doors.postMessage({ type: "refused", door, name, reason: "not-leader" })
  );
  const doors: Doors = new Doors(main, node);
  const isolate = new Isolate();
  doors.open(isolate)(take);
  assert.deepEqual([main.heard.length, isolate.heard.length], [0, 1]);
});

Deno.test("Doors hear a take that lies in the box before a loan that comes back by message", () => {
  const { asked, doors } = scene();
  const box = new TakeBox();
  box.begin({
    messages: { take: () => assert.fail(), refill: () => assert.fail() },
    isAsking: () => true,
  });
  const options = {} as NodeOptions;
  doors.receive({ type: "start", options, takeBoxMemory: box.memory });
  box.take({ ...take, rest: 2 });
  doors.receive({ type: "returned", name: "orders", last: 9n, count: 0 });
  assert.deepEqual(asked.slice(1), [
    { ...take, rest: 2 },
    { type: "returned", name: "orders", last: 9n, count: 0 },
  ]);
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

Deno.test("Doors let main alone be lent numbers, and have them recalled", () => {
  const { main, asked, doors, enter } = scene();
  const { isolate, say } = enter();
  const name = "orders";
  doors.receive({ type: "refill", name });
  const messages: FromNode[] = [
    { type: "lent", name, last: 12n, count: 3 },
    { type: "nothing-lent", name },
    { type: "recall", name },
  ];
  for (const message of messages) doors.postMessage(message);
  assert.deepEqual([main.heard, isolate.heard], [messages, []]);
  assert.throws(() => say({ type: "refill", name }), InvariantError);
  const returned = { type: "returned", name, last: 0n, count: 0 } as const;
  assert.throws(() => say(returned), InvariantError);
  assert.deepEqual(asked, [{ type: "refill", name }]);
});
