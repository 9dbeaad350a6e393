// The state that the machine must have, from the committed entries alone: the sum of the
// numbers that they take or pass over, less those that they give back. If a node applies an entry twice,
// skips one, or applies one before it is committed, its last number differs. Knows the
// committed configurations as well, and checks an OK to a change against them.

import assert from "node:assert/strict";
import type { AdminCommand } from "../../raft/channel/messages.ts";
import { findServer } from "../../raft/core/membership.ts";
import type { Configuration, Entry, Index } from "../../raft/core/types.ts";

type Members = {
  readonly index: Index;
  readonly configuration: Configuration;
};

/** A transfer changes no configuration. */
type Asked = Exclude<AdminCommand, { type: "transfer" }>;

export type ModelOptions = {
  /** An entry gives numbers back. */
  readonly givenBack: () => void;
  /** An entry passes over `count` numbers that were not taken. */
  readonly passedOver: (count: number) => void;
};

export class Model {
  readonly #told: ModelOptions;
  /** By index: the last number taken after it. */
  readonly #taken: bigint[] = [0n];
  /** Rising by index. */
  readonly #configurations: Members[] = [];

  constructor(told: ModelOptions) {
    this.#told = told;
  }

  /** The last number that any client may have. */
  get last(): bigint {
    return this.#taken.at(-1)!;
  }

  /** To be called with every committed entry, in order. */
  committed(entry: Entry): void {
    if (entry.type === "configuration") this.#configurations.push(entry);
    assert.equal(entry.index, this.#taken.length, "committed in order");
    this.#taken.push(this.#after(entry));
  }

  /** The configuration in force at `index`, and all later ones. */
  membersSince(index: Index): Configuration[] {
    const first = this.#configurations.findLastIndex((c) => c.index <= index);
    return this.#configurations.slice(Math.max(0, first))
      .map(({ configuration }) => configuration);
  }

  /** The configuration after `index`, which a snapshot of it must hold. */
  membersAt(index: Index): Configuration | undefined {
    return this.#configurations.findLast((past) => past.index <= index)
      ?.configuration;
  }

  /**
   * An OK means that `command` has been fulfilled by a committed configuration: by the one in
   * force when it was asked, after `since`, or by a later one.
   */
  assertDone(command: Asked, since: Index): void {
    const isDone = ({ configuration }: Members) => {
      if (!("id" in command)) return true;
      const known = findServer(configuration, command.id);
      switch (command.type) {
        case "remove-server":
          return known === undefined;
        case "join":
          return known?.incarnation === command.incarnation;
        case "add-voter":
        case "promote":
          return known?.suffrage === "voter";
        case "add-nonvoter":
        case "demote":
          return known?.suffrage === "nonvoter";
        default:
          return command satisfies never;
      }
    };
    const first = this.#configurations.findLastIndex((c) => c.index <= since);
    assert(
      this.#configurations.slice(Math.max(0, first)).some(isDone),
      `OK to ${command.type}, and it is not so`,
    );
  }

  /**
   * The last number after `entry`. The last 8 bytes of a take are its count, and those of a raise
   * the number raised to; the last 16 of a return are the last number before it and after it.
   */
  #after(entry: Entry): bigint {
    if (entry.type !== "command") return this.last;
    const { buffer, byteOffset, length } = entry.data;
    const view = new DataView(buffer, byteOffset, length);
    const end = view.getBigUint64(length - 8, true);
    if (view.getUint8(0) === 1) return this.last + end;
    if (view.getUint8(0) === 3) {
      if (end <= this.last) return this.last;
      this.#told.passedOver(Number(end - this.last));
      return end;
    }
    const from = view.getBigUint64(length - 16, true);
    if (this.last !== from) return this.last;
    this.#told.givenBack();
    return end;
  }

  /** The last number taken after `index`; `undefined` if that is not committed. */
  at(index: Index): bigint | undefined {
    return this.#taken[index];
  }
}
