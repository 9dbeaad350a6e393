// A leader alone with its machine and its reserve, as `node.ts` ties them together: for tests of
// claims, which want no clients. Its disk can hang, and what it lends is decided by the test.

import assert from "node:assert/strict";
import type { Raft } from "../../raft/core/raft.ts";
import type { Save } from "../../raft/core/types.ts";
import type {
  Claim,
  ClaimPart,
  ClaimRequest,
  Settled,
} from "../../raft/tickets/claim.ts";
import type { Gap } from "../../raft/tickets/gap.ts";
import {
  encodeGroup,
  Machine,
  type SequenceOperation,
} from "../../raft/tickets/machine.ts";
import { Reserve, type ReserveOptions } from "../../raft/tickets/reserve.ts";
import { raftOf } from "../unit/raft/core/scene.ts";

export type LeaderOptions = Partial<Omit<ReserveOptions, "machine">> & {
  /** The sequences that there are, and the last number taken of each. */
  readonly machine?: Machine;
  /** It has just been elected: no entry of its term is applied, and its disk hangs. */
  readonly isFresh?: boolean;
};

/** Parts of a claim, as text: `a 3, b 0, c 5 capped`. */
export function partsOf(text: string): ClaimPart[] {
  return text.split(", ").filter((part) => part !== "").map((part) => {
    const [name = "", count = "1", capped] = part.split(" ");
    return { name, count: Number(count), isCapped: capped === "capped" };
  });
}

export class Leader {
  readonly raft: Raft;
  readonly machine: Machine;
  readonly reserve: Reserve;
  readonly gaps: Gap[] = [];
  /** In the order in which they were settled. */
  readonly settled: Settled[] = [];
  readonly #claims = new Map<Claim, string>();
  /** Of each sequence. */
  readonly spare = new Map<string, number>();
  /** Sequences whose loan is not back. */
  readonly lent = new Set<string>();
  /** Saves wait until the test finishes them. */
  stuck = false;
  #saving: Save | undefined;

  constructor(
    { machine = new Machine(), isFresh = false, ...options }: LeaderOptions =
      {},
  ) {
    this.raft = raftOf({ id: "a", voters: "a" });
    this.machine = machine;
    this.reserve = new Reserve(this.raft, {
      ...{ takesMin: Infinity, aheadMax: 2 ** 20, sequencesMax: 1000 },
      burnt: (gap) => this.gaps.push(gap),
      ...options,
      machine,
    });
    this.stuck = true;
    while (this.raft.role !== "leader") {
      this.tick();
      this.#finishOnce();
    }
    if (!isFresh) this.unstick();
  }

  /** Makes a claim for `parts`, of another node's clients; `undefined` if none may be made. */
  ask(parts: string, request: Partial<ClaimRequest> = {}): Claim | undefined {
    const claim = this.reserve.ask({
      ...{ kind: "served", asker: undefined },
      parts: partsOf(parts),
      ...request,
    });
    if (claim !== undefined) this.#claims.set(claim, parts);
    this.pump();
    return claim;
  }

  /** Makes a claim whose operations are a command of the log. */
  command(parts: string, operations: readonly SequenceOperation[]) {
    const command = encodeGroup(operations, { sequencesMax: 1000 });
    return this.ask(parts, { kind: "group", command });
  }

  tick(ticks = 1): void {
    for (let i = 0; i < ticks; i++) {
      this.raft.tick();
      this.reserve.tick();
      this.pump();
    }
  }

  /** Finishes the save under way; false if there is none. */
  finish(): boolean {
    const isFinished = this.#finishOnce();
    if (isFinished) this.pump();
    return isFinished;
  }

  #finishOnce(): boolean {
    const save = this.#saving;
    if (save === undefined) return false;
    this.#saving = undefined;
    this.raft.saved(save.number);
    return true;
  }

  /** The disk does all that it has to do. */
  unstick(): void {
    this.stuck = false;
    while (this.finish());
  }

  /** What comes after an input, as in `Node`. */
  pump(): void {
    this.raft.takeMessages();
    for (const entry of this.raft.takeCommitted()) {
      if (entry.type !== "command") continue;
      this.reserve.applied(entry, this.machine.apply(entry.data));
    }
    const loans = {
      spareOf: (name: string) => this.spare.get(name) ?? 0,
      recall: (name: string) => !this.lent.has(name),
    };
    for (let one; (one = this.reserve.settleNext(loans)) !== undefined;) {
      assert(this.#claims.has(one.claim), "a claim that nobody made");
      this.settled.push(one);
      this.#noteLoan(one);
    }
    this.reserve.pump();
    this.raft.takeMessages();
    this.#saving ??= this.raft.takeSave();
    while (!this.stuck && this.finish());
  }

  #noteLoan({ claim: { kind, parts }, settlement }: Settled): void {
    if (kind !== "own" || settlement.type !== "given") return;
    const [{ name, count } = { name: "", count: 0 }] = parts;
    if (settlement.parts[0]!.count > count) this.lent.add(name);
  }

  /** What became of the claims since the last call: `a 3: 1-3`, `b 0: 7`, `a 2: exhausted at 0`. */
  told(): string[] {
    return this.settled.splice(0).map(({ claim, settlement }) => {
      const parts = this.#claims.get(claim)!;
      this.#claims.delete(claim);
      switch (settlement.type) {
        case "given": {
          const given = settlement.parts.map(({ last, count, exists }) =>
            count > 0
              ? `${last - BigInt(count) + 1n}-${last}`
              : exists
              ? `${last}`
              : "none"
          );
          return `${parts}: ${given.join(" ")}`;
        }
        case "applied": {
          const outcomes = settlement.outcomes.map((outcome) =>
            outcome.type === "taken"
              ? `${outcome.last - BigInt(outcome.count) + 1n}-${outcome.last}`
              : outcome.type === "refused"
              ? `${outcome.reason} at ${outcome.at}`
              : outcome.type
          );
          return `${parts}: ${outcomes.join(" ")}`;
        }
        case "refused":
          return `${parts}: ${settlement.reason} at ${settlement.at}`;
        case "lost":
          return `${parts}: lost`;
      }
    });
  }

  /** How many claims wait. */
  get waiting(): number {
    return this.#claims.size - this.settled.length;
  }
}
