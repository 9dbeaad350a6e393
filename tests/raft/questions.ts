// Questions of administrators and joining nodes, as tests ask them, and the texts of the
// answers. `nodes.ts` sees to it that each is answered once.

import type { AdminAnswer } from "../../raft/channel.ts";
import { addressOf, cluster, type Nodes, type Question } from "./nodes.ts";

export const ok: AdminAnswer = { type: "ok" };

export function error(text: string): AdminAnswer {
  return { type: "error", text };
}

export function addVoter(
  nodes: Nodes,
  at: string,
  { id, address = addressOf(id), prevIndex = 0n }: {
    id: string;
    address?: string;
    prevIndex?: bigint;
  },
) {
  return nodes.ask(at, { type: "add-voter", id, address, prevIndex });
}

export function remove(nodes: Nodes, at: string, id: string, prevIndex = 0n) {
  return nodes.ask(at, { type: "remove-server", id, prevIndex });
}

export function join(
  nodes: Nodes,
  at: string,
  asked: {
    id: string;
    address?: string;
    incarnation?: string;
    cluster?: string;
  },
) {
  const { id } = asked;
  return nodes.ask(at, {
    type: "join",
    address: addressOf(id),
    incarnation: `life of ${id}`,
    cluster,
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
