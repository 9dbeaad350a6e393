// MULTI, EXEC, DISCARD, WATCH and UNWATCH, with the replies of Redis 7; and what happens to any
// other command behind MULTI. EXEC makes one group of all that waits: it is carried out at one
// moment, or nothing of it is. Not here: what waits, and how much may (`transaction.ts`).
//
// It is stricter than Redis in one thing. A command that the state refuses, such as INCR past
// 2^63 - 1, undoes the whole EXEC, which then is one error: Redis carries out the others.

import type { Group, GroupOutcome } from "../../raft/channel/operations.ts";
import { groupsBusyText } from "../tickets/refusals.ts";
import type { Protocol, RespWriter } from "../resp/resp_writer.ts";
import { askNow } from "./asking.ts";
import { type Command, reply, type Service, type Session } from "./command.ts";
import { outcomeText } from "./outcome_texts.ts";
import { resultOf } from "./plan.ts";
import { badNameText, namesFrom } from "./sequence_arguments.ts";
import { fullText, Transaction } from "./transaction.ts";

const abortedText =
  "EXECABORT Transaction discarded because of previous errors.";

/** Redis' text for a command that must not wait for an EXEC. */
const notQueuedText = "ERR Command not allowed inside a transaction";

/** The rows of the five commands. */
export const transactionCommands: readonly Command[] = [
  {
    name: "discard",
    arguments: [0, 0],
    flags: ["at-once"],
    redisFlags: ["fast"],
    help: "Forget the commands since MULTI",
    run(session) {
      if (!session.transaction?.isOpen) {
        return reply(session).error("ERR DISCARD without MULTI");
      }
      session.transaction = undefined;
      reply(session).simple("OK");
    },
  },
  {
    name: "exec",
    arguments: [0, 0],
    flags: ["at-once", "may-wait"],
    help: "Carry out the commands since MULTI: all of them, or none",
    run: runExec,
  },
  {
    name: "multi",
    arguments: [0, 0],
    flags: ["at-once"],
    redisFlags: ["fast"],
    help: "Let the commands that follow wait for EXEC",
    run(session) {
      const transaction = session.transaction ??= new Transaction();
      if (transaction.isOpen) {
        return reply(session).error("ERR MULTI calls can not be nested");
      }
      transaction.open();
      reply(session).simple("OK");
    },
  },
  {
    name: "unwatch",
    arguments: [0, 0],
    redisFlags: ["fast"],
    help: "Forget what WATCH has seen",
    run(session) {
      // Behind MULTI it waits, and EXEC looks at what was watched before.
      if (!session.transaction?.isOpen) session.transaction = undefined;
      reply(session).simple("OK");
    },
  },
  {
    name: "watch",
    arguments: [1],
    flags: ["at-once", "may-wait"],
    redisFlags: ["fast"],
    keys: [1, -1, 1],
    help: "Let EXEC do nothing if one of these changes before: name …",
    run: runWatch,
  },
];

/** A request was refused before it was run: an EXEC behind it must do nothing. */
export function refuseCommand(
  session: Session,
  error: string | Uint8Array,
): void {
  const { transaction, request } = session;
  if (request.is(0, "exec") && typeof error === "string") {
    // Redis ends the transaction then, so that the client need not.
    if (transaction?.isOpen) session.transaction = undefined;
    const why = error.replace(/^ERR /, "");
    return reply(session).error(
      `EXECABORT Transaction discarded because of: ${why}`,
    );
  }
  if (transaction?.isOpen) transaction.fail();
  reply(session).error(error);
}

/** Lets `command`, with the request of `session`, wait for EXEC. */
export function queueCommand(
  session: Session,
  service: Service,
  command: Command,
): void {
  const error = queue(session, service, command);
  if (error === undefined) return reply(session).simple("QUEUED");
  session.transaction?.fail();
  reply(session).error(error);
}

/** A text says why it was not queued. */
function queue(
  session: Session,
  service: Service,
  command: Command,
): string | undefined {
  const { transaction, request } = session;
  if (command.flags?.includes("not-queued")) return notQueuedText;
  const name = command.name.toUpperCase();
  const planned = command.plan?.(request);
  if (typeof planned === "string") return planned;
  if (planned !== undefined) return transaction?.addPlan(name, planned);
  // This isolate answers it by itself: its reply waits instead of the command.
  const ready = session.replies.capture(() => command.run(session, service));
  return ready === undefined ? fullText : transaction?.addReply(name, ready);
}

