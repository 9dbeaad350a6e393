// Which part of a node answers an admin command: a change of members, a question about the node,
// or a wish for a snapshot. Not here: the answers. Commands about sequences are no admin commands,
// but groups of operations (`tickets/groups_asked.ts`).

import type { AdminAnswer, AdminCommand } from "./channel/messages.ts";
import type { NodeParts } from "./node_parts.ts";
import type { Saver } from "./saver.ts";

/** A command that the node answers: its host answers the others. */
export type NodeCommand = Exclude<AdminCommand, { type: "node" }>;

/** The parts that answer. */
export type Answering = Pick<NodeParts, "changes" | "stats"> & {
  readonly saver: Saver;
};

/** Answers `command` once, within the call or later. */
export function answerCommand(
  command: NodeCommand,
  { changes, stats, saver }: Answering,
  answer: (answer: AdminAnswer) => void,
): void {
  switch (command.type) {
    case "add-voter":
    case "add-nonvoter":
    case "promote":
    case "demote":
    case "join":
    case "remove-server":
    case "transfer":
      return changes.ask(command, answer);
    case "cluster":
    case "configuration":
    case "last-contact":
    case "stats":
      return answer(stats.answer(command.type));
    case "snapshot":
      return saver.snapshot(answer);
    case "bootstrap": // its host knows how the cluster was founded
      return answer({ type: "error", text: "this node founds nothing" });
    default:
      command satisfies never;
  }
}
