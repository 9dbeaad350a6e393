// The sequences in the words of Redis, for those who come from INCR: a sequence is a key whose
// value is a string of digits, the last number given. Replies are those of Redis 7 to the byte.
// Not here: the keys as a whole, such as SCAN (`keyspace_commands.ts`), and what is refused
// because numbers only rise (`refused_commands.ts`).

import type { RespParser } from "../resp/resp_parser.ts";
import { planned, takeBlock, takeRun } from "./asking.ts";
import {
  type Command,
  type KeyPlaces,
  type RedisFlag,
  reply,
  type Service,
  type Session,
} from "./command.ts";
import { type Plan, plan, planLast, planLasts } from "./plan.ts";
import {
  badNameText,
  countAt,
  integerAt,
  nameAt,
  namesFrom,
  noIntegerText,
} from "./sequence_arguments.ts";

const firstKey: KeyPlaces = [1, 1, 1];
const allKeys: KeyPlaces = [1, -1, 1];
const reads = {
  flags: ["for-visitors", "may-wait"],
  redisFlags: ["readonly", "fast"],
} satisfies Partial<Command>;
const writes: readonly RedisFlag[] = ["write", "fast"];

/** INCR and GET, which are asked for more often than all others. */
export const countingCommands: readonly Command[] = [
  {
    name: "incr",
    arguments: [1, 1],
    redisFlags: writes,
    keys: firstKey,
    help: "The next number of a sequence: name",
    run(session, service) {
      const name = nameAt(session.request, 1);
      if (name === undefined) return reply(session).error(badNameText);
      takeRun(session, service, { name, format: "integer" });
    },
    plan: (request) => planBlock(nameAt(request, 1), 1),
  },
  planned({
    name: "get",
    arguments: [1, 1],
    ...reads,
    keys: firstKey,
    help: "The last number of a sequence: name",
    plan: ofLast((writer, last, protocol) => {
      if (last === undefined) writer.null(protocol);
      else writer.bulk(`${last}`);
    }),
  }),
  {
    name: "incrby",
    arguments: [2, 2],
    redisFlags: writes,
    keys: firstKey,
    help:
      "The next n numbers of a sequence, of which it tells the last: name n",
    run: runIncrby,
    plan(request) {
      const count = countAt(request, { index: 2, command: "INCRBY" });
      if (typeof count === "string") return count;
      return planBlock(nameAt(request, 1), count);
    },
  },
];

/** All others that ask for sequences by their names. */
export const sequenceCommands: readonly Command[] = [
  existing("exists"),
  timeLeft("expiretime"),
  planned({
    name: "getrange",
    arguments: [3, 3],
    ...reads,
    redisFlags: ["readonly"],
    keys: firstKey,
    help: "Digits of the last number of a sequence: name start end",
    plan: planRange,
  }),
  planned({
    name: "mget",
    arguments: [1],
    ...reads,
    keys: allKeys,
    help: "The last numbers of sequences, at one moment: name …",
    plan(request) {
      const names = namesFrom(request, 1);
      if (names === undefined) return badNameText;
      return planLasts(names, (writer, lasts, protocol) => {
        writer.array(lasts.length);
        for (const last of lasts) {
          if (last === undefined) writer.null(protocol);
          else writer.bulk(`${last}`);
        }
      });
    },
  }),
  timeLeft("pexpiretime"),
  timeLeft("pttl"),
  planned({
    name: "strlen",
    arguments: [1, 1],
    ...reads,
    keys: firstKey,
    help: "How many digits the last number of a sequence has: name",
    plan: ofLast((writer, last) => writer.integer(digits(last).length)),
  }),
  planned({
    name: "substr",
    arguments: [3, 3],
    ...reads,
    redisFlags: ["readonly"],
    keys: firstKey,
    help: "As GETRANGE: name start end",
    plan: planRange,
  }),
  existing("touch"),
  timeLeft("ttl"),
  planned({
    name: "type",
    arguments: [1, 1],
    ...reads,
    keys: firstKey,
    help: "string of a sequence, or none: name",
    plan: ofLast((writer, last) =>
      writer.simple(last === undefined ? "none" : "string")
    ),
  }),
];

/** A command that tells how many of the sequences that it names exist. */
function existing(name: string): Command {
  return planned({
    name,
    arguments: [1],
    ...reads,
    keys: allKeys,
    help: "How many of these sequences exist: name …",
    plan: planExisting,
  });
}

/** A command that tells how long a sequence has yet to live, in whatever unit: for ever. */
function timeLeft(name: string): Command {
  return planned({
    name,
    arguments: [1, 1],
    ...reads,
    keys: firstKey,
    help: "-1 of a sequence, which never expires, or -2: name",
    plan: ofLast((writer, last) =>
      writer.integer(last === undefined ? -2 : -1)
    ),
  });
}

/** The plan of a command whose argument is a name, and whose reply is made of its last number. */
function ofLast(
  write: Parameters<typeof planLast>[1],
): NonNullable<Command["plan"]> {
  return (request) => {
    const name = nameAt(request, 1);
    return name === undefined ? badNameText : planLast(name, write);
  };
}

/** Takes as INCR does: none above 2^63 - 1, and the reply is the last of them. */
function planBlock(name: string | undefined, count: number): Plan | string {
  if (name === undefined) return badNameText;
  return plan(
    { type: "take", name, count, isCapped: true },
    "taken",
    (writer, { last }) => writer.integerBig(last),
  );
}

function runIncrby(session: Session, service: Service): void {
  const { request } = session;
  const name = nameAt(request, 1);
  const count = countAt(request, { index: 2, command: "INCRBY" });
  if (typeof count === "string") return reply(session).error(count);
  if (name === undefined) return reply(session).error(badNameText);
  takeBlock(session, service, { name, count, format: "last" });
}

function planExisting(request: RespParser): Plan | string {
  const names = namesFrom(request, 1);
  if (names === undefined) return badNameText;
  return planLasts(names, (writer, lasts) => {
    writer.integer(lasts.filter((last) => last !== undefined).length);
  });
}

/** A value as Redis would hold it; empty if there is none. */
function digits(last: bigint | undefined): string {
  return last === undefined ? "" : `${last}`;
}

/** A start and an end that count from 0, or from -1 at the last digit; both are included. */
function planRange(request: RespParser): Plan | string {
  const name = nameAt(request, 1);
  const [start, end] = [integerAt(request, 2), integerAt(request, 3)];
  if (start === undefined || end === undefined) return noIntegerText;
  if (name === undefined) return badNameText;
  return planLast(name, (writer, last) => {
    const text = digits(last);
    if (start < 0n && end < 0n && start > end) return writer.bulk("");
    const size = BigInt(text.length);
    const from = start < 0n ? start + size : start;
    const to = end < 0n ? end + size : end;
    writer.bulk(
      text.slice(
        Number(from < 0n ? 0n : from < size ? from : size),
        Number(to < 0n ? 0n : to < size ? to : size) + 1,
      ),
    );
  });
}
