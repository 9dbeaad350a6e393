// The order in which the requests of one connection are carried out: takes of tickets may follow
// takes, and groups of operations may follow groups, without waiting; but a take waits until
// the groups before it have been answered, and a group until the takes before it have. So
// numbers rise on a connection, whatever it pipelines. Not here: the order of the replies
// (`replies.ts`).

import { assert } from "../../base/assert.ts";
import { Fifo } from "../../base/fifo.ts";

/** The road of a request to the node. */
export type TurnKind = "take" | "group";

/** A request that has a reply to wait for. */
export type Turn = {
  kind: TurnKind | undefined;
  /** It was begun, and has not been answered in full. */
  isOpen: boolean;
};

type Held = {
  readonly turn: Turn;
  readonly kind: TurnKind;
  readonly run: () => void;
};

/** The requests of one connection that are under way, and those that must wait. */
export class ReplyTurns {
  /** What is under way, if anything is. */
  #kind: TurnKind = "take";
  /** How many are under way. */
  #open = 0;
  readonly #held = new Fifo<Held>();

  /** Runs `run` now, or when all before it of the other kind have ended. */
  start(turn: Turn, kind: TurnKind, run: () => void): void {
    assert(turn.kind === undefined || turn.kind === kind, "it is of one kind");
    turn.kind = kind;
    if (this.#held.size === 0 && this.#mayRun(kind)) this.#run(turn, kind, run);
    else this.#held.push({ turn, kind, run });
  }

  /** A request has been answered in full. */
  ended(turn: Turn): void {
    if (!turn.isOpen) return;
    turn.isOpen = false;
    this.#open--;
    for (let held; (held = this.#held.first) !== undefined;) {
      if (!this.#mayRun(held.kind)) return;
      this.#held.shift();
      this.#run(held.turn, held.kind, held.run);
    }
  }

  /** Forgets those that wait. */
  clear(): void {
    this.#held.clear();
    this.#open = 0;
  }

  #mayRun(kind: TurnKind): boolean {
    return this.#open === 0 || this.#kind === kind;
  }

  #run(turn: Turn, kind: TurnKind, run: () => void): void {
    this.#kind = kind;
    if (!turn.isOpen) this.#open++;
    turn.isOpen = true;
    run(); // which may answer it at once
  }
}
