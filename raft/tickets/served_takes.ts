// Takes that other nodes forward to this one, because they believe it leads. Each is
// executed once, however often it arrives. A take for a term in which this node does not
// lead is refused. While leadership is being handed over a take waits, because the transfer
// may fail.
//
// A process, one run of another node, numbers its takes. The last takes of each process are
// remembered with their answers, so that a take that is sent again, or doubled by the
// network, burns no numbers. A take that is older than those was answered long ago and is
// ignored. If a process has been forgotten, its takes could be executed again: their
// numbers would burn.

import { assert } from "../../base/assert.ts";
import type { Raft } from "../core/raft.ts";
import type { Take, TakeResponse } from "../core/types.ts";
import type { Lending } from "./lending.ts";
import type { Claim, Reserve, Settled, Settlement } from "./reserve.ts";

/** Takes remembered of one process, which has one under way for each of its isolates. */
const rememberedMax = 64;
/** Processes remembered. */
const processesMax = 256;

type Served = {
  readonly take: Take;
  /** `undefined` until it is settled. */
  response: TakeResponse | undefined;
};

type Process = {
  /** By id, the oldest first. */
  readonly remembered: Map<number, Served>;
  /** The highest id that is not remembered any more. */
  forgotten: number;
};

/** The takes that other nodes forward, and their answers. */
export class ServedTakes {
  readonly #raft: Raft;
  readonly #reserve: Reserve;
  readonly #lending: Lending;
  readonly #send: (message: TakeResponse) => void;
  /** By sender and process number, the oldest first. */
  readonly #processes = new Map<string, Process>();
  /** Takes that wait for the end of a hand-over or of a recall. */
  #waiting: Served[] = [];
  /** Takes whose claims the reserve is to settle. */
  readonly #claims = new Map<Claim, Served>();

  constructor(
    raft: Raft,
    { reserve, lending }: {
      readonly reserve: Reserve;
      readonly lending: Lending;
    },
    send: (message: TakeResponse) => void,
  ) {
    this.#raft = raft;
    this.#reserve = reserve;
    this.#lending = lending;
    this.#send = send;
  }

  /** Another node asks. */
  asked(take: Take): void {
    const process = this.#processOf(take);
    if (take.id <= process.forgotten) return;
    const known = process.remembered.get(take.id);
    if (known !== undefined) {
      const { term, count } = known.take;
      // Two takes under one id would be a bug there, or two processes that drew one number.
      const isSame = term === take.term && count === take.count;
      if (known.response !== undefined && isSame) this.#send(known.response);
      return;
    }
    const { size } = process.remembered;
    if (size >= rememberedMax && !forgetOldest(process)) return; // it is sent again
    const served: Served = { take, response: undefined };
    process.remembered.set(take.id, served);
    if (!this.#advance(served)) this.#waiting.push(served);
  }

  /** The reserve has settled the claim of a take. */
  settled({ claim, settlement }: Settled): void {
    const served = this.#claims.get(claim);
    assert(served !== undefined, "a claim that nobody made is settled");
    this.#claims.delete(claim);
    this.#respond(served, settlement);
  }

  /** To be called after every input: a hand-over or a recall may have ended. */
  pump(): void {
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter((served) => !this.#advance(served));
  }

  /** Returns false if the take has to wait. */
  #advance(served: Served): boolean {
    const { take } = served;
    const { role, currentTerm } = this.#raft;
    if (role !== "leader" || take.term !== currentTerm) {
      this.#respond(served, "leadership-lost");
      return true;
    }
    // Its numbers would be above those that are lent. Only a member may ask, and a node that
    // lends has no other members: this is safe even if that should change.
    if (!this.#lending.recall()) return false;
    const claim = this.#reserve.ask(take.count, take.from);
    if (claim === undefined) return false;
    this.#claims.set(claim, served);
    return true;
  }

  #respond(served: Served, settlement: Settlement): void {
    const { from: to, to: from, process, id } = served.take;
    const given = settlement !== "leadership-lost";
    const { last, count } = given ? settlement : { last: 0n, count: 0 };
    const response = { type: "TakeResponse", from, to, process, id } as const;
    served.response = { ...response, given, last, count };
    this.#send(served.response);
  }

  #processOf({ from, process }: Take): Process {
    const name = `${from} ${process}`;
    const known = this.#processes.get(name);
    if (known !== undefined) return known;
    const [oldest] = this.#processes.keys();
    if (this.#processes.size >= processesMax && oldest !== undefined) {
      this.#processes.delete(oldest);
    }
    const fresh: Process = { remembered: new Map(), forgotten: 0 };
    this.#processes.set(name, fresh);
    return fresh;
  }
}

/** Forgets the oldest take that is answered; returns false if none is. */
function forgetOldest(process: Process): boolean {
  for (const [id, { response }] of process.remembered) {
    if (response === undefined) continue;
    process.remembered.delete(id);
    process.forgotten = Math.max(process.forgotten, id);
    return true;
  }
  return false;
}
