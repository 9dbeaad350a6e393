// How long one process may take for what it must not put off: a leader whose disk hangs
// leaves its office, and whoever asks for a change of members is answered. Measured in
// the process's own ticks, of which a pause costs none, and not by what the core counts.

import assert from "node:assert/strict";
import type { Raft } from "../../raft/core/raft.ts";
import type { Options } from "./options.ts";

export class Pace {
  readonly #options: Options;
  #ticks = 0;
  #save: object | undefined;
  #savingSince = 0;
  /** How long those have waited who asked for a change; the oldest first. */
  readonly #waits = new Set<{ ticks: number }>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Call what is returned with the answer. */
  asks(): () => void {
    const wait = { ticks: 0 };
    this.#waits.add(wait);
    return () => this.#waits.delete(wait);
  }

  /** After a tick of the node; `save` is under way. */
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
    // What the only disk of all hangs on, nobody can tell.
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