/** Asks when the WATCHes before have been answered: what they saw is part of the group. */
function runExec(session: Session, { link: { groups } }: Service): void {
  const { transaction, replies } = session;
  if (!transaction?.isOpen) {
    return reply(session).error("ERR EXEC without MULTI");
  }
  session.transaction = undefined;
  const { protocol } = session.client;
  if (transaction.hasFailed) return reply(session).error(abortedText);
  if (!transaction.needsNode) {
    return transaction.write(reply(session), { results: [], protocol });
  }
  session.spent(transaction.size);
  const answer = replies.expectAnswer("group");
  replies.startGroup(() => {
    if (transaction.hasFailed) {
      return answer((writer) => writer.error(abortedText));
    }
    const group = transaction.group();
    askNow(groups, {
      group,
      answer,
      answered: (writer, outcome) =>
        writeExec(writer, outcome, { transaction, group, protocol }),
    });
  });
}

function writeExec(
  writer: RespWriter,
  outcome: GroupOutcome,
  { transaction, group, protocol }: {
    readonly transaction: Transaction;
    readonly group: Group;
    readonly protocol: Protocol;
  },
): void {
  if (outcome.type === "done") {
    transaction.write(writer, { results: outcome.results, protocol });
  } else if (outcome.type !== "refused") {
    writer.error(outcomeText(outcome, group));
  } else if (outcome.reason !== "changed") {
    writer.error(undoneText(outcome, { transaction, group }));
  } else if (protocol === 3) writer.null(protocol);
  else writer.array(-1);
}

/** Says which command of EXEC could not be carried out, and why. */
function undoneText(
  outcome: Extract<GroupOutcome, { readonly type: "refused" }>,
  { transaction, group }: {
    readonly transaction: Transaction;
    readonly group: Group;
  },
): string {
  const { name = "WATCH", place = 0 } = transaction.commandAt(outcome.at) ?? {};
  const why = outcomeText(outcome, group).replace(/^ERR /, "");
  return "EXECABORT Transaction discarded because of " +
    `command ${place} of ${transaction.size}, ${name}: ${why}`;
}

/**
 * Remembers the last numbers as they are now. If they cannot be had, the next EXEC does nothing:
 * a client that has pipelined it relies on them.
 */
function runWatch(session: Session, { link: { groups } }: Service): void {
  if (session.transaction?.isOpen) {
    return reply(session).error("ERR WATCH inside MULTI is not allowed");
  }
  const transaction = session.transaction ??= new Transaction();
  const refuse = (writer: RespWriter, text: string) => {
    transaction.fail();
    writer.error(text);
  };
  const names = namesFrom(session.request, 1);
  if (names === undefined) return refuse(reply(session), badNameText);
  if (!transaction.makeRoom(names)) return refuse(reply(session), fullText);
  const group = names.map((name) => ({ type: "last", name }) as const);
  session.spent(names.length);
  const { replies } = session;
  const answer = replies.expectAnswer("group");
  replies.startGroup(() => {
    if (!groups.hasRoom(group)) {
      return answer((writer) => refuse(writer, groupsBusyText));
    }
    askNow(groups, {
      group,
      answer,
      answered(writer, outcome) {
        if (outcome.type !== "done") {
          return refuse(writer, outcomeText(outcome, group));
        }
        for (const [at, name] of names.entries()) {
          transaction.watch(name, resultOf(outcome.results[at], "last").last);
        }
        writer.simple("OK");
      },
    });
  });
  holdBack(session);
}

/**
 * Lets all commands that follow wait until those before have been answered. It is a reply of no
 * bytes in the place of a take: it waits for the groups before it, and groups wait for it. A take
 * behind WATCH must not be given before WATCH has read, and EXEC needs what that has seen.
 */
function holdBack({ replies }: Session): void {
  const answer = replies.expectAnswer("group");
  replies.startTake(() => answer(() => {}));
}
