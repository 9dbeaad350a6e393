// Takes that other nodes forward to this one, which they hold for the leader: executed once
// and answered, however often they come. What is asked of a term that we do not lead is
// refused; while leadership is being handed over it waits, for the transfer may fail.
//
// A life is one process of another node. Of each we remember the last takes and what was
// answered, so that a repeated one, or one that the network doubled, burns no numbers. A
// life counts its takes and waits for each, so one older than those we remember is done.
// A life that is forgotten could at worst be served again, and its numbers burnt.

import { assert } from "../../base/assert.ts";
import type { Raft } from "../core/raft.ts";
import type { Take, TakeResponse } from "../core/types.ts";
import type { Lending } from "./lending.ts";
import type { Claim, Reserve, Settled, Settlement } from "./reserve.ts";

/**
 * Takes remembered of one life, of which far fewer are under way: one for each isolate
 * there; and lives.
 */
const takesMax = 64;
const processesMax = 256;

type Served = {
  readonly take: Take;
  /** Once it is settled. */
  response: TakeResponse | undefined;
};

type Process = {
  readonly takes: Map<number, Served>;
  /** The highest id that is not remembered any more. */
  forgotten: number;
};

export class ServedTakes {
  readonly #raft: Raft;
  readonly #reserve: Reserve;
  readonly #lending: Lending;
  readonly #send: (message: TakeResponse) => void;
  /** By sender and life, and in each by id; the oldest first. */
  readonly #processes = new Map<string, Process>();
  #waiting: Served[] = [];
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

  asked(take: Take): void {
    const process = this.#processOf(take);
    if (take.id <= process.forgotten) return;
    const known = process.takes.get(take.id);
    if (known !== undefined) {
      const { term, count } = known.take;
      // Another one under its name would be a bug, or chance at its worst.
      const isSame = term === take.term && count === take.count;
      if (known.response !== undefined && isSame) this.#send(known.response);
      return;
    }
    const { size } = process.takes;
    if (size >= takesMax && !forgetOldest(process)) return; // it is sent again
    const served: Served = { take, response: undefined };
    process.takes.set(take.id, served);
    if (!this.#advance(served)) this.#waiting.push(served);
  }

  /** The reserve has settled the claim of one. */
  settled({ claim, settlement }: Settled): void {
    const served = this.#claims.get(claim);
    assert(served !== undefined, "a claim that nobody made is settled");
    this.#claims.delete(claim);
    this.#respond(served, settlement);
  }

  /** After every input: what waited for the end of a hand-over may go on. */
  pump(): void {
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter((served) => !this.#advance(served));
  }

  /** False if it has to wait. */
  #advance(served: Served): boolean {
    const { take } = served;
    const { role, currentTerm } = this.#raft;
    if (role !== "leader" || take.term !== currentTerm) {
      this.#respond(served, "leadership-lost");
      return true;
    }
    // What is lent must not be passed. Nobody but a member may ask, and none is beside a
    // node that lends: this holds even if that were not so.
    if (!this.#lending.recall()) return false;
    const claim = this.#reserve.ask(take.count, take.from);
    if (claim === undefined) return false;
    this.#claims.set(claim, served);
    return true;
  }

  #respond(served: Served, outcome: Settlement): void {
    const { from: to, to: from, process, id } = served.take;
    const given = outcome !== "leadership-lost";
    const { last, count } = given ? outcome : { last: 0n, count: 0 };
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
    const fresh: Process = { takes: new Map(), forgotten: 0 };
    this.#processes.set(name, fresh);
    return fresh;
  }
}

/** False when none of them is answered yet. */
function forgetOldest(process: Process): boolean {
  for (const [id, { response }] of process.takes) {
    if (response === undefined) continue;
    process.takes.delete(id);
    process.forgotten = Math.max(process.forgotten, id);
    return true;
  }
  return false;
}
