// The takes of this node's own clients. Each is of one sequence, and is answered by itself; the
// takes of one isolate and one sequence follow each other (`channel/messages.ts`).
//
//   waiting ──▶ claimed ───▶ answered              (this node leads)
//      │  └───▶ forwarded ─▶ answered              (another node leads: `forwarded_takes.ts`)
//      └ no leader is known, a leader is handing over, or a recalled loan is on its way back
//
// On a node that belongs to no cluster nothing waits: every take is refused at once. When the
// leader that was asked is lost, the take is refused; the dispenser decides whether to ask again.

import { assert, present } from "../../base/assert.ts";
import type {
  DoorId,
  Forwarding,
  FromNode,
  Refusal,
  TakeRequest,
} from "../channel/messages.ts";
import type { Raft } from "../core/raft.ts";
import type { TakeResponse } from "../core/types.ts";
import type { Settled } from "./claim.ts";
import {
  ForwardedTakes,
  type ForwardedTakesOptions,
  type OwnTake,
} from "./forwarded_takes.ts";
import type { Lending } from "./lending.ts";
import type { Reserve } from "./reserve.ts";
import { takeRefusalOf } from "./served_takes.ts";

/** The dependencies of a node's own takes. */
export type OwnTakesOptions = Omit<ForwardedTakesOptions, "answer"> & {
  readonly forward: Forwarding;
  readonly post: (message: FromNode) => void;
  /** Where the leader serves clients; empty when that is not known. */
  readonly leaderClient: () => string;
};

/** The takes of all isolates that serve this node's clients. */
export class OwnTakes {
  readonly #raft: Raft;
  readonly #reserve: Reserve;
  readonly #lending: Lending;
  readonly #options: OwnTakesOptions;
  readonly #forwarded: ForwardedTakes;
  /** Those that nobody was asked for yet. */
  #waiting: OwnTake[] = [];
  /** Those that are settled, until the next pump. */
  #settled: (readonly [OwnTake, bigint | Refusal])[] = [];

  constructor(
    raft: Raft,
    { reserve, lending }: {
      readonly reserve: Reserve;
      readonly lending: Lending;
    },
    options: OwnTakesOptions,
  ) {
    this.#raft = raft;
    this.#reserve = reserve;
    this.#lending = lending;
    this.#options = options;
    this.#forwarded = new ForwardedTakes(raft, {
      ...options,
      answer: (take, outcome) => this.#settled.push([take, outcome]),
    });
  }

  /** Whether a take waits for anything but the reserve. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0 || this.#settled.length > 0 ||
      this.#forwarded.isWaiting;
  }

  /** Isolate `door` asks. */
  ask(door: DoorId, request: TakeRequest): void {
    const { name, rest } = request;
    this.#lending.asked(name, rest);
    const take = { door, request };
    if (!this.#begin(take)) this.#waiting.push(take);
  }

  /** Refuses a take of isolate `door`. */
  refuse(door: DoorId, request: TakeRequest): void {
    this.#lending.asked(request.name, request.rest);
    this.#answer({ door, request }, "not-leader");
  }

  /** The reserve has settled the claim of a take. */
  settled({ claim, settlement }: Settled): void {
    const { door, parts: [part] } = claim;
    assert(door !== undefined && part !== undefined, "a claim of no isolate");
    const { name } = part;
    const { post } = this.#options;
    if (settlement.type === "given") {
      const { last, count } = present(settlement.parts[0]);
      if (count > part.count) this.#lending.lent(name, last);
      // At once: the loan in this answer may be recalled in the next moment.
      return post({ type: "taken", door, name, last, count });
    }
    const reason = settlement.type === "refused"
      ? takeRefusalOf(settlement.reason)
      : "leadership-lost";
    post({ type: "refused", door, name, reason });
  }

  /** The node to which takes were forwarded answers. */
  answered(response: TakeResponse): void {
    this.#forwarded.answered(response);
  }

  /** Sends takes again that have waited for an election timeout. */
  tick(): void {
    this.#forwarded.tick();
  }

  /** Carries each take as far as it goes now, and answers those that are settled. */
  pump(): void {
    if (this.#waiting.length > 0) {
      this.#waiting = this.#waiting.filter((take) => !this.#begin(take));
      this.#forward();
    }
    this.#forwarded.pump();
    if (this.#settled.length === 0) return;
    for (const [take, outcome] of this.#settled.splice(0)) {
      this.#answer(take, outcome);
    }
  }

  /** The node ends: every take that is no claim is answered now. */
  stop(): void {
    this.#forwarded.stop();
    const takes = this.#waiting.splice(0);
    for (const [take, outcome] of this.#settled.splice(0)) {
      this.#answer(take, outcome);
    }
    for (const take of takes) this.#answer(take, "leadership-lost");
  }

  /** Returns false if the take has to wait. */
  #begin(take: OwnTake): boolean {
    const { door, request } = take;
    // Its numbers would be above those of the loan, which the isolate may still deal.
    if (this.#lending.isRecalling(request.name)) return false;
    const claim = this.#reserve.ask({
      kind: "own",
      parts: [request],
      door,
      asker: undefined,
    });
    if (claim !== undefined) return true;
    const refusal = this.#refusalOf();
    if (refusal === undefined) return false;
    this.#settled.push([take, refusal]);
    return true;
  }

  /** Asks the leader for all takes that wait, at once. */
  #forward(): void {
    // A leader that gives nothing is handing over.
    if (this.#options.forward !== "yes" || this.#raft.role === "leader") return;
    const ready: OwnTake[] = [];
    const held: OwnTake[] = [];
    for (const take of this.#waiting) {
      const isHeld = this.#lending.isRecalling(take.request.name);
      (isHeld ? held : ready).push(take);
    }
    if (ready.length > 0 && this.#forwarded.ask(ready)) this.#waiting = held;
  }

  /** Why a node that gives no numbers refuses takes; `undefined` if they go on, or wait. */
  #refusalOf(): Refusal | undefined {
    const { forward, isOut, leaderClient } = this.#options;
    if (forward === "no") return "not-leader";
    if (this.#raft.role === "leader") return undefined;
    if (isOut()) return "no-cluster";
    const movedTo = forward === "moved" ? leaderClient() : "";
    return movedTo === "" ? undefined : { movedTo };
  }

  #answer({ door, request }: OwnTake, outcome: bigint | Refusal): void {
    const { post } = this.#options;
    const { name, count } = request;
    if (typeof outcome === "bigint") {
      post({ type: "taken", door, name, last: outcome, count });
    } else post({ type: "refused", door, name, reason: outcome });
  }
}
