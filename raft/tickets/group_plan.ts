// What a group asks of its leader: the sequences that it names, with the numbers that it takes of
// each, and which of its operations the log alone can carry out. Pure. Not here: what comes of
// it (`groups_led.ts`).

import { present } from "../../base/assert.ts";
import type { Group, Operation } from "../channel/operations.ts";
import type { ClaimPart } from "./claim.ts";
import type { SequenceOperation } from "./machine.ts";

/** The sequences of a group, and where each of its operations finds its own among them. */
export type Plan = {
  readonly parts: readonly ClaimPart[];
  /** For each operation its part; -1 if it names no sequence. */
  readonly places: readonly number[];
};

/** The plan of `group`. */
export function planOf(group: Group): Plan {
  const parts: { name: string; count: number; isCapped: boolean }[] = [];
  // Of few it is faster to look through all.
  const known = group.length > 8 ? new Map<string, number>() : undefined;
  const places: number[] = [];
  for (const operation of group) {
    if (!("name" in operation)) {
      places.push(-1);
      continue;
    }
    const { name } = operation;
    let place = known === undefined
      ? placeOf(name, parts)
      : known.get(name) ?? -1;
    if (place < 0) {
      place = parts.push({ name, count: 0, isCapped: false }) - 1;
      known?.set(name, place);
    }
    if (operation.type === "take") {
      const part = present(parts[place]);
      part.count += operation.count;
      part.isCapped ||= operation.isCapped;
    }
    places.push(place);
  }
  return { parts, places };
}

function placeOf(name: string, parts: readonly ClaimPart[]): number {
  for (let i = 0; i < parts.length; i++) {
    if (present(parts[i]).name === name) return i;
  }
  return -1;
}

/** The part of a claim whose numbers a command takes. */
export function onlyNamed({ name }: ClaimPart): ClaimPart {
  return { name, count: 0, isCapped: false };
}

/** Whether a command of the log can hold `operation`. */
export function isOfMachine(
  operation: Operation,
): operation is Operation & SequenceOperation {
  const { type } = operation;
  return type !== "list" && type !== "size" && type !== "backup";
}
