// The commands of administrators and joining nodes, as tests send them to a node of
// `nodes.ts`, and their answers. `nodes.ts` checks that each is answered once.

import type { AdminAnswer } from "../../raft/channel/messages.ts";
import { addressOf, blank, cluster, type Nodes } from "./nodes.ts";
import type { Question } from "./computer.ts";

export const ok: AdminAnswer = { type: "ok" };

export function error(text: string): AdminAnswer {
  return { type: "error", text };
}

/** The incarnation of server `id`, unless a test gave it another disk. */
export function incarnationOf(id: string): string {
  return blank(id).identity.incarnation;
}

type Addition = { id: string; address?: string; prevIndex?: bigint };

export function addVoter(
  nodes: Nodes,
  at: string,
  { id, address = addressOf(id), prevIndex = 0n }: Addition,
) {
  return nodes.ask(at, { type: "add-voter", id, address, prevIndex });
}

export function addNonvoter(
  nodes: Nodes,
  at: string,
  { id, address = addressOf(id), prevIndex = 0n }: Addition,
) {
  return nodes.ask(at, { type: "add-nonvoter", id, address, prevIndex });
}

type Conditions = { prevIndex?: bigint; force?: boolean };

export function remove(
  nodes: Nodes,
  at: string,
  id: string,
  conditions?: Conditions,
) {
  const command = { type: "remove-server", id, prevIndex: 0n } as const;
  return nodes.ask(at, { ...command, force: false, ...conditions });
}

export function demote(
  nodes: Nodes,
  at: string,
  id: string,
  conditions?: Conditions,
) {
  const command = { type: "demote", id, prevIndex: 0n } as const;
  return nodes.ask(at, { ...command, force: false, ...conditions });
}

export function promote(nodes: Nodes, at: string, id: string, prevIndex = 0n) {
  return nodes.ask(at, { type: "promote", id, prevIndex });
}

/** Without an id the leader chooses its successor. */
export function transfer(nodes: Nodes, at: string, id = "") {
  return nodes.ask(at, { type: "transfer", id });
}

export function join(
  nodes: Nodes,
  at: string,
  request: {
    id: string;
    address?: string;
    incarnation?: string;
    cluster?: string;
    nonvoter?: boolean;
  },
) {
  const { id } = request;
  return nodes.ask(at, {
    type: "join",
    address: addressOf(id),
    incarnation: incarnationOf(id),
    cluster,
    nonvoter: false,
    ...request,
  });
}

/** No number up to `to` is to be given any more. */
export function raise(nodes: Nodes, at: string, to: bigint) {
  return nodes.ask(at, { type: "raise", to });
}

/** The last number that was given. */
export function last(nodes: Nodes, at: string) {
  return nodes.ask(at, { type: "last" });
}

export function backUp(nodes: Nodes, at: string) {
  return nodes.ask(at, { type: "backup" });
}

export function textOf(answer: AdminAnswer | undefined): string {
  if (answer?.type === "number") return `${answer.number}`;
  return answer?.type === "error" ? answer.text : `${answer?.type}`;
}

/** The answer to a question that is answered before the next tick. */
export function settled(nodes: Nodes, question: Question) {
  nodes.settle();
  return textOf(question.answer);
}
