// What the machine must hold, computed from the committed entries alone: the sum of all
// that they want, less what they give back. An entry that is applied twice, skipped, or applied before it is
// committed shows as another number.

import assert from "node:assert/strict";
import type { AdminCommand } from "../../raft/channel/messages.ts";
import { findServer } from "../../raft/core/membership.ts";
import type { Configuration, Entry, Index } from "../../raft/core/types.ts";

type Members = {
  readonly index: Index;
  readonly configuration: Configuration;
};

/** Who leads is not the configuration's business. */
type Asked = Exclude<AdminCommand, { type: "transfer" }>;

export class Model {
  readonly #onGivenBack: () => void;
  /** After each index: all that was taken up to there. */
  readonly #taken: bigint[] = [0n];
  /** Rising by index. */
  readonly #configurations: Members[] = [];

  constructor(onGivenBack: () => void) {
    this.#onGivenBack = onGivenBack;
  }

  /** The last number that may have been given to anybody. */
  get last(): bigint {
    return this.#taken.at(-1)!;
  }

  committed(entry: Entry): void {
    if (entry.type === "configuration") this.#configurations.push(entry);
    assert.equal(entry.index, this.#taken.length, "committed in order");
    this.#taken.push(this.#after(entry));
  }

  /** The configurations that were in force at `index`, and after it. */
  membersSince(index: Index): Configuration[] {
    const first = this.#configurations.findLastIndex((c) => c.index <= index);
    return this.#configurations.slice(Math.max(0, first))
      .map(({ configuration }) => configuration);
  }

  /** Who was a member after `index`, and therefore stands in a snapshot of it. */
  membersAt(index: Index): Configuration | undefined {
    return this.#configurations.findLast((past) => past.index <= index)
      ?.configuration;
  }

  /** An OK means that the members have been so, for good, since it was asked for. */
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

  /** A take ends in how many numbers it wants; a return in where it begins and ends. */
  #after(entry: Entry): bigint {
    if (entry.type !== "command") return this.last;
    const { buffer, byteOffset, length } = entry.data;
    const view = new DataView(buffer, byteOffset, length);
    const end = view.getBigUint64(length - 8, true);
    if (view.getUint8(0) === 1) return this.last + end;
    const from = view.getBigUint64(length - 16, true);
    if (this.last !== from) return this.last;
    this.#onGivenBack();
    return end;
  }

  /** After applying `index`; `undefined` if nobody has committed it. */
  at(index: Index): bigint | undefined {
    return this.#taken[index];
  }
}
