// The requests of all connections of an isolate for tickets, by sequence: a table of lanes
// (`lane.ts`), the limits that they share, their time, and the end of the turn, at which all
// that have something to ask post it. Knows neither isolates nor sockets, and has no clock but
// `tick()`: the simulator runs it as it stands.
//
// Lanes know nothing of each other: a sequence that many ask for never waits for another.

import type {
  Refusal,
  TakeAnswers,
  TakeOffers,
  TakeRequests,
} from "../../raft/channel/messages.ts";
import { assert } from "../../base/assert.ts";
import type { Range } from "../../base/range.ts";
import { Lane, type LaneShare } from "./lane.ts";
import type { TicketClient, TicketRequest } from "./ticket_request.ts";

/** Replies that may be awaited, of all connections; each stops reading at a limit of its own. */
export const ticketsWaitingMax = 2 ** 21;
/** Tickets of one sequence that may wait, those of blocks included: they are one take. */
export const laneTicketsMax = 2 ** 26;
/** Requests that may wait, of all connections. */
export const askersMax = 2 ** 17;
/** Lanes past which those that are idle are dropped. */
export const lanesMax = 2 ** 14;

/** The dependencies of a dispenser. */
export type DispenserOptions = {
  /** Asks the node; for each sequence one request is under way at most. */
  readonly requests: TakeRequests;
  /** Where the node finds the next take when it answers the last; needs no turn of ours. */
  readonly offers?: TakeOffers | undefined;
  /** Runs a task that makes several requests, which may then wake the node once. */
  readonly together?: ((task: () => void) => void) | undefined;
  /** Runs a task at the end of the turn: one take holds what all connections read in it. */
  readonly defer: (task: () => void) => void;
  /** Whether a take is posted again when its leader is lost, until its time is up. */
  readonly asksAgain: boolean;
  /** Milliseconds that a request may wait, for the text that says that they are over. */
  readonly timeoutMillis: number;
  /** Numbers dealt from now on might be wrong: the process must end. */
  readonly broken?: (error: unknown) => void;
};

const nothingLeft: Range = { last: 0n, count: 0 };

/** The dispenser of one isolate that serves clients. */
export class Dispenser implements TakeAnswers {
  readonly #options: DispenserOptions;
  readonly #share: LaneShare;
  /** The oldest first; those that were in use when they were to be dropped are young again. */
  readonly #lanes = new Map<string, Lane>();
  /** The lane that was named last: most requests follow one of the same sequence. */
  #newest: Lane | undefined;
  /** Those in which something waits, and some in which nothing does any more. */
  #listed: Lane[] = [];
  /** Those that post at the end of the turn. */
  #woken: Lane[] = [];
  #beganToWait: () => void = () => {};

