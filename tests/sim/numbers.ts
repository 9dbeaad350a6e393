// What people ask of the numbers while a cluster runs: raises, last numbers, lists, backups,
// another policy; each checked against the tickets that clients were given before it and are given
// after it. Not here: when people ask (`faults.ts`), and the state that the log makes
// (`state_model.ts`).

import assert from "node:assert/strict";
import type { Operation, Result } from "../../raft/channel/operations.ts";
import { nameOf } from "./ticket_asker.ts";
import { pickRunning } from "./victims.ts";
import type { World } from "./world.ts";

/** Passes over some numbers, or none: below the next, within what is in hand, or far above. */
export function raise(world: World): void {
  const { tickets, counts, random } = world;
  const name = drawName(world);
  const reach = world.pick([10, 100, 10_000])!;
  const around = tickets.of(name).asks();
  const to = BigInt(Math.max(1, around + random(2 * reach) - reach));
  ask(world, { type: "raise", name, to }, () => {
    counts.raises++;
    tickets.of(name).passes(Number(to));
  });
}

/** Tickets read before are not above the answer, and those asked for after it are. */
export function askLast(world: World): void {
  const { tickets, counts } = world;
  const name = drawName(world);
  const { largest } = tickets.of(name);
  ask(world, { type: "last", name }, (result) => {
    assert(result.type === "last");
    counts.lasts++;
    const last = Number(result.last ?? 0n);
    assert(
      last >= largest,
      `last ${last} of ${name}, and ${largest} was given`,
    );
    tickets.of(name).passes(last);
  });
}

/** Every ticket read before is inside; or in a list, which is asked for as often. */
export function backUp(world: World): void {
  const { counts, model, random } = world;
  const largest = largestOf(world);
  if (random(2) === 0) {
    const count = 1 + random(50);
    return ask(world, { type: "list", cursor: 0, count }, (result) => {
      assert(result.type === "page");
      counts.lists++;
      checkAll(result.sequences, { largest, isWhole: result.next === 0 });
    });
  }
  ask(world, { type: "backup", cursor: 0 }, ({ ...result }) => {
    assert(result.type === "backup" && result.next === 0);
    counts.backups++;
    const { pairs } = result;
    const valueOf = (key: string) =>
      Number(pairs.find(([name]) => name === key)?.[1]);
    const index = valueOf("index");
    const members = model.membersAt(index)!.servers;
    assert.equal(valueOf("members"), members.length);
    const head = pairs.findIndex(([key]) => key === "sequences") + 1;
    const sequences = pairs.slice(head).map(([name, last]) =>
      [name, BigInt(last)] as const
    );
    assert.equal(valueOf("sequences"), sequences.length);
    checkAll(sequences, { largest, isWhole: true });
  });
}

/** Whether new names are begun, or refused: only once there is a name that clients use. */
export function setPolicy(world: World): void {
  const { counts, model: { state }, random } = world;
  const isCreated = state.last(nameOf(0)) > 0n && random(2) === 0;
  const policy = isCreated ? "created" : "any";
  ask(world, { type: "set-policy", policy }, () => counts.policies++);
}

function drawName({ random, options: { names } }: World): string {
  return nameOf(random(names));
}

/** Asks some node for a group of one operation; `told` hears the result, if there is one. */
function ask(
  world: World,
  operation: Operation,
  told: (result: Result) => void,
): void {
  const asked = pickRunning(world);
  asked?.ask((isolates) =>
    isolates.group([operation], {
      told: (outcome) => {
        if (outcome.type === "done") told(outcome.results[0]!);
      },
    })
  );
}

function largestOf({ tickets }: World): Map<string, number> {
  const all = new Map<string, number>();
  for (const name of tickets.names) all.set(name, tickets.of(name).largest);
  return all;
}

function checkAll(
  sequences: readonly (readonly [name: string, last: bigint])[],
  { largest, isWhole }: {
    readonly largest: ReadonlyMap<string, number>;
    readonly isWhole: boolean;
  },
): void {
  const found = new Map(sequences);
  assert.equal(found.size, sequences.length, "a name stands there twice");
  for (const [name, given] of largest) {
    const last = found.get(name);
    if (last === undefined && !isWhole) continue;
    assert(
      (last ?? 0n) >= BigInt(given),
      `${name} is ${last}, and ${given} was given before`,
    );
  }
}
