// Questions of administrators and joining nodes, as tests ask them, and the texts of the
// answers. `nodes.ts` sees to it that each is answered once.

import type { AdminAnswer } from "../../raft/channel/messages.ts";
import type { Question } from "./computer.ts";
import { addressOf, cluster, type Nodes } from "./nodes.ts";

export const ok: AdminAnswer = { type: "ok" };

export function error(text: string): AdminAnswer {
  return { type: "error", text };
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

type Asked = { prevIndex?: bigint; force?: boolean };

export function remove(nodes: Nodes, at: string, id: string, asked?: Asked) {
  const command = { type: "remove-server", id, prevIndex: 0n } as const;
  return nodes.ask(at, { ...command, force: false, ...asked });
}

export function demote(nodes: Nodes, at: string, id: string, asked?: Asked) {
  const command = { type: "demote", id, prevIndex: 0n } as const;
  return nodes.ask(at, { ...command, force: false, ...asked });
}

export function promote(nodes: Nodes, at: string, id: string, prevIndex = 0n) {
  return nodes.ask(at, { type: "promote", id, prevIndex });
}

/** Without an id: to whom the leader likes. */
export function transfer(nodes: Nodes, at: string, id = "") {
  return nodes.ask(at, { type: "transfer", id });
}

export function join(
  nodes: Nodes,
  at: string,
  asked: {
    id: string;
    address?: string;
    incarnation?: string;
    cluster?: string;
    nonvoter?: boolean;
  },
) {
  const { id } = asked;
  return nodes.ask(at, {
    type: "join",
    address: addressOf(id),
    incarnation: `life of ${id}`,
    cluster,
    nonvoter: false,
    ...asked,
  });
}

export function textOf(answer: AdminAnswer | undefined): string {
  return answer?.type === "error" ? answer.text : `${answer?.type}`;
}

/** The answer to a question that is answered before any time passes. */
export function settled(nodes: Nodes, question: Question) {
  nodes.settle();
  return textOf(question.answer);
}
