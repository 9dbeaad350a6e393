// The way of a command to the node: for numbers of one sequence by the dispenser, for all else
// by the desk that gathers groups of operations. Here the reply gets its place on the
// connection. Not here: what is asked for (the rows of the table), and in which order the
// replies leave (`resp/replies.ts`).

import type { Group, GroupOutcome } from "../../raft/channel/operations.ts";
import { busyText, groupsBusyText } from "../tickets/refusals.ts";
import { writeBlock } from "../resp/reply_slots.ts";
import type { RespWriter } from "../resp/resp_writer.ts";
import {
  type Command,
  type NodeDoor,
  reply,
  type Service,
  type Session,
} from "./command.ts";
import { outcomeText } from "./outcome_texts.ts";
import type { Plan } from "./plan.ts";

/** How a number is written: `+N`, or `:N` as Redis does. */
export type NumberFormat = "simple" | "integer";

/**
 * Takes one number of `name` for the request, and one for each copy of it that directly follows:
 * a pipeline of one command costs little more than one of them.
 */
export function takeRun(
  session: Session,
  { link: { dispenser } }: Service,
  { name, format }: { readonly name: string; readonly format: NumberFormat },
): void {
  const { replies } = session;
  const count = 1 + session.request.repeats(session.ticketsLeft - 1);
  session.spent(count);
  const isCapped = format === "integer";
  const request = { count, isBlock: false, isCapped };
  if (!replies.isWaiting) {
    // A place for the reply, and to fill it, would cost more than all else.
    const last = dispenser.takeLent(name, request);
    if (last !== undefined) {
      return replies.writer.ticketRun(last, count, isCapped ? ":" : "+");
    }
  }
  const client = replies.expectTickets(count, { name, format });
  replies.startTake(() => {
    if (dispenser.hasRoom(name, request)) dispenser.take(name, client, request);
    else client.refused(count, busyText);
  });
}

/** Takes `count` numbers in a row; the reply is the first and the last, or the last alone. */
export function takeBlock(
  session: Session,
  { link: { dispenser } }: Service,
  { name, count, format }: {
    readonly name: string;
    readonly count: number;
    readonly format: "range" | "last";
  },
): void {
  const { replies } = session;
  const isCapped = format === "last";
  const request = { count, isBlock: true, isCapped };
  if (!replies.isWaiting) {
    const last = dispenser.takeLent(name, request);
    if (last !== undefined) {
      return writeBlock(replies.writer, { last, count, format });
    }
  }
  const client = replies.expectBlock(format);
  replies.startTake(() => {
    if (dispenser.hasRoom(name, request)) dispenser.take(name, client, request);
    else client.refused(count, busyText);
  });
}

/** Carries out the plan of a command alone; a text is the error that it gets instead. */
export function runPlan(
  session: Session,
  service: Service,
  planned: Plan | string,
): void {
  if (typeof planned === "string") return reply(session).error(planned);
  const { operations, write } = planned;
  const { protocol } = session.client;
  session.spent(operations.length);
  askGroup(session, service, {
    group: operations,
    answered(writer, outcome) {
      if (outcome.type === "done") write(writer, outcome.results, protocol);
      else writer.error(outcomeText(outcome, operations));
    },
  });
}

/** A row whose command is carried out by its plan. */
export function planned(
  row: Omit<Command, "run"> & { readonly plan: NonNullable<Command["plan"]> },
): Command {
  return {
    ...row,
    run: (session, service) =>
      runPlan(session, service, row.plan(session.request)),
  };
}

/** A group, and how the reply is made of its outcome. */
export type GroupQuestion = {
  /** It fits into a message. */
  readonly group: Group;
  readonly answered: (writer: RespWriter, outcome: GroupOutcome) => void;
};

/** Writes a reply that was expected. */
export type Answer = (write: (writer: RespWriter) => void) => void;

/**
 * Asks for a group, whose one reply `answered` writes; BUSY if too many wait. It is asked when the
 * takes before it on the connection have been answered.
 */
export function askGroup(
  { replies }: Session,
  { link: { groups } }: Service,
  { group, answered }: GroupQuestion,
): void {
  const answer = replies.expectAnswer("group");
  replies.startGroup(() => askNow(groups, { group, answered, answer }));
}

/** Asks for a group whose turn it is, and writes its reply by `answer`. */
export function askNow(
  desk: NodeDoor["groups"],
  { group, answered, answer }: GroupQuestion & { readonly answer: Answer },
): void {
  if (!desk.hasRoom(group)) {
    return answer((writer) => writer.error(groupsBusyText));
  }
  desk.ask(
    group,
    (outcome) => answer((writer) => answered(writer, outcome)),
  );
}
