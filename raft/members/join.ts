// How a new node asks the members of a cluster to take it in. It speaks RESP to their
// client addresses, as --join names them; any member will do, for each passes the
// request on to the leader. What passes by itself (no leader, another change under way,
// nobody listening yet) is tried again until the time is up; a "cannot join" is final.
//
//   RAFT.CLUSTER                                  → [cluster id, host that we come from]
//   RAFT.JOIN id address incarnation cluster [nonvoter]   → OK; asked twice, done once

import { parseAddress } from "../../base/address.ts";
import { isShortText } from "../../base/bytes.ts";
import type { NodeId } from "../core/types.ts";
import type { Logger } from "../../base/logger.ts";
import {
  type Reply,
  type RequestResult,
  tryRequest,
} from "../../base/resp_client.ts";

const retryMinMillis = 50;
const retryMaxMillis = 1000;
/** Of one request: the leader may have to wait until the new node has caught up. */
const requestMillisMax = 10_000;

export type AskOptions = {
  readonly timeoutMillis: number;
  /** When the time began to run, by performance.now(); now when left out. */
  readonly sinceMillis?: number;
  readonly log: Logger;
  /** Ends the waiting with its reason. */
  readonly signal?: AbortSignal;
  /** In [0, 1): spreads the retries. */
  readonly random?: () => number;
};

export type JoinOptions = AskOptions & {
  readonly id: NodeId;
  /** Where the other nodes are to dial this one. */
  readonly address: string;
  readonly incarnation: string;
  readonly cluster: string;
  /** It is to have no vote. */
  readonly nonvoter?: boolean;
};

/** This node is in no cluster, and asking on will not help; one sentence says why. */
export class JoinError extends Error {
  override readonly name = "JoinError";
}

/** Which cluster the members at `addresses` form, and the host as which they see us. */
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

/** Returns when the cluster has taken this node in. */
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

type Question = AskOptions & { isAnswer: (reply: Reply) => boolean };

/** Asks one after the other, round and round, until an answer or the deadline comes. */
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
      const outcome = await askOne(address, words, { ...question, millis });
      if (outcome.type === "reply") return outcome.reply;
      if (failures.get(address) !== outcome.reason) {
        failures.set(address, outcome.reason);
        log("info", `waiting to join through ${address}: ${outcome.reason}`);
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

/** Throws a {@linkcode JoinError} when the answer is final and no. */
async function askOne(
  text: string,
  words: readonly string[],
  { isAnswer, millis, signal }: Question & { millis: number },
): Promise<RequestResult> {
  const address = parseAddress(text);
  if (address === undefined) {
    throw new JoinError(
      `cannot join a cluster: "${text}" is no address; use HOST:PORT`,
    );
  }
  const outcome = await tryRequest(address, words, { millis, signal });
  if (outcome.type === "failure") {
    signal?.throwIfAborted();
    return outcome;
  }
  const { reply } = outcome;
  if (isAnswer(reply)) return outcome;
  if (reply instanceof Error && /^ERR cannot join/.test(reply.message)) {
    throw new JoinError(`${reply.message.slice(4)} (said ${text})`);
  }
  const reason = reply instanceof Error ? reply.message : "a strange answer";
  return { type: "failure", reason };
}

async function pause(millis: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, millis);
  const stop = () => resolve();
  signal?.addEventListener("abort", stop);
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener("abort", stop);
}
