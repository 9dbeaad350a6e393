// The sequences as the operations of one group see them, one after another: those of the machine
// and of the numbers in hand, and above these what the group has taken so far. So a group sees
// its own takes, whether its numbers are in hand already or not. Changes nothing.

import type { LastOf } from "./claim.ts";
import type { Machine } from "./machine.ts";

/** What a view reads of the machine. */
export type Sequences = Pick<Machine, "page" | "policy" | "size">;

/** The sequences, as of the operation that is carried out now. */
export class GroupView {
  readonly #machine: Sequences;
  readonly #lastOf: LastOf;
  /** The last number of each sequence that the group has taken from. */
  readonly #taken = new Map<string, bigint>();
  /** Those of them that it has begun, in their order. */
  readonly #begun: string[] = [];

  constructor(machine: Sequences, lastOf: LastOf) {
    this.#machine = machine;
    this.#lastOf = lastOf;
  }

  /** How many sequences there are. */
  get size(): number {
    return this.#machine.size + this.#begun.length;
  }

  get policy(): Machine["policy"] {
    return this.#machine.policy;
  }

  /** The last number given of `name`; `undefined` if there is no such sequence. */
  lastOf(name: string): bigint | undefined {
    return this.#taken.get(name) ?? this.#lastOf(name);
  }

  /** The group takes `count` numbers of `name`. */
  take(name: string, count: number): void {
    const last = this.lastOf(name);
    if (last === undefined) this.#begun.push(name);
    this.#taken.set(name, (last ?? 0n) + BigInt(count));
  }

  /** Up to `count` sequences from position `cursor` on, with their last numbers given. */
  *page(
    cursor: number,
    count: number,
  ): Iterable<readonly [name: string, last: bigint]> {
    for (const [name, last] of this.#machine.page(cursor, count).sequences) {
      yield [name, this.lastOf(name) ?? last];
    }
    const { size } = this.#machine;
    const from = Math.max(0, cursor - size);
    const to = Math.max(0, cursor + count - size);
    for (const name of this.#begun.slice(from, to)) {
      yield [name, this.lastOf(name) ?? 0n];
    }
  }
}
