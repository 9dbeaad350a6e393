// Takes that other nodes forward to this one, because they believe it leads. Each is executed
// once, however often it arrives: every part is a claim of its own, and is answered when it is
// settled, with those that are settled at the same time. A take for a term in which this node
// does not lead is refused. While leadership is being handed over a take waits, because the
// transfer may fail.
//
// A process, one run of another node, numbers its takes, and says with each up to which number
// all are answered. The others are remembered with their answers, so that a take that is sent
// again, or doubled by the network, burns no numbers: it is answered with what is settled so
// far. If a process has been forgotten, its takes could be executed again: their numbers burn.

import { assert, present } from "../../base/assert.ts";
import type { SequenceRefusal } from "../channel/operations.ts";
import type { Raft } from "../core/raft.ts";
import type { Take, TakeAnswer, TakeResponse } from "../core/types.ts";
import type { Claim, Settled, Settlement } from "./claim.ts";
import type { Reserve } from "./reserve.ts";

/** Takes remembered of one process, which has at most one for each of its sequences. */
const rememberedMax = 2 ** 14;
/** Parts of all these takes. */
const partsMax = 2 ** 17;
/** Processes remembered. */
const processesMax = 256;

type Served = {
  readonly take: Take;
  /** Parts that are settled, and told. */
  readonly answers: TakeAnswer[];
  /** Those that are not told yet. */
  fresh: TakeAnswer[];
};

type Process = {
  /** By id. */
  readonly remembered: Map<number, Served>;
  /** Of all these. */
  parts: number;
  /** The highest id up to which the process has its answers. */
  answered: number;
};

/** The takes that other nodes forward, and their answers. */
export class ServedTakes {
  readonly #raft: Raft;
  readonly #reserve: Pick<Reserve, "ask">;
  readonly #send: (message: TakeResponse) => void;
  /** By sender and process number; the one that was silent longest comes first. */
  readonly #processes = new Map<string, Process>();
  /** Takes that wait for the end of a hand-over. */
  #waiting: Served[] = [];
  /** Parts whose claims the reserve is to settle. */
  readonly #claims = new Map<
    Claim,
    { readonly served: Served; readonly at: number }
  >();
  /** Takes with answers that are not told yet. */
  readonly #untold = new Set<Served>();

  constructor(
    raft: Raft,
    reserve: Pick<Reserve, "ask">,
    send: (message: TakeResponse) => void,
  ) {
    this.#raft = raft;
    this.#reserve = reserve;
    this.#send = send;
  }

  /** Another node asks. */
  asked(take: Take): void {
    const process = this.#processOf(take);
    this.#forget(process, take.answered);
    if (take.id <= process.answered) return; // a former one, which was late
    const known = process.remembered.get(take.id);
    if (known !== undefined) return this.#tellAgain(known, take);
    const parts = process.parts + take.parts.length;
    const isFull = process.remembered.size >= rememberedMax || parts > partsMax;
    if (isFull) return; // it is sent again
    process.parts = parts;
    const served: Served = { take, answers: [], fresh: [] };
    process.remembered.set(take.id, served);
    if (!this.#advance(served)) this.#waiting.push(served);
  }

  /** The reserve has settled the claim of a part. */
  settled({ claim, settlement }: Settled): void {
    const part = this.#claims.get(claim);
    assert(part !== undefined, "a claim that nobody made is settled");
    this.#claims.delete(claim);
    const { served, at } = part;
    served.fresh.push(answerOf(at, settlement));
    this.#untold.add(served);
  }

  /** To be called after every input: a hand-over may have ended. */
  pump(): void {
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter((served) => !this.#advance(served));
  }

  /** Tells what was settled since the last call, in one answer a take. */
  tell(): void {
    if (this.#untold.size === 0) return;
    for (const served of this.#untold) {
      this.#respond(served, served.fresh);
      served.answers.push(...served.fresh);
      served.fresh = [];
    }
    this.#untold.clear();
  }

  /** Returns false if the take has to wait. */
  #advance(served: Served): boolean {
    const { parts, from: asker, term } = served.take;
    const { role, currentTerm } = this.#raft;
    if (role !== "leader" || term !== currentTerm) {
      served.fresh = parts.map((_, at) => answerOf(at, { type: "lost" }));
      this.#untold.add(served);
      return true;
    }
    for (const [at, part] of parts.entries()) {
      const claim = this.#reserve.ask({ kind: "served", parts: [part], asker });
      if (claim === undefined) {
        assert(at === 0, "a leader gives for all parts, or for none");
        return false;
      }
      this.#claims.set(claim, { served, at });
    }
    return true;
  }

  /** A take has come again. */
  #tellAgain(served: Served, { term, parts }: Take): void {
    const { take, answers } = served;
    // Two takes under one id would be a bug there, or two processes that drew one number.
    const isSame = term === take.term && parts.length === take.parts.length &&
      parts.every(({ name, count }, at) =>
        present(take.parts[at]).name === name &&
        present(take.parts[at]).count === count
      );
    if (isSame && answers.length > 0) this.#respond(served, [...answers]);
  }

  #respond({ take }: Served, answers: readonly TakeAnswer[]): void {
    const { from: to, to: from, process, id } = take;
    this.#send({ type: "TakeResponse", from, to, process, id, answers });
  }

  #forget(process: Process, answered: number): void {
    if (answered <= process.answered) return;
    process.answered = answered;
    for (const [id, { take }] of process.remembered) {
      if (id > answered) continue;
      process.remembered.delete(id);
      process.parts -= take.parts.length;
    }
  }

  #processOf({ from, process }: Take): Process {
    const name = `${from} ${process}`;
    const known = this.#processes.get(name);
    const found = known ?? { remembered: new Map(), parts: 0, answered: 0 };
    this.#processes.delete(name); // it comes last
    const [silent] = this.#processes.keys();
    if (this.#processes.size >= processesMax && silent !== undefined) {
      this.#processes.delete(silent);
    }
    this.#processes.set(name, found);
    return found;
  }
}

function answerOf(at: number, settlement: Settlement): TakeAnswer {
  switch (settlement.type) {
    case "given":
      return {
        at,
        last: present(settlement.parts[0]).last,
        refusal: undefined,
      };
    case "refused":
      return { at, last: undefined, refusal: takeRefusalOf(settlement.reason) };
    case "lost":
    case "applied":
      return { at, last: undefined, refusal: "lost" };
    default:
      return settlement satisfies never;
  }
}

/** `reason`, which is one of those that a take can have. */
export function takeRefusalOf(
  reason: SequenceRefusal,
): Exclude<SequenceRefusal, "exists" | "changed"> {
  assert(reason !== "exists" && reason !== "changed", `a take is ${reason}`);
  return reason;
}
