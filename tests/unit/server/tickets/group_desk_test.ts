// Groups of operations gathered into messages, and their outcomes brought to who asked.

import assert from "node:assert/strict";
import { InvariantError } from "../../../../base/assert.ts";
import {
  decodeGroups,
  encodeOutcomes,
} from "../../../../raft/channel/operation_codec.ts";
import {
  groupsMax,
  operationsMax,
  weightMax,
} from "../../../../raft/channel/operation_limits.ts";
import type {
  Group,
  GroupOutcome,
} from "../../../../raft/channel/operations.ts";
import {
  GroupDesk,
  groupsWaitingMax,
} from "../../../../server/tickets/group_desk.ts";

/** A desk whose turns end, and whose messages are answered, by hand. */
class Scene {
  readonly posted: Group[][] = [];
  readonly told: string[] = [];
  readonly #tasks: (() => void)[] = [];
  readonly desk = new GroupDesk({
    post: (data) => this.posted.push(decodeGroups(data)),
    defer: (task) => this.#tasks.push(task),
  });

  ask(name: string): void {
    this.desk.ask([{ type: "last", name }], (outcome) => {
      this.told.push(`${name} ${textOf(outcome)}`);
    });
  }

  endTurn(): void {
    for (const task of this.#tasks.splice(0)) task();
  }

  /** The node answers the message under way: the last number of each is its place there. */
  answer(): void {
    const groups = this.posted.at(-1) ?? [];
    this.desk.results(encodeOutcomes(
      groups.map((_, at): GroupOutcome => ({
        type: "done",
        results: [{ type: "last", last: BigInt(at) }],
      })),
    ));
  }

  /** The names of each message. */
  get names(): string[] {
    return this.posted.map((groups) =>
      groups.map(([operation]) => "name" in operation! ? operation.name : "")
        .join(" ")
    );
  }
}

function textOf(outcome: GroupOutcome): string {
  if (outcome.type === "error") return outcome.text;
  const [result] = outcome.type === "done" ? outcome.results : [];
  return result?.type === "last" ? `${result.last}` : outcome.type;
}

Deno.test("GroupDesk gathers the groups of a turn, and has one message under way", () => {
  const scene = new Scene();
  scene.ask("a");
  scene.ask("b");
  assert.deepEqual(scene.names, []);
  scene.endTurn();
  scene.ask("c");
  scene.endTurn();
  scene.ask("d");
  assert.deepEqual(scene.names, ["a b"]);
  scene.answer();
  assert.deepEqual(scene.names, ["a b", "c d"]);
  scene.answer();
  scene.endTurn();
  assert.deepEqual(scene.told, ["a 0", "b 1", "c 0", "d 1"]);
  assert.equal(scene.posted.length, 2);
});

Deno.test("GroupDesk asks for what waits before it tells outcomes", () => {
  const scene = new Scene();
  const { desk } = scene;
  const group: Group = [{ type: "size" }];
  desk.ask(group, () => scene.told.push(`told after ${scene.posted.length}`));
  scene.endTurn();
  scene.ask("b");
  desk.results(encodeOutcomes([{ type: "not-leader" }]));
  assert.deepEqual(scene.told, ["told after 2"]);
});

Deno.test("GroupDesk splits what waits by the limits of a message, and keeps the order", () => {
  const scene = new Scene();
  const long = "x".repeat(100);
  const names = Array.from(
    { length: 3 * groupsMax },
    (_, at) => `${at}-${long}`,
  );
  for (const name of names) scene.ask(name);
  scene.endTurn();
  while (scene.told.length < names.length) scene.answer();
  assert.deepEqual(scene.told.map((text) => text.split(" ")[0]), names);
  assert(scene.posted.length > 3, "their weight makes them more than three");
});

Deno.test("GroupDesk refuses groups that no message can hold, and more than it may keep", () => {
  const { desk } = new Scene();
  const size = { type: "size" } as const;
  assert(GroupDesk.fits(Array(operationsMax).fill(size)));
  assert(!GroupDesk.fits(Array(operationsMax + 1).fill(size)));
  const page = { type: "list", cursor: 0, count: 1_000_000 } as const;
  const pages = Math.ceil(weightMax / 40_000);
  assert(!GroupDesk.fits(Array(pages).fill(page)));
  assert.throws(
    () => desk.ask(Array(pages).fill(page), () => {}),
    InvariantError,
  );
  const one: Group = [{ type: "last", name: "a" }];
  let asked = 0;
  for (; desk.hasRoom(one); asked++) desk.ask(one, () => {});
  assert.equal(asked, groupsWaitingMax);
  const { desk: other } = new Scene();
  const heavy: Group = Array(operationsMax).fill({ type: "last", name: "a" });
  for (asked = 0; other.hasRoom(heavy); asked++) other.ask(heavy, () => {});
  assert(asked > 100 && asked < 10_000, `${asked}`);
});

Deno.test("GroupDesk that is closed tells all that wait and that come, and minds no late outcome", () => {
  const scene = new Scene();
  scene.ask("a");
  scene.endTurn();
  scene.ask("b");
  scene.desk.close();
  scene.ask("c");
  scene.endTurn();
  assert.deepEqual(scene.told, [
    "a the node is stopping",
    "b the node is stopping",
    "c the node is stopping",
  ]);
  scene.answer();
  assert.equal(scene.told.length, 3);
  assert.equal(scene.posted.length, 1);
});

Deno.test("GroupDesk stops at outcomes that do not fit what was asked", () => {
  const scene = new Scene();
  const outcome: GroupOutcome = { type: "not-leader" };
  assert.throws(
    () => scene.desk.results(encodeOutcomes([outcome])),
    InvariantError,
  );
  scene.ask("a");
  scene.endTurn();
  assert.throws(
    () => scene.desk.results(encodeOutcomes([outcome, outcome])),
    InvariantError,
  );
});
