// The commands of administrators and joining nodes, and questions about the numbers, as tests
// send them to a node of `nodes.ts`, and their answers. `nodes.ts` checks that each is answered once.

import type { AdminAnswer } from "../../raft/channel/messages.ts";
import type { GroupOutcome, Result } from "../../raft/channel/operations.ts";
import { addressOf, blank, cluster, type Nodes } from "./nodes.ts";
import type { Question } from "./computer.ts";
import type { Grouped } from "./grouped.ts";

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
export function raise(nodes: Nodes, at: string, to: bigint, name = "ticket") {
  return nodes.group(at, [{ type: "raise", name, to }]);
}

/** The last number that was given. */
export function last(nodes: Nodes, at: string, name = "ticket") {
  return nodes.group(at, [{ type: "last", name }]);
}

export function backUp(nodes: Nodes, at: string) {
  return nodes.group(at, [{ type: "backup", cursor: 0 }]);
}

/** What became of the groups of one message, as a test shows it; empty before. */
export function told({ outcomes = [] }: Grouped): string {
  return outcomes.map(shownOutcome).join("; ");
}

function shownOutcome(outcome: GroupOutcome): string {
  switch (outcome.type) {
    case "done":
      return outcome.results.map(shownResult).join(", ");
    case "refused":
      return `${outcome.reason} at ${outcome.at}`;
    case "moved":
      return `moved to ${outcome.to}`;
    case "error":
      return outcome.text;
    default:
      return outcome.type;
  }
}

function shownResult(result: Result): string {
  switch (result.type) {
    case "taken": {
      const first = result.last - BigInt(result.count) + 1n;
      return result.count === 1 ? `${first}` : `${first}-${result.last}`;
    }
    case "last":
      return `last ${result.last ?? "none"}`;
    case "done":
      return "ok";
    case "policy":
      return result.policy;
    case "size":
      return `size ${result.size}`;
    case "page": {
      const shown = result.sequences.map(([name, last]) => `${name} ${last}`);
      return `[${shown.join(" ")}] ${result.next}`;
    }
    case "backup":
      return "backup";
  }
}

/** The same of groups that are answered before the next tick. */
export function toldNow(nodes: Nodes, grouped: Grouped): string {
  nodes.settle();
  return told(grouped);
}

export function textOf(answer: AdminAnswer | undefined): string {
  return answer?.type === "error" ? answer.text : `${answer?.type}`;
}

/** The answer to a question that is answered before the next tick. */
export function settled(nodes: Nodes, question: Question) {
  nodes.settle();
  return textOf(question.answer);
}
