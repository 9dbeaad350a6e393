// TICKET and its own words: what only ticketd has. Each row reads its arguments, and says what
// is asked of the sequences; the replies are made of the results. Not here: the words of Redis
// for the same (`sequence_commands.ts`), the cluster's commands (`raft_commands.ts`).
//
// An argument that could be a name or something else: `COUNT` and `ONCE` are never names. Of
// two arguments of TICKET.RAISE the second is FORCE, or the first is the name.

import { defaultSequence } from "../../base/sequence_name.ts";
import { int64Max } from "../../base/range.ts";
import type { RespParser } from "../resp/resp_parser.ts";
import { planned, takeBlock, takeRun } from "./asking.ts";
import {
  type Command,
  parseUint64,
  reply,
  type Service,
  type Session,
} from "./command.ts";
import { Glob } from "./glob.ts";
import { tooHighText } from "./outcome_texts.ts";
import { type Plan, plan, planLast, planOk } from "./plan.ts";
import {
  badNameText,
  countAt,
  cursorAt,
  invalidCursorText,
  nameAt,
  noIntegerText,
  pageOptions,
  syntaxText,
} from "./sequence_arguments.ts";

const onceText = "ERR ONCE is not supported yet: nothing was taken";

/** The row of TICKET: most requests are for it. */
export const ticketCommand: Command = {
  name: "ticket",
  arguments: [0, 5],
  redisFlags: ["write", "fast"],
  help: "The next number, or a block of them: [name] [COUNT n]",
  run: runTicket,
  plan(request) {
    if (request.count === 1) return planDefault;
    const asked = ticketOf(request);
    if (typeof asked === "string") return asked;
    const { name, count } = asked;
    if (count === undefined) return planTake(name);
    return plan(
      { type: "take", name, count, isCapped: false },
      "taken",
      (writer, { last, count }) => {
        writer.array(2);
        writer.bulk(`${last - BigInt(count - 1)}`);
        writer.bulk(`${last}`);
      },
    );
  },
};

/** The rows of TICKET.…. */
export const ticketCommands: readonly Command[] = [
  planned({
    name: "ticket.create",
    arguments: [1, 4],
    flags: ["for-visitors", "may-wait"],
    redisFlags: ["write"],
    help: "Begin a sequence at a number: name [START n] [FORCE]",
    plan: planCreate,
  }),
  planned({
    name: "ticket.last",
    arguments: [0, 1],
    flags: ["for-visitors", "may-wait"],
    redisFlags: ["readonly", "fast"],
    help: "The last number given: later ones are above it: [name]",
    plan(request) {
      const name = request.count > 1 ? nameAt(request, 1) : defaultSequence;
      if (name === undefined) return badNameText;
      return planLast(name, (writer, last) => writer.simple(`${last ?? 0n}`));
    },
  }),
  planned({
    name: "ticket.list",
    arguments: [0, 5],
    flags: ["for-visitors", "may-wait"],
    redisFlags: ["readonly"],
    help: "Names and last numbers, in pages: [cursor] [MATCH glob] [COUNT n]",
    plan: planList,
  }),
  planned({
    name: "ticket.policy",
    arguments: [0, 1],
    flags: ["for-visitors", "may-wait"],
    redisFlags: ["write"],
    help: "Which names may be taken of: [any|created]",
    plan(request) {
      if (request.count === 1) {
        return plan(
          { type: "policy" },
          "policy",
          (writer, { policy }) => writer.bulk(policy),
        );
      }
      for (const policy of ["any", "created"] as const) {
        if (request.is(1, policy)) {
          return planOk({ type: "set-policy", policy });
        }
      }
      return "ERR the policy is any or created";
    },
  }),
  planned({
    name: "ticket.raise",
    arguments: [1, 3],
    flags: ["for-visitors", "may-wait"],
    redisFlags: ["write"],
    help: "Give no number up to n any more: [name] n [FORCE]",
    plan: planRaise,
  }),
];

/** What a TICKET asks for: one number, or a block. */
type TicketRequest = {
  readonly name: string;
  /** `undefined` without COUNT. */
  readonly count: number | undefined;
};

