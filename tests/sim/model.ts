// What the machine must hold, computed from the committed entries alone: the sum of all
// that they want. An entry that is applied twice, skipped, or applied before it is
// committed shows as another number.

import assert from "node:assert/strict";
import type { Entry, Index } from "../../raft/core/types.ts";

export class Model {
  /** After each index: all that was taken up to there. */
  readonly #taken: bigint[] = [0n];

  /** The last number that may have been given to anybody. */
  get last(): bigint {
    return this.#taken.at(-1)!;
  }

  committed(entry: Entry): void {
    assert.equal(entry.index, this.#taken.length, "committed in order");
    this.#taken.push(this.last + wantedBy(entry));
  }

  /** After applying `index`; `undefined` if nobody has committed it. */
  at(index: Index): bigint | undefined {
    return this.#taken[index];
  }
}

/** A take of the one sequence ends in how many numbers it wants. */
function wantedBy(entry: Entry): bigint {
  if (entry.type !== "command") return 0n;
  const { buffer, byteOffset, length } = entry.data;
  return new DataView(buffer, byteOffset, length).getBigUint64(
    length - 8,
    true,
  );
}
