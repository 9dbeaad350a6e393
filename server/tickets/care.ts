// How a lane asks after the state has refused a take of several requests: so that each of them
// gets an answer of its own, for as long as the tickets wait that waited then. A request that is
// refused alone speaks for those behind it that cannot fare better.

import type { Refusal } from "../../raft/channel/messages.ts";
import type { Asker, Askers } from "./askers.ts";

/** Refusals that depend on how many numbers are asked for. */
export type NumberRefusal = Extract<Refusal, "exhausted" | "above-int64">;

export function isOfNumbers(reason: Refusal): reason is NumberRefusal {
  return reason === "exhausted" || reason === "above-int64";
}

/** How the first tickets of a lane are asked for. */
export class Care {
  /**
   * Capped: each capped request by itself, the others together. Each: each request, and each
   * ticket of a run, by itself.
   */
  #kind: "capped" | "each" = "capped";
  /** For how many tickets. */
  #left = 0;

  get isTaken(): boolean {
    return this.#left > 0;
  }

  /** A take of several requests was refused, while `waiting` tickets were waited for. */
  begin(reason: NumberRefusal, waiting: number): void {
    const isEach = this.isTaken && this.#kind === "each";
    this.#kind = isEach || reason === "exhausted" ? "each" : "capped";
    this.#left = waiting;
  }

  /** `count` tickets wait no longer. */
  settle(count: number): void {
    if (this.#left > 0) this.#left = Math.max(0, this.#left - count);
  }

  /** How many tickets the next take asks for, `most` at most unless it is one block. */
  nextTake(askers: Askers, most: number): number {
    const { first } = askers;
    if (this.isTaken && (this.#kind === "each" || first.isCapped)) {
      return first.isBlock ? first.count : 1;
    }
    let count = 0;
    for (let at = 0; at < askers.size; at++) {
      const asker = askers.at(at);
      if (this.isTaken && asker.isCapped) break;
      const left = most - count;
      if (asker.count > left) return count + (asker.isBlock ? 0 : left);
      count += asker.count;
    }
    return count;
  }
}

/** Whether the refusal of the first `count` tickets is the answer to `first`, and to it alone. */
export function isOwnAnswer(
  first: Asker,
  { count, reason }: {
    readonly count: number;
    readonly reason: NumberRefusal;
  },
): boolean {
  // A take may be capped although no request in it is: one was that has gone.
  if (reason === "above-int64" && !first.isCapped) return false;
  return count === 1 || (first.isBlock && first.count === count);
}

/**
 * How many tickets get the refusal that the first `count` got, which are of one request: if not
 * even one could be given, the requests behind it need not ask.
 */
export function withSameAnswer(
  askers: Askers,
  { count, reason }: {
    readonly count: number;
    readonly reason: NumberRefusal;
  },
): number {
  if (count > 1) return count;
  let same = 0;
  for (let at = 0; at < askers.size; at++) {
    const asker = askers.at(at);
    if (reason !== "exhausted" && !asker.isCapped) break;
    same += asker.count;
  }
  return Math.max(same, count); // nobody is not capped
}
