// Groups that other nodes forward to this one, because they believe it leads. Those of one
// Forward are carried out once, however often it arrives, and answered together. What was not
// carried out when the term ends is answered with `not-leader`, for that node to ask elsewhere.
// While leadership is being handed over groups wait, because the transfer may fail.
//
// A process numbers its Forwards: one isolate of one run of another node, which has one of them
// under way at a time. So the newest is remembered with its answer. One that is older was
// answered or given up there and is ignored; so a Forward that the network held back cannot undo
// what its own client has done since.

import { encodeOutcomes } from "../channel/operation_codec.ts";
import type { GroupOutcome } from "../channel/operations.ts";
import type { Raft } from "../core/raft.ts";
import type { Forward, ForwardResponse, Term } from "../core/types.ts";
import { Batch, errorOf } from "./group_batch.ts";
import { decodeForwarded } from "./group_forward.ts";
import { beginLed } from "./group_begin.ts";
import type { GroupsLed } from "./groups_led.ts";

/** Forwards without an answer, of one process: it may have given some of them up. */
const openMax = 64;
/** Processes remembered. */
const processesMax = 512;

const notLeader: GroupOutcome = { type: "not-leader" };

type Served = {
  readonly ends: Pick<Forward, "from" | "to" | "id">;
  readonly term: Term;
  readonly process: Process;
  readonly batch: Batch;
  /** Ticks until the asker has given it up. */
  ticksLeft: number;
  /** `undefined` until all groups are answered. */
  response: Uint8Array | undefined;
};

type Process = {
  /** The newest, and those before it that have no answer yet; by id. */
  readonly remembered: Map<number, Served>;
  /** The highest id that has come. */
  newest: number;
};

/** The dependencies of served groups. */
export type GroupsServedOptions = {
  readonly send: (message: ForwardResponse) => void;
  /** Ticks after which the node that asked has given a Forward up, if it counts as this one. */
  readonly ticksMax: number;
};

/** The groups that other nodes forward, and their answers. */
export class GroupsServed {
  readonly #raft: Raft;
  readonly #led: GroupsLed;
  readonly #options: GroupsServedOptions;
  /** By sender and process number; the one that was silent longest comes first. */
  readonly #processes = new Map<string, Process>();
  /** Those without their answer. */
  readonly #open = new Set<Served>();
  /** Those of which nothing is under way any more, since the last look. */
  readonly #idle: Served[] = [];

  constructor(
    raft: Raft,
    led: GroupsLed,
    options: GroupsServedOptions,
  ) {
    this.#raft = raft;
    this.#led = led;
    this.#options = options;
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
    const known = process.remembered.get(id);
    if (known !== undefined) {
      if (known.response !== undefined) this.#respond(ends, known.response);
      return true;
    }
    if (id <= process.newest) return true;
    if (!makeRoom(process)) return true; // it is sent again
    process.newest = id;
    const batch = new Batch(groups);
    const served: Served = {
      ...{ ends, term, process, batch, response: undefined },
      ticksLeft: this.#options.ticksMax,
    };
    process.remembered.set(id, served);
    this.#open.add(served);
    this.#advance(served);
    return true;
  }

  /** To be called after each claim of a group that is settled. */
  goOn(): void {
    for (const served of this.#idle.splice(0)) this.#advance(served);
  }

  /** Gives up what nobody waits for any more: it would hold up what others ask. */
  tick(): void {
    for (const served of this.#open) {
      if (--served.ticksLeft > 0) continue;
      const why = "the leader did not come to it in time";
      served.batch.settleAll((placed) => errorOf(why, placed));
      this.#finish(served);
    }
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
    if (ends.id < process.newest) process.remembered.delete(ends.id);
    this.#respond(ends, served.response);
  }

  #respond(
    { from: to, to: from, id }: Served["ends"],
    data: Uint8Array,
  ): void {
    this.#options.send({ type: "ForwardResponse", from, to, id, data });
  }

  #processOf(name: string): Process {
    const known = this.#processes.get(name);
    const process = known ?? { remembered: new Map(), newest: 0 };
    this.#processes.delete(name); // it comes last
    const [silent] = this.#processes.keys();
    if (this.#processes.size >= processesMax && silent !== undefined) {
      this.#processes.delete(silent);
    }
    this.#processes.set(name, process);
    return process;
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

/** Forgets what is answered, because a newer one has come; false if too many are open. */
function makeRoom({ remembered }: Process): boolean {
  for (const [id, { response }] of remembered) {
    if (response !== undefined) remembered.delete(id);
  }
  return remembered.size < openMax;
}
