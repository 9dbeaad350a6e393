// A group of operations that a simulated client asks for, and the checks of its outcome: the
// numbers of a sequence are in a row and above what had been received before, what is read is
// not below it, within a group each operation sees those before it, and a group that is refused
// gives nothing. Not here: when a client asks (`clients.ts`).

import assert from "node:assert/strict";
import type {
  Group,
  GroupOutcome,
  Operation,
  Result,
} from "../../raft/channel/operations.ts";
import type { Lines } from "./sequences.ts";
import { nameOf } from "./ticket_asker.ts";
import type { World } from "./world.ts";

/** Operations of one kind in a group, at most. */
const operationsMax = 4;

/** Some takes and reads of few sequences; now and then a raise, or a creation, among them. */
export function drawGroup(world: World): Group {
  const { random, options: { names } } = world;
  const group: Operation[] = [];
  for (let left = 1 + random(operationsMax); left > 0; left--) {
    const name = nameOf(random(names));
    switch (random(12)) {
      case 0:
        group.push({ type: "raise", name, to: raised(world, name) });
        break;
      case 1:
        group.push({ type: "create", name, start: BigInt(1 + random(5)) });
        break;
      case 2:
      case 3:
      case 4:
        group.push({ type: "last", name });
        break;
      case 5:
        group.push({ type: "check", name, last: guessed(world, name) });
        break;
      default: {
        const [count, isCapped] = [1 + random(20), random(2) === 0];
        group.push({ type: "take", name, count, isCapped });
      }
    }
  }
  return group;
}

function raised({ tickets, random }: World, name: string): bigint {
  return BigInt(Math.max(1, tickets.of(name).largest + random(20) - 10));
}

/** The last number, if nobody takes any meanwhile and none is burnt. */
function guessed({ tickets, model }: World, name: string): bigint | undefined {
  const { largest } = tickets.of(name);
  return largest === 0 && model.state.last(name) === 0n
    ? undefined
    : BigInt(largest);
}

/** One group, from the question to the outcome. */
export class GroupRequest {
  readonly #world: World;
  readonly #group: Group;
  readonly #lines: Lines;
  /** By sequence: the highest number that any client had received when this was asked. */
  readonly #floors = new Map<string, number>();

  constructor(world: World, group: Group, lines: Lines) {
    this.#world = world;
    this.#group = group;
    this.#lines = lines;
    for (const operation of group) {
      if (!("name" in operation)) continue;
      const { name } = operation;
      this.#floors.set(name, world.tickets.of(name).asks());
    }
  }

  /** Numbers that it may use up without an answer. */
  get left(): number {
    return takenBy(this.#group);
  }

  abandoned(): void {}

  told(outcome: GroupOutcome): void {
    const { counts, tickets } = this.#world;
    if (outcome.type === "error") tickets.unanswered(this.left);
    if (outcome.type !== "done") return;
    counts.groups++;
    const { results } = outcome;
    assert.equal(results.length, this.#group.length);
    /** By sequence: the last number, as far as the group itself knows. */
    const known = new Map<string, number>();
    for (const [at, operation] of this.#group.entries()) {
      this.#check(operation, results[at]!, known);
    }
    for (const [name, last] of known) tickets.of(name).passes(last);
    assert.equal(tickets.violation, undefined);
  }

  #check(
    operation: Operation,
    result: Result,
    known: Map<string, number>,
  ): void {
    const { tickets } = this.#world;
    const name = "name" in operation ? operation.name : "";
    const before = known.get(name);
    const floor = this.#floors.get(name) ?? 0;
    switch (operation.type) {
      case "take": {
        assert(result.type === "taken" && result.count === operation.count);
        const last = Number(result.last);
        const first = last - result.count + 1;
        if (before !== undefined) {
          assert.equal(first, before + 1, `${name} within a group`);
        }
        const line = this.#lines.of(name);
        tickets.of(name).answers(line, { first, last, floor });
        known.set(name, last);
        return;
      }
      case "last": {
        assert(result.type === "last");
        const last = Number(result.last ?? 0n);
        if (before !== undefined) assert.equal(last, before, `last of ${name}`);
        else assert(last >= floor, `last of ${name}: ${last} after ${floor}`);
        known.set(name, last);
        return;
      }
      case "raise":
        assert(result.type === "done");
        known.set(name, Math.max(Number(operation.to), before ?? 0));
        // What it was before, and so what it is now, is known to be no lower.
        if (before === undefined) known.delete(name);
        tickets.of(name).passes(Number(operation.to));
        return;
      case "create":
        assert(result.type === "done");
        assert(floor === 0, `${name} is created, and gave ${floor}`);
        known.set(name, Number(operation.start) - 1);
        return;
      case "check": {
        assert(result.type === "done");
        const last = Number(operation.last ?? 0n);
        if (before !== undefined) assert.equal(last, before, `${name} checked`);
        else assert(last >= floor, `${name} is ${last} after ${floor}`);
        known.set(name, last);
        return;
      }
      default:
        assert.fail(`a group of ${operation.type}`);
    }
  }
}

/** Numbers that a group takes. */
export function takenBy(group: Group): number {
  let sum = 0;
  for (const operation of group) {
    if (operation.type === "take") sum += operation.count;
  }
  return sum;
}
