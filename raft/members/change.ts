// One change that only the leader can make, from request to answer: the commands (changes
// of the members, and RAFT.TRANSFER), the answers, and the states between them. Any node
// may be asked; `changes_asked.ts` carries a change on the node that was asked, and
// `changes_led.ts` does the leader's part.
//
//   asked ──▶ forwarded ──▶ answered by the leader             (on any other node)
//   asked ──▶ committing ──▶ answered                          (on the leader)
//                       └──▶ promoting ──▶ answered            (a vote is given)
//         └──▶ transferring ──▶ answered                       (leadership is handed over)

import type { AdminAnswer, AdminCommand } from "../channel/messages.ts";
import type { Index, NodeId, Suffrage, Term } from "../core/types.ts";

/** A command that only the leader can execute; any other node forwards it. */
export type ChangeCommand =
  | Extract<AdminCommand, { readonly id: string }>
  | MoveCommand;

/**
 * Member `id` is at `address` now, on the disk `incarnation`, and not at the address that the
 * configuration `prevIndex` has for it: a node has verified that by itself. No client sends it.
 */
export type MoveCommand = {
  readonly type: "move";
  readonly id: string;
  readonly address: string;
  readonly incarnation: string;
  readonly prevIndex: bigint;
};

/** A command that changes which members there are, or their votes. */
export type MemberCommand = Exclude<
  ChangeCommand,
  { type: "transfer" | "move" }
>;

/** The member of the union {@linkcode ChangeCommand} that has this `type`. */
export type CommandOf<Type extends ChangeCommand["type"]> = Shape<
  ChangeCommand,
  Type
>;
type Shape<Each, Type> = Each extends { readonly type: infer Own }
  ? Type extends Own ? Each : never
  : never;

/** The answer to a client that asked for a change. */
export type ChangeAnswer = Extract<
  AdminAnswer,
  { readonly type: "ok" | "error" }
>;

/**
 * The leader's answer to the node that forwarded a change. `lost`: it began the change and
 * lost its leadership; the outcome is unknown.
 */
export type LeaderAnswer = ChangeAnswer | { readonly type: "lost" };

/** Every change that is done is answered with this. */
export const ok: ChangeAnswer = { type: "ok" };

/** An answer that refuses a change; `text` is without the leading `ERR `. */
export function error(
  text: string,
): ChangeAnswer & { readonly type: "error" } {
  return { type: "error", text };
}

/** The index of the configuration that a command builds on; 0: whichever is in force. */
export function prevIndexOf(command: ChangeCommand): bigint {
  return "prevIndex" in command ? command.prevIndex : 0n;
}

/** Leadership of `term` is to leave `from` (thesis 3.10; `transfers.ts`). */
export type Transfer = {
  readonly from: NodeId;
  /** `undefined`: another node leads, and only that one knows whether the transfer failed. */
  readonly term: Term | undefined;
  /** The successor; `undefined` while none has been chosen. */
  readonly target: NodeId | undefined;
  /** The client named no successor: whichever server leads next will do. */
  readonly anybody: boolean;
};

/** Where a change stands on the node that was asked for it. */
export type ChangeState =
  | { readonly type: "asked" }
  | {
    readonly type: "forwarded";
    readonly to: NodeId;
    /** Of the Forward, for its answer. */
    readonly id: number;
    /** In which `to` leads, as far as this node knows. */
    readonly term: Term;
  }
  /** The node that it was forwarded to does not lead: asked again after the next tick. */
  | { readonly type: "sent-back" }
  /** Proposed by this node, as the entry `index` of `term`. */
  | {
    readonly type: "committing";
    readonly index: Index;
    readonly term: Term;
  }
  /** Committed; the server is a learner until it has caught up. */
  | { readonly type: "promoting" }
  | ({ readonly type: "transferring" } & Transfer)
  | { readonly type: "answered" };

/** A change that waits for its answer. */
export type Change = {
  readonly command: ChangeCommand;
  /** To be called once: {@linkcode settle} does. */
  readonly answer: (answer: LeaderAnswer) => void;
  /** Another node forwarded it, and will ask elsewhere if this one does not lead. */
  readonly remote: boolean;
  state: ChangeState;
  /** Ticks until it is given up. */
  ticksLeft: number;
  /** Leadership was handed over for its sake: once, or two changes could do so for ever. */
  handedOver: boolean;
  /** A leader began it and lost its leadership: the outcome is unknown. */
  mayBeDone: boolean;
  /** The round of confirmations, and its term, before which "done already" is not sure. */
  round: { readonly number: number; readonly term: Term } | undefined;
  /** The suffrage of the server before the change was proposed; `none`: it was no member. */
  suffrageBefore: Suffrage | "none" | undefined;
};

/** Answers `change`, and ends it. */
export function settle(change: Change, answer: LeaderAnswer): void {
  change.state = { type: "answered" };
  change.answer(answer);
}
