// What people ask of the numbers while a cluster runs: raises, TICKET.LAST and backups, each
// checked against the tickets that clients were given before it and are given after it. Not
// here: when people ask (`faults.ts`), and the state that the log makes (`model.ts`).

import assert from "node:assert/strict";
import { defaultSequence } from "../../base/sequence_name.ts";
import { pickRunning } from "./victims.ts";
import type { World } from "./world.ts";

/** Passes over some numbers, or none: below the next, within what is in hand, or far above. */
export function raise(world: World): void {
  const asked = pickRunning(world);
  if (asked === undefined) return;
  const { tickets, counts, model, random } = world;
  const reach = world.pick([10, 100, 10_000])!;
  const to = BigInt(Math.max(0, tickets.asks() + random(2 * reach) - reach));
  if (to === 0n) return;
  asked.group([{ type: "raise", name: defaultSequence, to }], (outcome) => {
    if (outcome.type !== "done") return;
    counts.raises++;
    assert(model.last >= to, `raised to ${to}, and ${model.last} is applied`);
    tickets.passes(Number(to));
  });
}

/** Tickets read before are not above the answer, and those asked for after it are. */
export function askLast(world: World): void {
  const asked = pickRunning(world);
  if (asked === undefined) return;
  const { tickets, counts } = world;
  const { largest } = tickets;
  asked.group([{ type: "last", name: defaultSequence }], (outcome) => {
    if (outcome.type !== "done") return;
    const [result] = outcome.results;
    assert(result?.type === "last");
    counts.lasts++;
    const last = Number(result.last ?? 0n);
    assert(last >= largest, `last ${last}, and ${largest} was given before`);
    tickets.passes(last);
  });
}

/** Every ticket read before is inside, and so is the state after the entry that it names. */
export function backUp(world: World): void {
  const asked = pickRunning(world);
  if (asked === undefined) return;
  const { tickets, counts, model } = world;
  const { largest } = tickets;
  asked.group([{ type: "backup", cursor: 0 }], (outcome) => {
    if (outcome.type !== "done") return;
    const [result] = outcome.results;
    assert(result?.type === "backup");
    counts.backups++;
    const { pairs } = result;
    const last = BigInt(valueOf(pairs, defaultSequence) ?? 0);
    assert(last >= largest, `${last} is kept, and ${largest} was given before`);
    const index = Number(valueOf(pairs, "index"));
    assert.equal(last, model.at(index), `the state kept after ${index}`);
    const members = model.membersAt(index)!.servers;
    assert.equal(Number(valueOf(pairs, "members")), members.length);
  });
}

function valueOf(
  pairs: readonly (readonly [string, string])[],
  key: string,
): string | undefined {
  return pairs.find(([name]) => name === key)?.[1];
}