  constructor(options: DispenserOptions) {
    this.#options = options;
    const { requests, offers, asksAgain, timeoutMillis } = options;
    this.#share = {
      requests,
      offers,
      asksAgain,
      timeoutMillis,
      ticks: 0,
      waiting: 0,
      replies: 0,
      askers: 0,
      isClosed: false,
      waits: (lane) => this.#waits(lane),
      wake: (lane) => this.#wake(lane),
    };
  }

  /** Tickets asked for and not yet answered. */
  get waiting(): number {
    return this.#share.waiting;
  }

  /** Whether a request of `name` to the node is under way. */
  isAsking(name: string): boolean {
    return this.#lanes.get(name)?.isAsking ?? false;
  }

  /** For tests: lanes that are kept. */
  get lanes(): number {
    return this.#lanes.size;
  }

  /** Calls `began` when requests begin to wait. Until none waits, `tick()` is to be called. */
  onWait(began: () => void): void {
    this.#beganToWait = began;
  }

  /** Whether this may be asked for; if not, the client is to be told BUSY. */
  hasRoom(
    name: string,
    { count, isBlock }: Pick<TicketRequest, "count" | "isBlock">,
  ): boolean {
    return this.#hasRoom(this.#find(name), { count, isBlock });
  }

  #hasRoom(
    lane: Lane | undefined,
    { count, isBlock }: Pick<TicketRequest, "count" | "isBlock">,
  ): boolean {
    const { replies, askers } = this.#share;
    return askers < askersMax &&
      replies + (isBlock ? 1 : count) <= ticketsWaitingMax &&
      count + (lane?.waiting ?? 0) <= laneTicketsMax;
  }

  /**
   * Asks for tickets of the sequence `name`, for which there is room. Numbers that are lent are
   * granted within the call.
   *
   * @throws whatever went wrong, once `broken` has been told
   */
  take(name: string, client: TicketClient, request: TicketRequest): void {
    try {
      assert(request.count > 0, `${request.count} tickets asked for`);
      const lane = this.#find(name) ?? this.#open(name);
      assert(this.#hasRoom(lane, request), `no room for ${request.count} more`);
      lane.take(client, request);
    } catch (error) {
      // A client guards itself: what fails here is common to all, and may deal a number twice.
      this.#options.broken?.(error);
      throw error;
    }
  }

  /** The node gave the tickets of a `Range`: as many as the take asked for, or more. */
  taken(name: string, last: bigint, count: number): void {
    this.#lane(name).taken(last, count);
  }

  /** The node gives nothing for the take of `name` that is under way. */
  refused(name: string, reason: Refusal): void {
    this.#lane(name).refused(reason);
  }

  /** The node lends the tickets of a `Range`, for which it was asked. */
  lent(name: string, last: bigint, count: number): void {
    this.#lane(name).lent(last, count);
  }

  /** The node lends no more of `name`. */
  nothingLent(name: string): void {
    this.#lane(name).nothingLent();
  }

  /** The node recalls the loan of `name`: returns the part that was not dealt. */
  recall(name: string): Range {
    return this.#lanes.get(name)?.recall() ?? nothingLeft;
  }

  /** Ends all loans; returns how many tickets were not dealt. For a simulator, at the end. */
  recallAll(): number {
    let count = 0;
    for (const lane of this.#lanes.values()) count += lane.recall().count;
    return count;
  }

  /**
   * One part in `ticksPerTimeout` of the time that requests may wait has passed. A request
   * is told that its time is up at most one part late.
   */
  tick(): void {
    this.#share.ticks++;
    this.#tidyList();
    for (const lane of this.#listed) lane.tick();
  }

  /** The process ends: all that wait are told so, and nothing more is posted. */
  close(): void {
    this.#share.isClosed = true;
    for (const lane of this.#listed) lane.close();
  }

  #find(name: string): Lane | undefined {
    if (this.#newest?.name === name) return this.#newest;
    const lane = this.#lanes.get(name);
    if (lane !== undefined) this.#newest = lane;
    return lane;
  }

  #lane(name: string): Lane {
    const lane = this.#find(name);
    assert(lane !== undefined, `${name} is answered, and nobody asked`);
    return lane;
  }

  #open(name: string): Lane {
    const idle = this.#dropIdle();
    idle?.reuse(name);
    const lane = idle ?? new Lane(name, this.#share);
    this.#lanes.set(name, lane);
    return this.#newest = lane;
  }

  /** Drops one or two lanes that are idle, if there are many; the last of them. */
  #dropIdle(): Lane | undefined {
    let idle: Lane | undefined;
    for (const [name, lane] of this.#lanes) {
      if (this.#lanes.size < lanesMax) break;
      this.#lanes.delete(name);
      if (this.#newest === lane) this.#newest = undefined;
      if (!lane.isIdle) {
        this.#lanes.set(name, lane);
        break;
      }
      idle = lane;
    }
    return idle;
  }

  #waits(lane: Lane): void {
    if (this.#share.waiting === 0) this.#beganToWait();
    if (lane.isListed) return;
    if (this.#listed.length >= 2 * lanesMax) this.#tidyList();
    lane.isListed = true;
    this.#listed.push(lane);
  }

  /** Takes the lanes off the list in which nothing waits. */
  #tidyList(): void {
    this.#listed = this.#listed.filter((lane) => {
      lane.isListed = lane.waiting > 0;
      return lane.isListed;
    });
  }

  #wake(lane: Lane): void {
    this.#woken.push(lane);
    if (this.#woken.length > 1) return;
    this.#options.defer(() => {
      const woken = this.#woken;
      this.#woken = [];
      if (woken.length === 1) return woken[0]?.endTurn();
      const { together = runNow } = this.#options;
      together(() => {
        for (const lane of woken) lane.endTurn();
      });
    });
  }
}

function runNow(task: () => void): void {
  task();
}
