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
  /** When changes were asked for that nobody has answered yet; rising. */
  readonly #asked = new Set<{ readonly tick: number }>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Call what is returned with the answer. */
  asks(): () => void {
    const asked = { tick: this.#ticks };
    this.#asked.add(asked);
    return () => this.#asked.delete(asked);
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
    const [oldest] = this.#asked;
    assert(
      oldest === undefined ||
        this.#ticks - oldest.tick <= 2 * changeTicks + 4 * electionTicks,
      "nobody answers who asked for a change of members",
    );
  }
}
