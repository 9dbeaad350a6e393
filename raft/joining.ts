// How a node that is started with --join comes into its cluster: it asks a member which
// cluster that is, asks to be let in, and asks again if it was removed while it was away.
// Not here: how a member is asked (`members/join.ts`), and what a start makes of it
// (`host.ts`).

import type { NodeOptions } from "./channel/messages.ts";
import type { Identity } from "./core/types.ts";
import { type AskOptions, clusterOf, joinCluster } from "./members/join.ts";
import type { Logger } from "../base/logger.ts";

/** Milliseconds for which a node that joined again does not join once more. */
const rejoinMillis = 10_000;

/** The dependencies of a node that joins. */
export type JoiningOptions = {
  readonly log: Logger;
  /** Ends all asking, with its reason. */
  readonly signal: AbortSignal;
  /** The members are about to be asked, which may take long. */
  readonly asking: () => void;
};

/** The way of one node into its cluster. */
export class Joining {
  readonly #node: NodeOptions;
  readonly #options: JoiningOptions;
  /** When the present or last asking began, by performance.now(). */
  #sinceMillis: number | undefined;
  /** When the node was last let in again, by performance.now(). */
  #rejoinedMillis = -Infinity;
  #isOver = false;

  constructor(node: NodeOptions, options: JoiningOptions) {
    this.#node = node;
    this.#options = options;
  }

  /** The node was started with --join. */
  get isWanted(): boolean {
    return this.#node.join.length > 0;
  }

  /** The node is let in, or had no need to be. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * The id of the cluster that --join leads to. `ours`: this node's identity, if its disk
   * has one.
   *
   * @throws {JoinError} If no member answers in time.
   * @throws {Error} If this node's data are of another cluster; or the signal's reason.
   */
  async cluster(ours: Identity | undefined): Promise<string> {
    const { join, directory } = this.#node;
    this.#options.asking();
    const { cluster } = await clusterOf(join, this.#askOptions);
    if (ours === undefined || ours.cluster === cluster) return cluster;
    throw new Error(
      `cannot join cluster ${cluster}: this node's data in ` +
        `${directory ?? "Deno KV"} is of cluster ${ours.cluster}; ` +
        `choose another --join or another --dir`,
    );
  }

  /**
   * Returns once the cluster has let the node in.
   *
   * @throws {JoinError} If no member agrees in time; or the signal's reason.
   */
  async join({ cluster, incarnation }: Identity): Promise<void> {
    const { id, advertise, join, nonvoter } = this.#node;
    this.#options.log("info", `joins cluster ${cluster}`);
    await joinCluster(join, {
      id,
      address: advertise,
      incarnation,
      cluster,
      nonvoter,
      ...this.#askOptions,
    });
    this.#isOver = true;
  }

  /** The node is a member: it need not be let in. */
  skip(): void {
    this.#isOver = true;
  }

  /**
   * To be called while the node knows that it is outside its cluster: asks to be let in
   * again, unless that is under way or was done a moment ago. Once let in, the node hears
   * from its log that it is a member, unless it is cut off before that.
   */
  again(identity: Identity, gaveUp: (error: unknown) => void): void {
    const now = performance.now();
    if (!this.isWanted || !this.#isOver) return;
    if (now - this.#rejoinedMillis < rejoinMillis) return;
    this.#isOver = false;
    this.#sinceMillis = undefined;
    this.#rejoin(identity).catch(gaveUp);
  }

  async #rejoin(identity: Identity): Promise<void> {
    await this.cluster(identity);
    await this.join(identity);
    this.#rejoinedMillis = performance.now();
  }

  /**
   * One time limit, `joinTimeoutMillis`, holds from the first question to the last answer. A
   * node that waited to found a cluster before it joins one has not asked yet.
   */
  get #askOptions(): AskOptions {
    const { log, signal } = this.#options;
    return {
      timeoutMillis: this.#node.joinTimeoutMillis,
      sinceMillis: this.#sinceMillis ??= performance.now(),
      log,
      signal,
      self: this.#node.clientListen,
    };
  }
}
