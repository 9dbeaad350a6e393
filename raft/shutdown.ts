// The end of a node, asked for or forced by a fault. A node that is asked to stop owes
// others something first:
//
//   running ──▶ stopping ──▶ leaving ──▶ ended
//      └───────────┴────────────┴──────▶ ended          (by a fault, at once)
//
//   stopping   recalls the loans, returns the reserve to the log, hands leadership over and
//              waits for its saves; a new take is refused
//   leaving    all is settled but the last flush: inputs are not run any more
//   ended      acknowledges nothing and says nothing

import type { Raft } from "./core/raft.ts";
import type { Environment } from "./environment.ts";
import type { NodeParts } from "./node_parts.ts";
import type { Saver } from "./saver.ts";
import { settleClaims } from "./tickets/settle.ts";

type Phase = "running" | "stopping" | "leaving" | "ended";

/** The dependencies of a node's end. */
export type ShutdownOptions = {
  readonly environment: Pick<Environment, "log" | "ended">;
  readonly parts: Pick<
    NodeParts,
    "reserve" | "lending" | "ownTakes" | "servedTakes" | "changes" | "groups"
  >;
  readonly saver: Pick<Saver, "isBusy" | "flush">;
  /** Sends what the core has to say. */
  readonly send: () => void;
};

/** The phase of one node, and its way to the end. */
export class Shutdown {
  readonly #raft: Raft;
  readonly #options: ShutdownOptions;
  #phase: Phase = "running";
  /** Leadership is handed over once: if the successor fails, the stop goes on. */
  #hasHandedOver = false;

  constructor(raft: Raft, options: ShutdownOptions) {
    this.#raft = raft;
    this.#options = options;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Inputs are run: the node has not ended, nor is it flushing for the last time. */
  get isAlive(): boolean {
    return this.#phase === "running" || this.#phase === "stopping";
  }

  /** The node is asked to stop; `pump` does the rest. */
  begin(): void {
    this.#phase = "stopping";
    this.#options.parts.reserve.close();
  }

  /** Goes on with a stop, as far as it goes now. */
  pump(): void {
    if (this.#phase !== "stopping") return;
    const { parts: { lending, reserve, ownTakes, changes, groups }, saver } =
      this.#options;
    // In this order: the loans come back into the reserve, the reserve goes back into the log,
    // and the next leader goes on without a gap.
    if (!lending.recallAll()) return;
    if (reserve.size > 0 || this.#isHandingOver()) return;
    if (saver.isBusy) return;
    // A request that waits for a majority or a leader would wait for ever.
    reserve.stop();
    settleClaims(this.#options.parts);
    ownTakes.stop();
    changes.stop();
    groups.stop();
    this.#phase = "leaving";
    saver.flush((error) => this.end(error));
  }

  /** Ends the node now; `error` is why, or `undefined` if it was asked to. */
  end(error: Error | undefined): void {
    if (this.#phase === "ended") return;
    this.#phase = "ended";
    this.#options.environment.ended(error);
  }

  /** Begins to hand leadership over, once; whether that is under way. */
  #isHandingOver(): boolean {
    const { role } = this.#raft;
    if (
      !this.#hasHandedOver && this.#raft.transferLeadership(undefined, "stop")
    ) {
      this.#hasHandedOver = true;
      const { environment, send } = this.#options;
      environment.log("info", "handing leadership over before stopping");
      send();
    }
    return role === "leader" && this.#raft.transferTarget !== undefined;
  }
}
