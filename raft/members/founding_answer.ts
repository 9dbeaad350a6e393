// How a waiting node asks others whether they found a cluster with it, and what it is
// answered, as RESP. Any node answers, a member of a cluster as well: a founder that lags
// behind learns from it that its cluster was founded. A member tells how it was founded, and
// with it the founders' incarnations, only to a disk that the proposal names. Not here: what
// a node makes of the answers (`founding.ts`), and when it asks (`raft/founding.ts`).
//
//   RAFT.BOOTSTRAP id incarnation → [key, value, …, "via", host that the question came from]
//     of a waiting node: id · state waiting · address · incarnation · expect · accepted
//     of a member:       id · state founded · cluster · led yes|no · accepted
//   accepted is a proposal (`proposal.ts`) or empty.

import { completedAddress } from "../../base/address.ts";
import { isNodeId } from "../../base/bytes.ts";
import type { Reply } from "../../base/resp_client.ts";
import type { NodeId } from "../core/types.ts";
import type { Answer, Self } from "./founding.ts";
import {
  type Draft,
  foundersMax,
  isFounder,
  names,
  parseProposal,
  proposalText,
} from "./proposal.ts";

/** The disk that asks. */
export type Asker = Pick<Draft, "node" | "incarnation">;

/** Keys and values of an answer, without the host of the asker. */
export type Pairs = readonly (readonly [string, string])[];

/** A member that is asked. */
export type Member = {
  readonly id: NodeId;
  readonly cluster: string;
  /** Whether it knows a leader. */
  readonly isLed: boolean;
  /** `undefined` if it has none. */
  readonly draft: Draft | undefined;
};

/** An answer, and the host from which the asking node was seen. */
export type Heard = { readonly answer: Answer; readonly via: string };

/** The words of the question. */
export function question({ node, incarnation }: Asker): string[] {
  return ["RAFT.BOOTSTRAP", node, incarnation];
}

/** The answer of a node that waits as well; it must be durable there already. */
export function waitingPairs({ draft, address, expect }: Self): Pairs {
  const { node, incarnation, accepted } = draft;
  return [
    ["id", node],
    ["state", "waiting"],
    ["address", address],
    ["incarnation", incarnation],
    ["expect", String(expect)],
    ["accepted", accepted === undefined ? "" : proposalText(accepted)],
  ];
}

/** The answer of a node that has a cluster. */
export function memberPairs(
  { id, cluster, isLed, draft }: Member,
  asker: Asker,
): Pairs {
  const accepted = draft?.accepted;
  // A draft of another cluster is none of this one's business.
  const isFounder = accepted?.cluster === cluster && names(accepted, asker);
  return [
    ["id", id],
    ["state", "founded"],
    ["cluster", cluster],
    ["led", isLed ? "yes" : "no"],
    ["accepted", isFounder ? proposalText(accepted) : ""],
  ];
}

/**
 * The inverse of both; `undefined` if `reply` is no such answer. A missing host of the
 * answering node is filled in with `host`, at which it was reached.
 */
export function readAnswer(reply: Reply, host: string): Heard | undefined {
  if (!Array.isArray(reply) || reply.length % 2 !== 0) return undefined;
  const pairs = new Map<unknown, unknown>();
  for (let i = 0; i < reply.length; i += 2) pairs.set(reply[i], reply[i + 1]);
  const text = (key: string): string => {
    const value = pairs.get(key);
    return typeof value === "string" ? value : "";
  };
  const answer = answerOf(text, host);
  return answer && { answer, via: text("via") };
}

function answerOf(
  text: (key: string) => string,
  host: string,
): Answer | undefined {
  const id = text("id");
  const accepted = parseProposal(text("accepted"));
  if (text("accepted") !== "" && accepted === undefined) return undefined;
  if (text("state") === "founded") {
    const cluster = text("cluster");
    if (!/^[0-9a-f]{32}$/.test(cluster) || !isNodeId(id)) return undefined;
    const isLed = text("led") === "yes";
    return { type: "founded", id, cluster, isLed, proposal: accepted };
  }
  const expect = Number(text("expect"));
  const address = completedAddress(text("address"), host);
  const founder = { id, address, incarnation: text("incarnation") };
  const isSound = text("state") === "waiting" && isFounder(founder) &&
    expect >= 2 && expect <= foundersMax;
  return isSound
    ? { type: "waiting", ...founder, expect, accepted }
    : undefined;
}
