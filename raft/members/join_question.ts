// One question of a joining node to one address of --join: its answer, or the obstacle. A name is
// resolved anew at each question, and each of its addresses is asked in turn. A server that
// does not know the question is asked what it is. Not here: when to ask again (`join.ts`).

import {
  type Address,
  formatAddress,
  parseAddress,
} from "../../base/address.ts";
import { reasonOf } from "../../base/dial.ts";
import { type Reply, tryRequest } from "../../base/resp_client.ts";
import { type Lookup, resolve } from "../../base/resolve.ts";
import {
  foreignServer,
  isUnknownCommand,
  type Obstacle,
  obstacleOf,
} from "./join_obstacles.ts";

/** Milliseconds for a question about what a server is. */
const probeMillisMax = 1000;

/** What is asked, and under which limits. */
export type Question = {
  readonly words: readonly string[];
  /** Whether this reply answers the question. */
  readonly isAnswer: (reply: Reply) => boolean;
  /** Milliseconds for each address. */
  readonly millis: number;
  /** Where this node serves clients itself. */
  readonly self?: Address | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The system's resolver when left out. */
  readonly lookup?: Lookup;
};

/** The outcome at one address. */
export type Attempt =
  | { readonly type: "answer"; readonly reply: Reply }
  /** A member refuses for good; `text` says why. */
  | { readonly type: "refused"; readonly text: string }
  | { readonly type: "obstacle"; readonly obstacle: Obstacle };

/**
 * Asks the addresses of `text`, HOST:PORT, in turn until one answers; `told` gets each attempt
 * that is none, with the address in words. Returns the last attempt.
 *
 * @throws The signal's reason, or an Error if `text` is no address.
 */
export async function askAddress(
  text: string,
  question: Question,
  told: (address: string, obstacle: Obstacle) => void,
): Promise<Attempt> {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`"${text}" is no address`);
  const found = await addressesOf(address, question);
  if ("type" in found) {
    told(text, found);
    return { type: "obstacle", obstacle: found };
  }
  let attempt: Attempt = {
    type: "obstacle",
    obstacle: { type: "unresolved", reason: "it has no address" },
  };
  for (const one of found) {
    attempt = await askOne(one, question);
    if (attempt.type !== "obstacle") return attempt;
    const spelt = formatAddress(one);
    const name = spelt === text || found.length === 1
      ? text
      : `${text} at ${spelt}`;
    told(name, attempt.obstacle);
  }
  return attempt;
}

async function addressesOf(
  address: Address,
  { millis, signal, lookup }: Question,
): Promise<readonly Address[] | Obstacle> {
  const options = { signal, millis };
  try {
    return await resolve(
      address,
      lookup === undefined ? options : { ...options, lookup },
    );
  } catch (error) {
    signal?.throwIfAborted();
    return { type: "unresolved", reason: reasonOf(error) };
  }
}

class ReachedItself extends Error {}

async function askOne(address: Address, question: Question): Promise<Attempt> {
  const { words, isAnswer, millis, signal, self } = question;
  let isSelf = false;
  const result = await tryRequest(address, words, {
    millis,
    signal,
    connected(conn) {
      isSelf = leadsTo(self, conn);
      if (isSelf) throw new ReachedItself();
    },
  });
  if (isSelf) return { type: "obstacle", obstacle: { type: "itself" } };
  if (result.type === "failure") {
    signal?.throwIfAborted();
    return { type: "obstacle", obstacle: failure(result.reason, millis) };
  }
  const { reply } = result;
  if (isAnswer(reply)) return { type: "answer", reply };
  if (reply instanceof Error && /^ERR cannot join/.test(reply.message)) {
    return { type: "refused", text: reply.message.slice(4) };
  }
  const obstacle = isUnknownCommand(reply)
    ? await identify(address, signal)
    : obstacleOf(reply);
  return { type: "obstacle", obstacle };
}

/** Whether `conn` leads to this process, which listens on `self`. */
function leadsTo(
  self: Address | undefined,
  { localAddr, remoteAddr }: Pick<Deno.TcpConn, "localAddr" | "remoteAddr">,
): boolean {
  // The system calls an address of this machine from the same address.
  if (self === undefined || remoteAddr.port !== self.port) return false;
  const isEvery = ["", "0.0.0.0", "::"].includes(self.host);
  const isHere = localAddr.hostname === remoteAddr.hostname;
  return isHere && (isEvery || self.host === remoteAddr.hostname);
}

function failure(reason: string, millis: number): Obstacle {
  switch (reason) {
    case "no answer in time":
      return { type: "silent", millis };
    case "connection closed before the reply":
      return { type: "hung-up" };
    case "what answers there speaks HTTP":
      return { type: "foreign", name: "an HTTP server" };
    case "what answers there speaks TLS":
      return { type: "foreign", name: "a server that speaks TLS" };
    case "what answers there does not speak RESP":
      return { type: "foreign", name: "a server that does not speak RESP" };
    default:
      return { type: "unreachable", reason };
  }
}

/** Finds out what the server is that does not know RAFT.CLUSTER. */
async function identify(
  address: Address,
  signal: AbortSignal | undefined,
): Promise<Obstacle> {
  const replies: Reply[] = [];
  for (const words of [["RAFT.LEADER"], ["INFO", "server"]]) {
    const options = { millis: probeMillisMax, signal };
    const result = await tryRequest(address, words, options);
    replies.push(result.type === "reply" ? result.reply : undefined);
  }
  signal?.throwIfAborted();
  const [leader, info] = replies;
  return foreignServer(leader, info);
}
