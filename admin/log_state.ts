// What a node's data come to once every entry in them is applied. A disk does not know which of
// its entries were committed, so all of them count: one that was not takes numbers that nobody
// was given, which costs numbers and nothing else. Values only.

import { InvariantError } from "../base/assert.ts";
import { DecodeError } from "../base/bytes.ts";
import type { Configuration, Index, Saved, Term } from "../raft/core/types.ts";
import type { Policy } from "../raft/channel/operations.ts";
import { Machine } from "../raft/tickets/machine.ts";
import { readOperations } from "../raft/tickets/machine_codec.ts";

/** The state after the last entry. */
export type LogState = {
  readonly lastIndex: Index;
  readonly lastTerm: Term;
  /** The configuration in force, and the index of its entry. */
  readonly configuration: Configuration;
  readonly configurationIndex: Index;
  /** Whether names that nobody created are begun. */
  readonly policy: Policy;
  /** The last number taken of each sequence, in order of creation. */
  readonly sequences: ReadonlyMap<string, bigint>;
  /**
   * The highest number that was ever the last one, by these data: a return may set the last
   * number back, and the nodes that are lost may have thrown that return away.
   */
  readonly highest: ReadonlyMap<string, bigint>;
};

/**
 * Applies every entry of `saved`.
 *
 * @throws {DecodeError} or {InvariantError} at an entry that this version cannot apply
 */
export function stateOf({ snapshot, entries }: Saved): LogState {
  const machine = new Machine();
  machine.restore(snapshot.data);
  const highest = new Map<string, bigint>();
  const note = (name: string, last: bigint) => {
    if (last >= (highest.get(name) ?? 0n)) highest.set(name, last);
  };
  let { configuration, configurationIndex } = snapshot;
  for (const entry of entries) {
    if (entry.type === "configuration") {
      configuration = entry.configuration;
      configurationIndex = entry.index;
    }
    if (entry.type !== "command") continue;
    // All other operations raise: a number is highest before a return, and at the end.
    for (const operation of readOperations(entry.data)) {
      if (operation.type !== "return") continue;
      const name = `${operation.name}`;
      note(name, machine.last(name) ?? 0n);
    }
    machine.apply(entry.data);
  }
  const { policy, sequences } = machine;
  for (const [name, last] of sequences) note(name, last);
  const last = entries.at(-1) ?? snapshot;
  return {
    lastIndex: last.index,
    lastTerm: last.term,
    configuration,
    configurationIndex,
    policy,
    sequences: new Map(sequences),
    highest,
  };
}

/** The same; `undefined` if there is nothing to apply, or an entry cannot be applied. */
export function stateIfAny(saved: Saved | undefined): LogState | undefined {
  try {
    return saved && stateOf(saved);
  } catch (error) {
    if (error instanceof DecodeError || error instanceof InvariantError) {
      return undefined;
    }
    throw error;
  }
}
