// The checks of what a process must do in time: a leader whose disk hangs leaves its office,
// and an administrator who asks for a change is answered. Time counts in the process's own
// ticks, because a paused process can do nothing; the core's own counters are not believed.

import assert from "node:assert/strict";
import type { Raft } from "../../raft/core/raft.ts";
import type { Options } from "./options.ts";

export class Pace {
  readonly #options: Options;
  #ticks = 0;
  /** The save under way. */
  #save: object | undefined;
  /** The tick since which it is under way while others could lead. */
  #savingSince = 0;
  /** One for each admin command that is not answered; the oldest first. */
  readonly #waits = new Set<{ ticks: number }>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** A change is asked for; what this returns is to be called when it is answered. */
  asks(): () => void {
    const wait = { ticks: 0 };
    this.#waits.add(wait);
    return () => this.#waits.delete(wait);
  }

  /**
   * To be called after each tick of the node; `save` is under way.
   *
   * @throws if a leader's save, or an answer, is overdue
   */
  tick({ role, membership }: Raft, save: object | undefined): void {
    const { electionTicks, changeTicks } = this.#options;
    this.#ticks++;
    const isAlone = membership.voters.length === 1;
    if (isAlone || save !== this.#save) this.#savingSince = this.#ticks;
    this.#save = save;
    assert(
      save === undefined || role !== "leader" ||
        this.#ticks - this.#savingSince <= 2 * electionTicks + 1,
      "a leader whose save hangs stays in office",
    );
    // A node that is alone cannot answer while its disk hangs.
    if (isAlone && save !== undefined) return;
    for (const wait of this.#waits) wait.ticks++;
    const [oldest] = this.#waits;
    assert(
      oldest === undefined ||
        oldest.ticks <= 2 * changeTicks + 4 * electionTicks,
      "nobody answers who asked for a change of members",
    );
  }
}
