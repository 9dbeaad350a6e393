// The log lines of a node that waits to found a cluster with others: what it waits for and
// whom it sees, when that changes and once a minute; and from 10 s on, which addresses do not
// answer, and why. Decides nothing.

import type { Logger } from "../base/logger.ts";
import type { Decision } from "./members/founding.ts";
import type { Proposal } from "./members/proposal.ts";

/** Milliseconds between two lines while nothing changes. */
const repeatMillis = 60_000;
/** Milliseconds until addresses that do not answer are named: others may be starting yet. */
const patienceMillis = 10_000;

/** What is told while a node waits. */
export class FoundingReport {
  readonly #log: Logger;
  readonly #expect: number;
  readonly #now: () => number;
  #beganMillis = 0;
  #loggedMillis = -Infinity;
  #why = "";
  #hasNamedSilent = false;

  /** `now`: milliseconds of a monotonic clock. */
  constructor(
    log: Logger,
    expect: number,
    { now = () => performance.now() }: { readonly now?: () => number } = {},
  ) {
    this.#log = log;
    this.#expect = expect;
    this.#now = now;
  }

  /** The reason for which it waits, which begins with a verb. */
  get state(): string {
    return this.#why === ""
      ? `waits for ${this.#expect} nodes to found a cluster`
      : this.#why;
  }

  begin(): void {
    this.#beganMillis = this.#now();
    this.#log(
      "info",
      `waits for ${this.#expect} nodes that see each other, to found a cluster with them ` +
        "(--bootstrap-expect)",
    );
  }

  accepted({ cluster, founders }: Proposal): void {
    const ids = founders.map(({ id }) => id).join(", ");
    this.#log("info", `agrees to found cluster ${cluster} with nodes ${ids}`);
  }

  founded({ cluster, founders }: Proposal): void {
    const ids = founders.map(({ id }) => id).join(", ");
    this.#log("info", `founded cluster ${cluster} with nodes ${ids}`);
  }

  /** Returns whether the reason is another than before. */
  waits(
    { type, why }: Decision & { readonly type: "wait" | "fault" },
    silent: ReadonlyMap<string, string>,
  ): boolean {
    const now = this.#now();
    const isNew = why !== this.#why;
    const isPatient = now - this.#beganMillis < patienceMillis;
    const named = isPatient ? [] : [...silent];
    const isDue = isNew || now - this.#loggedMillis >= repeatMillis ||
      (named.length > 0 && !this.#hasNamedSilent);
    this.#why = why;
    if (!isDue) return isNew;
    this.#loggedMillis = now;
    this.#hasNamedSilent ||= named.length > 0;
    const reasons = named.map(([address, reason]) => `${address} (${reason})`);
    const rest = reasons.length === 0
      ? ""
      : `; no answer from ${reasons.join(", ")}`;
    this.#log(type === "fault" ? "warning" : "info", why + rest);
    return isNew;
  }
}