/** The plan of one number of `name`, as a simple string. */
function planTake(name: string): Plan {
  return plan(
    { type: "take", name, count: 1, isCapped: false },
    "taken",
    (writer, { last }) => writer.simple(`${last}`),
  );
}

const planDefault = planTake(defaultSequence);

function runTicket(session: Session, service: Service): void {
  const { request } = session;
  if (request.count === 1) {
    return takeRun(session, service, {
      name: defaultSequence,
      format: "simple",
    });
  }
  const asked = ticketOf(request);
  if (typeof asked === "string") return reply(session).error(asked);
  const { name, count } = asked;
  if (count === undefined) {
    takeRun(session, service, { name, format: "simple" });
  } else takeBlock(session, service, { name, count, format: "range" });
}

/** `[name] [COUNT n] [ONCE key]`; a text says what is wrong. */
function ticketOf(request: RespParser): TicketRequest | string {
  let at = 1;
  let name: string | undefined = defaultSequence;
  if (at < request.count && !isWord(request, at)) name = nameAt(request, at++);
  let count: number | string | undefined;
  let isOnce = false;
  while (at + 1 < request.count && isWord(request, at)) {
    if (request.is(at, "once")) {
      if (isOnce) break;
      isOnce = true;
    } else {
      if (count !== undefined) break;
      count = countAt(request, { index: at + 1, command: "COUNT" });
    }
    at += 2;
  }
  if (at < request.count) {
    return "ERR wrong number of arguments for 'ticket' command";
  }
  if (name === undefined) return badNameText;
  if (typeof count === "string") return count;
  return isOnce ? onceText : { name, count };
}

function isWord(request: RespParser, index: number): boolean {
  return request.is(index, "count") || request.is(index, "once");
}

function planRaise(request: RespParser): Plan | string {
  const { count } = request;
  const isForced = count > 2 && request.is(count - 1, "force");
  const numberIndex = isForced ? count - 2 : count - 1;
  // An error says what is missing: of `name n FORCE` the last word, of `name n` the number.
  if (numberIndex > 2) return syntaxText;
  const name = numberIndex === 2 ? nameAt(request, 1) : defaultSequence;
  if (name === undefined) return badNameText;
  const to = parseUint64(request.text(numberIndex));
  if (to === undefined) return noIntegerText;
  if (to > int64Max && !isForced) return tooHighText(to);
  // Every number is above 0 as it is; the reply still tells that a leader was asked.
  return planOk(
    to === 0n ? { type: "last", name } : { type: "raise", name, to },
  );
}

function planCreate(request: RespParser): Plan | string {
  const { count } = request;
  const name = nameAt(request, 1);
  if (name === undefined) return badNameText;
  if (count === 2) return planOk({ type: "create", name, start: 1n });
  const isForced = count === 5 && request.is(4, "force");
  const isWhole = count === 4 || isForced;
  if (!isWhole || !request.is(2, "start")) return syntaxText;
  const start = parseUint64(request.text(3));
  if (start === undefined || start === 0n) return noIntegerText;
  if (start > int64Max && !isForced) return tooHighText(start);
  return planOk({ type: "create", name, start });
}

/** The cursor may be left out, so that options are told from it by their words. */
function planList(request: RespParser): Plan | string {
  const isFirst = request.count === 1 || request.is(1, "match") ||
    request.is(1, "count");
  const cursor = isFirst ? 0 : cursorAt(request, 1);
  if (cursor === undefined) return invalidCursorText;
  const index = isFirst ? 1 : 2;
  const page = pageOptions(request, { index, cursor, hasType: false });
  if (typeof page === "string") return page;
  const { count, pattern } = page;
  return plan({ type: "list", cursor, count }, "page", (writer, result) => {
    const { next, sequences } = result;
    const glob = pattern === undefined ? undefined : new Glob(pattern);
    const found = glob === undefined
      ? sequences
      : sequences.filter(([name]) => glob.matches(name));
    writer.array(2);
    writer.bulk(`${next}`);
    writer.array(found.length * 2);
    for (const [name, last] of found) {
      writer.bulk(name);
      writer.bulk(`${last}`);
    }
  });
}
