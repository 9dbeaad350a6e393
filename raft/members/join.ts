// How a new node asks the members of a cluster to add it. It speaks RESP to their client
// addresses, which --join names. Any member will do: each forwards the request to its
// leader. A failure that passes by itself (no leader, another change under way, nobody
// listening yet) is retried until the time is up. An error that begins with "cannot join"
// is final.
//
//   RAFT.CLUSTER                       → [cluster id, host that the request came from]
//   RAFT.JOIN id address incarnation cluster [nonvoter]   → OK, however often it is asked

import { parseAddress } from "../../base/address.ts";
import { isShortText } from "../../base/bytes.ts";
import type { Logger } from "../../base/logger.ts";
import { type Reply, tryRequest } from "../../base/resp_client.ts";
import type { NodeId } from "../core/types.ts";

/** Milliseconds of the first pause after all members were asked; later ones are longer. */
const retryMinMillis = 50;
/** Milliseconds that the pauses double up to. */
const retryMaxMillis = 1000;
/** Milliseconds for one request: the leader may have to commit another change first. */
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
  const reply = await ask(addresses, ["RAFT.CLUSTER"], {
    ...options,
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
  await ask(addresses, nonvoter ? [...words, "nonvoter"] : words, {
    ...options,
    isAnswer: (reply) => reply === "OK",
  });
}

type Question = AskOptions & {
  /** Whether this reply answers the question; if not, the next member is asked. */
  isAnswer: (reply: Reply) => boolean;
};

/** The outcome of one request to one member. */
type Attempt =
  | { readonly type: "answer"; readonly reply: Reply }
  | { readonly type: "retry"; readonly reason: string };

/** Asks one member after the other, again and again, until an answer or the deadline. */
async function ask(
  addresses: readonly string[],
  words: readonly string[],
  question: Question,
): Promise<Reply> {
  const { timeoutMillis, log, signal, random = Math.random } = question;
  const { sinceMillis = performance.now() } = question;
  const deadlineMillis = sinceMillis + timeoutMillis;
  const leftMillis = () => deadlineMillis - performance.now();
  const failures = new Map<string, string>();
  let pauseMillis = retryMinMillis;
  for (;;) {
    for (const address of addresses) {
      signal?.throwIfAborted();
      const millis = Math.min(leftMillis(), requestMillisMax);
      if (millis <= 0) break;
      const attempt = await askOne(address, words, { ...question, millis });
      if (attempt.type === "answer") return attempt.reply;
      if (failures.get(address) !== attempt.reason) {
        failures.set(address, attempt.reason);
        log("info", `waiting to join through ${address}: ${attempt.reason}`);
      }
    }
    const millis = pauseMillis * (0.5 + random() / 2);
    if (leftMillis() <= millis) break;
    await pause(millis, signal);
    pauseMillis = Math.min(2 * pauseMillis, retryMaxMillis);
  }
  const tried = [...failures].map(([address, why]) => `${address} (${why})`);
  throw new JoinError(
    `cannot join a cluster: no member agreed within ${
      timeoutMillis / 1000
    } s; ` +
      `tried ${tried.join(", ")}; check --join`,
  );
}

/** @throws {JoinError} if the answer is a final no, or `text` is no address */
async function askOne(
  text: string,
  words: readonly string[],
  { isAnswer, millis, signal }: Question & { millis: number },
): Promise<Attempt> {
  const address = parseAddress(text);
  if (address === undefined) {
    throw new JoinError(
      `cannot join a cluster: "${text}" is no address; use HOST:PORT`,
    );
  }
  const result = await tryRequest(address, words, { millis, signal });
  if (result.type === "failure") {
    signal?.throwIfAborted();
    return { type: "retry", reason: result.reason };
  }
  const { reply } = result;
  if (isAnswer(reply)) return { type: "answer", reply };
  if (reply instanceof Error && /^ERR cannot join/.test(reply.message)) {
    throw new JoinError(`${reply.message.slice(4)} (said ${text})`);
  }
  const reason = reply instanceof Error ? reply.message : "a strange answer";
  return { type: "retry", reason };
}

/** Returns after `millis`, or as soon as the signal comes. */
async function pause(millis: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, millis);
  const stop = () => resolve();
  signal?.addEventListener("abort", stop);
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener("abort", stop);
}
