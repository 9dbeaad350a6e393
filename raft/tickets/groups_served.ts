// Groups that other nodes forward to this one, because they believe it leads. Those of one
// Forward are carried out once, however often it arrives, and answered together. What was not
// carried out when the term ends is answered with `not-leader`, for that node to ask elsewhere.
// While leadership is being handed over groups wait, because the transfer may fail.
//
// A process, one run of another node, numbers its Forwards. The last of each process are
// remembered with their answers, as long as these are not too large together. One that is older
// was answered long ago and is ignored; so a Forward that the network held back cannot undo what
// its own client has done since.

import { encodeOutcomes } from "../channel/operation_codec.ts";
import type { GroupOutcome } from "../channel/operations.ts";
import type { Raft } from "../core/raft.ts";
import type { Forward, ForwardResponse, Term } from "../core/types.ts";
import { Batch } from "./group_batch.ts";
import { decodeForwarded } from "./group_forward.ts";
import { beginLed, type GroupsLed } from "./groups_led.ts";

/** Forwards remembered of one process, which has one under way for each of its isolates. */
const rememberedMax = 64;
/** Bytes of their answers; the newest is remembered in any case. */
const rememberedBytesMax = 4 * 1024 * 1024;
/** Processes remembered. */
const processesMax = 128;

const notLeader: GroupOutcome = { type: "not-leader" };

type Served = {
  readonly ends: Pick<Forward, "from" | "to" | "id">;
  readonly term: Term;
  readonly process: Process;
  readonly batch: Batch;
  /** `undefined` until all groups are answered. */
  response: Uint8Array | undefined;
};

type Process = {
  /** By id, the oldest first. */
  readonly remembered: Map<number, Served>;
  /** Bytes of the responses. */
  bytes: number;
  /** The highest id that is not remembered any more. */
  forgotten: number;
};

/** The groups that other nodes forward, and their answers. */
export class GroupsServed {
  readonly #raft: Raft;
  readonly #led: GroupsLed;
  readonly #send: (message: ForwardResponse) => void;
  /** By sender and process number, the oldest first. */
  readonly #processes = new Map<string, Process>();
  /** Those without their answer. */
  readonly #open = new Set<Served>();
  /** Those of which nothing is under way any more, since the last look. */
  readonly #idle: Served[] = [];

  constructor(
    raft: Raft,
    led: GroupsLed,
    send: (message: ForwardResponse) => void,
  ) {
    this.#raft = raft;
    this.#led = led;
    this.#send = send;
  }

  /** Whether any group waits for its outcome. */
  get isWaiting(): boolean {
    return this.#open.size > 0;
  }

  /** Another node asks. Returns false if it asks something else. */
  asked({ from, to, id, data }: Forward): boolean {
    const found = decodeForwarded(data);
    if (found === undefined) return false;
    const ends = { from, to, id };
    const { term, groups } = found;
    if (groups === undefined) {
      this.#respond(ends, encodeOutcomes([unreadable]));
      return true;
    }
    const process = this.#processOf(`${from} ${found.process}`);
    if (id <= process.forgotten) return true;
    const known = process.remembered.get(id);
    if (known !== undefined) {
      if (known.response !== undefined) this.#respond(ends, known.response);
      return true;
    }
    if (!makeRoom(process)) return true; // it is sent again
    const batch = new Batch(groups);
    const served: Served = { ends, term, process, batch, response: undefined };
    process.remembered.set(id, served);
    this.#open.add(served);
    this.#advance(served);
    return true;
  }

  /** To be called after each claim of a group that is settled. */
  goOn(): void {
    for (const served of this.#idle.splice(0)) this.#advance(served);
  }

  /** To be called after every input: a hand-over may have ended, or the term. */
  pump(): void {
    for (const served of this.#open) this.#advance(served);
  }

  /** The node ends: every group is answered now. */
  stop(): void {
    for (const served of this.#open) {
      served.batch.settleAll(({ traits, isTried }) =>
        traits.isRepeatable || !isTried ? notLeader : lost
      );
      this.#finish(served);
    }
  }

  #advance(served: Served): void {
    const { batch, term } = served;
    const { role, currentTerm } = this.#raft;
    if (role === "leader" && term === currentTerm) {
      beginLed(batch, this.#led, () => {
        this.#finish(served);
        if (!batch.isUnderWay) this.#idle.push(served);
      });
    } else if (!batch.isUnderWay) batch.settleWaiting(() => notLeader);
    this.#finish(served);
  }

  /** Responds, if all is answered. */
  #finish(served: Served): void {
    const { batch, process, ends } = served;
    if (!batch.isAnswered || !this.#open.delete(served)) return;
    served.response = encodeOutcomes(batch.outcomes);
    process.bytes += served.response.length;
    while (process.bytes > rememberedBytesMax) {
      if (!forgetOldest(process, served)) break;
    }
    this.#respond(ends, served.response);
  }

  #respond(
    { from: to, to: from, id }: Served["ends"],
    data: Uint8Array,
  ): void {
    this.#send({ type: "ForwardResponse", from, to, id, data });
  }

  #processOf(name: string): Process {
    const known = this.#processes.get(name);
    if (known !== undefined) return known;
    const [oldest] = this.#processes.keys();
    if (this.#processes.size >= processesMax && oldest !== undefined) {
      this.#processes.delete(oldest);
    }
    const fresh: Process = { remembered: new Map(), bytes: 0, forgotten: 0 };
    this.#processes.set(name, fresh);
    return fresh;
  }
}

const lost: GroupOutcome = {
  type: "error",
  text: "the leader is stopping; whether it was done is not known",
};

const unreadable: GroupOutcome = {
  type: "error",
  text: "the leader cannot read these operations; nothing was done",
};

function makeRoom(process: Process): boolean {
  return process.remembered.size < rememberedMax || forgetOldest(process);
}

/** Forgets the oldest that is answered, but not `kept`; returns false if there is none. */
function forgetOldest(process: Process, kept?: Served): boolean {
  for (const [id, served] of process.remembered) {
    if (served.response === undefined || served === kept) continue;
    process.remembered.delete(id);
    process.bytes -= served.response.length;
    process.forgotten = Math.max(process.forgotten, id);
    return true;
  }
  return false;
}
