// How a new node asks the members of a cluster to add it. It speaks RESP to their client
// addresses, which --join names. Any member will do: each forwards the request to its
// leader. Whatever else answers is asked again until the time is up, for it may pass: no leader,
// another change under way, nobody listening yet. An error that begins with "cannot join" is
// final. Not here: one question (`join_question.ts`), and obstacles in words
// (`join_obstacles.ts`).
//
//   RAFT.CLUSTER                       → [cluster id, host that the request came from]
//   RAFT.JOIN id address incarnation cluster [nonvoter]   → OK, however often it is asked

import { type Address, parseAddress } from "../../base/address.ts";
import { isShortText } from "../../base/bytes.ts";
import type { Logger } from "../../base/logger.ts";
import { pause } from "../../base/pause.ts";
import type { Lookup } from "../../base/resolve.ts";
import type { Reply } from "../../base/resp_client.ts";
import type { NodeId } from "../core/types.ts";
import { JoinLog } from "./join_log.ts";
import { givenUpText } from "./join_obstacles.ts";
import { askAddress, type Question } from "./join_question.ts";

/** Milliseconds of the first pause after all members were asked; later ones are longer. */
const retryMinMillis = 50;
/** Milliseconds that the pauses double up to. */
const retryMaxMillis = 1000;
/** Milliseconds for RAFT.CLUSTER, which each member answers by itself. */
const questionMillisMax = 3_000;
/** Milliseconds for RAFT.JOIN: the leader may have to commit another change first. */
const requestMillisMax = 10_000;

/** How members are asked, and for how long. */
export type AskOptions = {
  /** Milliseconds in all, with every retry. */
  readonly timeoutMillis: number;
  /** When that time began, by `performance.now()`; now when left out. */
  readonly sinceMillis?: number;
  readonly log: Logger;
  /** Ends the waiting; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** A number in [0, 1), which spreads the retries; `Math.random` when left out. */
  readonly random?: () => number;
  /** Where this node serves clients itself: it must not ask itself. */
  readonly self?: Address | undefined;
  /** The system's resolver when left out. */
  readonly lookup?: Lookup;
};

/** The node that is to be added. */
export type JoinOptions = AskOptions & {
  readonly id: NodeId;
  /** Where other nodes are to dial this one; the members fill in a host that is missing. */
  readonly address: string;
  /** Of this node's data directory: 16 hex digits. */
  readonly incarnation: string;
  /** As {@linkcode clusterOf} found it. */
  readonly cluster: string;
  /** Whether it is to have no vote; false when left out. */
  readonly nonvoter?: boolean;
};

/** No cluster has added this node, and retrying will not help; `message` says why. */
export class JoinError extends Error {
  override readonly name = "JoinError";
}

/**
 * Asks the members at `addresses` (where they serve clients, `HOST:PORT`) for the id of
 * their cluster, and for the host that this node's connection comes from (`via`).
 *
 * @throws {JoinError} if none answers in time, or an address is none; the signal's reason
 */
export async function clusterOf(
  addresses: readonly string[],
  options: AskOptions,
): Promise<{ cluster: string; via: string }> {
  const reply = await ask(addresses, options, {
    words: ["RAFT.CLUSTER"],
    requestMillisMax: questionMillisMax,
    isAnswer: (reply) =>
      Array.isArray(reply) && reply.length === 2 &&
      reply.every((part) =>
        typeof part === "string" && part !== "" && isShortText(part)
      ),
  });
  const [cluster, via] = Array.isArray(reply) ? reply : [];
  return { cluster: String(cluster), via: String(via) };
}

/**
 * Asks the members at `addresses` (where they serve clients, `HOST:PORT`) to add this node,
 * and returns when it is added.
 *
 * @throws {JoinError} if a member refuses for good, none agrees in time, or an address is
 * none; the signal's reason
 */
export async function joinCluster(
  addresses: readonly string[],
  options: JoinOptions,
): Promise<void> {
  const { id, address, incarnation, cluster, nonvoter } = options;
  const words = ["RAFT.JOIN", id, address, incarnation, cluster];
  await ask(addresses, options, {
    words: nonvoter ? [...words, "nonvoter"] : words,
    requestMillisMax,
    isAnswer: (reply) => reply === "OK",
  });
}

/** What is asked, and how long each member may take to answer. */
type Asking = Pick<Question, "words" | "isAnswer"> & {
  readonly requestMillisMax: number;
};

/** Asks one member after the other, again and again, until an answer or the deadline. */
async function ask(
  addresses: readonly string[],
  options: AskOptions,
  { requestMillisMax, ...asking }: Asking,
): Promise<Reply> {
  const { timeoutMillis, signal, random = Math.random } = options;
  const { sinceMillis = performance.now() } = options;
  const deadlineMillis = sinceMillis + timeoutMillis;
  const leftMillis = () => deadlineMillis - performance.now();
  const waiting = new JoinLog({ log: options.log, sinceMillis });
  let pauseMillis = retryMinMillis;
  for (;;) {
    for (const address of addresses) {
      signal?.throwIfAborted();
      const millis = Math.min(Math.ceil(leftMillis()), requestMillisMax);
      if (millis <= 0) break;
      const question = { ...options, ...asking, millis };
      waiting.asks(address);
      const attempt = await askAddress(
        checked(address),
        question,
        (at, obstacle) => {
          const isCut = obstacle.type === "silent" && millis < requestMillisMax;
          waiting.met(address, { at, obstacle, isCut });
        },
      );
      if (attempt.type === "answer") return attempt.reply;
      if (attempt.type === "refused") {
        throw new JoinError(`${attempt.text} (said ${address})`);
      }
    }
    waiting.asked();
    const millis = pauseMillis * (0.5 + random() / 2);
    if (leftMillis() <= millis) break;
    await pause(millis, signal);
    pauseMillis = Math.min(2 * pauseMillis, retryMaxMillis);
  }
  throw new JoinError(givenUpText(waiting.obstacles, timeoutMillis / 1000));
}

/** @throws {JoinError} If `text` is no address. */
function checked(text: string): string {
  if (parseAddress(text) !== undefined) return text;
  throw new JoinError(
    `cannot join a cluster: "${text}" is no address; use HOST:PORT`,
  );
}
