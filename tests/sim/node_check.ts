// The checks of one node after each of its inputs: by the rules of Raft
// (`tests/lib/raft_checker.ts`), and against the state and the members that follow from the
// committed entries (`model.ts`). Counts the events that show in its core. Not here: what it
// must do within a time (`pace.ts`), and its disk (`drive.ts`, `watched_storage.ts`).

import assert from "node:assert/strict";
import { findServer } from "../../raft/core/membership.ts";
import type { Index } from "../../raft/core/types.ts";
import type { Node } from "../../raft/node.ts";
import type { Computer } from "./computer.ts";
import { CoreCounter } from "./counts.ts";
import type { World } from "./world.ts";

export type NodeCheckOptions = {
  readonly world: World;
  readonly computer: Computer;
  /** The commit index of the cluster when the node began. */
  readonly began: Index;
};

export class NodeCheck {
  readonly #node: Node;
  readonly #options: NodeCheckOptions;
  readonly #counter: CoreCounter;
  /** The state that was checked last: most inputs change none of it. */
  #checked = "";

  constructor(node: Node, options: NodeCheckOptions) {
    this.#node = node;
    this.#options = options;
    this.#counter = new CoreCounter(options.world.counts, node.core);
  }

  /** To be called after each input. */
  changed(): void {
    const { core, reserve } = this.#node;
    const { computer, world } = this.#options;
    const { aheadMax } = world.options;
    for (const { name, unasked } of reserve.hands.all) {
      assert(
        unasked <= aheadMax,
        `${computer.id}: a crash would burn ${unasked} of ${name} > ${aheadMax}`,
      );
    }
    this.#counter.changed(core);
    const { role, currentTerm, log } = core;
    const { lastIndex, lastTerm, commitIndex, lastApplied, snapshot } = log;
    const state = `${role} ${currentTerm} ${lastIndex} ${lastTerm} ` +
      `${commitIndex} ${lastApplied} ${snapshot.index}`;
    if (state === this.#checked) return;
    this.#checked = state;
    this.#check();
  }

  #check(): void {
    const { lastTicket, core: { log } } = this.#node;
    const { lastApplied, snapshot } = log;
    const { computer, world: { checker, model } } = this.#options;
    checker.changed(computer);
    checker.applied(lastApplied, lastTicket);
    assert.equal(
      lastTicket,
      model.at(lastApplied),
      `${computer.id}: state at ${lastApplied}`,
    );
    if (snapshot.index === 0) return;
    assert.deepEqual(
      snapshot.configuration,
      model.membersAt(snapshot.index),
      `${computer.id}: members in the snapshot of ${snapshot.index}`,
    );
  }

  /**
   * To be called when the node says that it was removed: a configuration lacks it that was
   * in force when the message that it received last was sent, or later. If a leader has
   * told it that it is no member, that may be as old as this process.
   */
  mayBeRemoved(): void {
    const { computer, began, world: { checker, model } } = this.#options;
    const { removed: isTold, log: { commitIndex } } = this.#node.core;
    if (commitIndex > checker.commitIndex) return; // `changed()` finds that
    const since = isTold ? began : computer.heardOf;
    assert(
      model.membersSince(since).some((members) =>
        findServer(members, computer.id) === undefined
      ),
      `${computer.id} says that it was removed, and is a member`,
    );
  }
}
