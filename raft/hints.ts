// Where members may be that are not at their configured addresses: asks every address of
// --join, and every address behind each name there, which node is there and where it wants to
// be dialled (RAFT.NODE). The answers are hints: a wrong one costs a dial that fails, because
// a handshake has to prove the member's disk (`net/dialler.ts`). Nothing is remembered. Not
// here: how a new node joins (`joining.ts`).

import {
  type Address,
  completedAddress,
  faultToDial,
  formatAddress,
  parseAddress,
} from "../base/address.ts";
import { isNodeId, isShortText } from "../base/bytes.ts";
import type { Logger } from "../base/logger.ts";
import { type Lookup, resolve } from "../base/resolve.ts";
import { type Reply, tryRequest } from "../base/resp_client.ts";
import type { NodeId } from "./core/types.ts";

/** Milliseconds between two rounds at first; they double while hints are wanted … */
const pauseMillisMin = 500;
/** … up to this. */
const pauseMillisMax = 5000;
/** Milliseconds after which hints that are wanted again are asked for as at first. */
const restMillis = 15_000;
/** Milliseconds for one question, or for the addresses of one name. */
const askMillisMax = 2000;
/** Addresses of one name that are asked: a cluster has no more members. */
const addressesMax = 64;

/** The dependencies of the hints of one node. */
export type HintsOptions = {
  /** Client addresses of members, `HOST:PORT`; none: there are no hints. */
  readonly addresses: readonly string[];
  /** Node `id` may be at the raft address `address`. */
  readonly found: (id: NodeId, address: string) => void;
  readonly log: Logger;
  /** Ends all asking. */
  readonly signal: AbortSignal;
  /** Left out: those of the system. */
  readonly ask?: typeof tryRequest;
  readonly lookup?: Lookup;
  /** Milliseconds of a monotonic clock; performance.now() when left out. */
  readonly now?: () => number;
};

/** Asks for hints, no more often than that helps. */
export class Hints {
  readonly #options: HintsOptions;
  readonly #now: () => number;
  #isAsking = false;
  /** When hints were asked for last, by `now`. */
  #askedMillis = -Infinity;
  #pauseMillis = pauseMillisMin;

  constructor(options: HintsOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Some member cannot be found: begins a round, unless one is under way or was just now. */
  wanted(): void {
    const { addresses, signal } = this.#options;
    if (addresses.length === 0 || this.#isAsking || signal.aborted) return;
    const quietMillis = this.#now() - this.#askedMillis;
    if (quietMillis >= restMillis) this.#pauseMillis = pauseMillisMin;
    else if (quietMillis < this.#pauseMillis) return;
    else this.#pauseMillis = Math.min(2 * this.#pauseMillis, pauseMillisMax);
    this.#isAsking = true;
    void this.#askAll();
  }

  async #askAll(): Promise<void> {
    const { addresses } = this.#options;
    await Promise.all(addresses.map((text) => this.#askBehind(text)));
    this.#isAsking = false;
    this.#askedMillis = this.#now();
  }

  /** Asks every address that `text` stands for. */
  async #askBehind(text: string): Promise<void> {
    const { log, lookup, signal } = this.#options;
    const named = parseAddress(text);
    if (named === undefined) return;
    try {
      const found = await resolve(named, {
        ...lookup === undefined ? {} : { lookup },
        signal,
        millis: askMillisMax,
      });
      const asked = found.slice(0, addressesMax);
      await Promise.all(asked.map((address) => this.#ask(address)));
    } catch {
      log("debug", `no hint from ${text}: the name has no address now`);
    }
  }

  async #ask(address: Address): Promise<void> {
    const { ask = tryRequest, log, signal, found } = this.#options;
    const options = { millis: askMillisMax, signal };
    const result = await ask(address, ["RAFT.NODE"], options);
    if (signal.aborted) return;
    const hint = result.type === "reply"
      ? hintIn(result.reply, address)
      : undefined;
    if (hint !== undefined) return found(hint.id, hint.address);
    const why = result.type === "failure" ? result.reason : "a strange answer";
    log("debug", `no hint from ${formatAddress(address)}: ${why}`);
  }
}

/**
 * The node that answered RAFT.NODE at `address`, and its raft address; `undefined` if the
 * reply is no such answer. A host that it leaves out is that at which it answered.
 */
export function hintIn(
  reply: Reply,
  { host }: Address,
): { readonly id: NodeId; readonly address: string } | undefined {
  if (!Array.isArray(reply) || reply.length !== 4) return undefined;
  const [idName, id, addressName, raft] = reply;
  if (idName !== "id" || addressName !== "address") return undefined;
  if (typeof id !== "string" || !isNodeId(id)) return undefined;
  if (typeof raft !== "string" || !isShortText(raft)) return undefined;
  const address = completedAddress(raft, host);
  return faultToDial(address) === undefined ? { id, address } : undefined;
}
