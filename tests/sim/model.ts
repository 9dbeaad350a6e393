// The state that the machine must have, from the committed entries alone (`state_model.ts`). If
// a node applies an entry twice, skips one, or applies one before it is committed, its state
// differs. Knows the committed configurations as well, and checks an OK to a change against them.

import assert from "node:assert/strict";
import type { AdminCommand } from "../../raft/channel/messages.ts";
import { findServer } from "../../raft/core/membership.ts";
import type { Configuration, Entry, Index } from "../../raft/core/types.ts";
import { StateModel, type StateModelOptions } from "./state_model.ts";

type Members = {
  readonly index: Index;
  readonly configuration: Configuration;
};

/** A transfer changes no configuration. */
type Asked = Exclude<AdminCommand, { type: "transfer" }>;

export class Model {
  readonly state: StateModel;
  /** The index of the last committed entry. */
  #index: Index = 0;
  /** Rising by index. */
  readonly #configurations: Members[] = [];

  constructor(told: StateModelOptions) {
    this.state = new StateModel(told);
  }

  /** To be called with every committed entry, in order. */
  committed(entry: Entry): void {
    if (entry.type === "configuration") this.#configurations.push(entry);
    assert.equal(entry.index, ++this.#index, "committed in order");
    if (entry.type === "command") this.state.committed(entry.index, entry.data);
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
}
