// What the clients of many sequences ask, and what must be true of each answer: numbers as the
// checker of their sequence says (`range_checker.ts`), last numbers linearizable, groups atomic and
// contiguous. Nothing here sends or reads: a request is words and a judge of its replies.
//
// One thread sends and reads, so the order of its calls is real time, as for the checker: `asks()`
// when a request is sent is a number that every answer to it must reach or exceed.

import type { Random } from "../lib/random.ts";
import { type Reply, ReplyError } from "../lib/client.ts";
import type { Line, RangeChecker } from "./range_checker.ts";

/** One sequence as the clients know it. */
export type Sequence = {
  readonly name: string;
  readonly checker: RangeChecker;
};

/** One connection: its last number of each sequence. */
export class Connection {
  readonly #lines = new Map<string, Line>();

  lineOf({ name, checker }: Sequence): Line {
    let line = this.#lines.get(name);
    if (line === undefined) this.#lines.set(name, line = checker.line());
    return line;
  }
}

/** Commands that go out together, and the judge of their replies. */
export type Request = {
  readonly commands: readonly (readonly string[])[];
  /** One reply for each command, in order. Throws `Unkept` if a promise is broken. */
  answered(replies: readonly Reply[]): void;
  /** The replies will not come: all that was asked for may be used up. */
  unanswered(): void;
};

/** A promise was broken, or a reply is none. */
export class Unkept extends Error {
  override readonly name = "Unkept";
}

/** The replies of a node without a leader, and of one that ends. Any may burn numbers. */
const refusals =
  /^(CLUSTERDOWN |ERR (the node|the leader|leadership was lost|there is no leader|a majority|this node belongs))/;

/** Whether `reply` says that there was nobody to answer; throws on any other error. */
function isRefused(reply: Reply): boolean {
  if (!(reply instanceof ReplyError)) return false;
  if (!refusals.test(reply.message)) throw new Unkept(reply.message);
  return true;
}

/** One command about one sequence, sent when `asks()` said `floor`. */
type Operation = {
  readonly words: readonly string[];
  readonly sequence: Sequence;
  /** Numbers that it takes, or passes over. */
  readonly count: number;
  readonly floor: number;
  /** What its reply says; throws if that is no reply to it. */
  readonly read: (reply: Reply) => Seen;
};

type Seen =
  | { readonly type: "taken"; readonly first: number; readonly last: number }
  /** Of numbers asked for after the reply none is up to `last`. */
  | { readonly type: "last"; readonly last: number }
  | { readonly type: "raised"; readonly to: number };

/** A sequence of which only groups that fail want numbers. */
const neverBegun = "never-begun";
/** The most numbers of a block. */
const blockMax = 200;
/** The most numbers that a raise passes over. */
const reachMax = 100;
/** The most commands between MULTI and EXEC. */
const groupMax = 5;
/** The most numbers of one sequence that one request asks for. */
export const countMax = groupMax * Math.max(blockMax, reachMax);

/**
 * Draws requests about `sequences`, of which the first is drawn as often as all others together.
 * `busy` is drawn seldom, and never raised: whatever touches it holds its many other clients up.
 */
export class Requests {
  readonly #sequences: readonly Sequence[];
  readonly #busy: Sequence | undefined;
  readonly #random: Random;
  /** How many requests of each kind were answered with what was asked for. */
  readonly counts = { single: 0, group: 0, failed: 0, watched: 0 };

  constructor(
    sequences: readonly Sequence[],
    { random, busy }: {
      readonly random: Random;
      readonly busy?: Sequence | undefined;
    },
  ) {
    this.#sequences = sequences;
    this.#busy = busy;
    this.#random = random;
  }

  /** A request for `connection`, which is sent now. */
  draw(connection: Connection): Request {
    const kind = this.#random(10);
    if (kind < 6) return this.#single(connection);
    if (kind < 9) return this.#group(connection);
    return this.#failing();
  }

  /** An EXEC behind WATCH, which is sent now: `seen`, the reply to GET, has come. */
  watched(
    connection: Connection,
    { sequence, seen }: { readonly sequence: Sequence; readonly seen: Reply },
  ): Request {
    const { name, checker } = sequence;
    const before = numberOf(seen ?? "0");
    const floor = checker.asks();
    return {
      commands: [["MULTI"], ["INCR", name], ["EXEC"]],
      answered: (replies) => {
        const [begun, queued, done] = replies;
        // A WATCH that was refused lets EXEC do nothing.
        if (begun !== "OK" || queued !== "QUEUED") throw unlike("MULTI", begun);
        if (done === undefined) return;
        if (done instanceof ReplyError) {
          if (!/^EXECABORT /.test(done.message)) isRefused(done);
          checker.unanswered(1);
          return;
        }
        if (!Array.isArray(done)) throw unlike("EXEC", done);
        const number = numberOf(done[0]);
        if (number !== before + 1) {
          throw new Unkept(`${name}: EXEC gave ${number}, WATCH saw ${before}`);
        }
        const range = { first: number, last: number, floor };
        checker.answers(connection.lineOf(sequence), range);
        this.counts.watched++;
      },
      unanswered: () => checker.unanswered(1),
    };
  }

  #single(connection: Connection): Request {
    const operation = this.#operation();
    return {
      commands: [operation.words],
      answered: ([reply]) => {
        if (isRefused(reply)) return lost(operation);
        judge([operation], [operation.read(reply)], connection);
        this.counts.single++;
      },
      unanswered: () => lost(operation),
    };
  }

  /** All or nothing, at one moment. */
  #group(connection: Connection): Request {
    const count = 1 + this.#random(groupMax);
    const operations = Array.from({ length: count }, () => this.#operation());
    const unanswered = () => operations.forEach(lost);
    return {
      commands: [["MULTI"], ...operations.map(({ words }) => words), ["EXEC"]],
      answered: (replies) => {
        const done = replies.at(-1);
        for (const reply of replies.slice(1, -1)) {
          if (reply !== "QUEUED") throw unlike("a command of MULTI", reply);
        }
        if (isRefused(done)) return unanswered();
        if (!Array.isArray(done) || done.length !== count) {
          throw unlike("EXEC", done);
        }
        const seen = operations.map(({ read }, i) => read(done[i]));
        judge(operations, seen, connection);
        this.counts.group++;
      },
      unanswered,
    };
  }

  /** One command of it is refused: nothing may be taken, so a sequence does not even begin. */
  #failing(): Request {
    const { name } = this.#sequence();
    return {
      commands: [
        ["MULTI"],
        ["INCR", neverBegun],
        ["DECR", name],
        ["EXEC"],
        ["GET", neverBegun],
      ],
      answered: ([, , refused, done, seen]) => {
        for (const reply of [refused, done]) {
          if (!(reply instanceof ReplyError)) throw unlike("DECR", reply);
        }
        if (isRefused(seen)) return;
        if (seen !== undefined) {
          throw new Unkept(`an EXEC that failed took up to ${seen}`);
        }
        this.counts.failed++;
      },
      unanswered() {},
    };
  }

  #operation(): Operation {
    const sequence = this.#sequence();
    const { name, checker } = sequence;
    const floor = checker.asks();
    const operation = (
      count: number,
      words: readonly string[],
      read: Operation["read"],
    ) => ({ words, sequence, count, floor, read });
    const random = this.#random;
    switch (random(12)) {
      case 0:
      case 1: {
        const count = 1 + random(blockMax);
        const words = ["TICKET", name, "COUNT", `${count}`];
        return operation(count, words, (reply) => blockIn(reply, count));
      }
      case 2: {
        const count = 1 + random(blockMax);
        const words = ["INCRBY", name, `${count}`];
        return operation(count, words, (reply) => endingIn(reply, count));
      }
      case 3:
      case 4:
        return operation(0, ["GET", name], lastIn);
      case 5:
        return operation(0, ["TICKET.LAST", name], lastIn);
      case 6: {
        if (sequence === this.#busy) {
          return operation(0, ["TICKET.LAST", name], lastIn);
        }
        const count = random(reachMax);
        const to = floor + count;
        return operation(count, ["TICKET.RAISE", name, `${to}`], (reply) => {
          if (reply !== "OK") throw unlike("TICKET.RAISE", reply);
          return { type: "raised", to };
        });
      }
      case 7:
      case 8:
        return operation(1, ["TICKET", name], (reply) => endingIn(reply, 1));
      default:
        return operation(1, ["INCR", name], (reply) => endingIn(reply, 1));
    }
  }

  #sequence(): Sequence {
    if (this.#busy !== undefined && this.#random(40) === 0) return this.#busy;
    const { length } = this.#sequences;
    const at = this.#random(2 * length);
    return this.#sequences[at < length ? at : 0]!;
  }
}

/**
 * Holds what one moment gave against the checkers, the connection, and itself: within a group
 * the numbers of a sequence follow each other, and a last number is the one before.
 */
function judge(
  operations: readonly Operation[],
  seen: readonly Seen[],
  connection: Connection,
): void {
  /** Of each sequence, what the group has shown so far. */
  const known = new Map<string, Seen & { readonly end: number }>();
  for (const [i, { sequence, count, floor }] of operations.entries()) {
    const { name, checker } = sequence;
    const line = connection.lineOf(sequence);
    const now = seen[i]!;
    const before = known.get(name);
    const end = now.type === "raised" ? now.to : now.last;
    const told = `${name}: ${JSON.stringify(now)}`;
    if (now.type === "taken") {
      if (before?.type === "taken" && now.first !== before.end + 1) {
        throw new Unkept(`${told} after ${before.end} in one group`);
      }
      if (before !== undefined && now.first <= before.end) {
        throw new Unkept(`${told} after ${before.end} was told in one group`);
      }
      checker.answers(line, { ...now, floor });
    } else if (now.type === "last") {
      // In real time, on the connection, and in the group.
      if (end < floor || end < line.last) {
        throw new Unkept(
          `${told}, and ${Math.max(floor, line.last)} was told before`,
        );
      }
      const isExact = before !== undefined && before.type !== "raised";
      if (isExact && end !== before.end) {
        throw new Unkept(`${told} after ${before.end} in one group`);
      }
    } else checker.unanswered(count);
    const upTo = Math.max(end, before?.end ?? 0);
    known.set(name, { ...now, end: upTo });
    checker.passes(upTo);
    line.last = Math.max(line.last, upTo);
  }
}

/** All that `operation` asked for may be used up. */
function lost({ sequence, count }: Operation): void {
  sequence.checker.unanswered(count);
}

function blockIn(reply: Reply, count: number): Seen {
  if (!Array.isArray(reply) || reply.length !== 2) throw unlike("COUNT", reply);
  const [first, last] = [numberOf(reply[0]), numberOf(reply[1])];
  if (last - first + 1 !== count) throw unlike(`COUNT ${count}`, reply);
  return { type: "taken", first, last };
}

function endingIn(reply: Reply, count: number): Seen {
  const last = numberOf(reply);
  return { type: "taken", first: last - count + 1, last };
}

/** A sequence that nobody has begun has no last number. */
function lastIn(reply: Reply): Seen {
  return { type: "last", last: numberOf(reply ?? "0") };
}

function numberOf(reply: Reply): number {
  const number = typeof reply === "bigint" ||
      (typeof reply === "string" && /^\d+$/.test(reply))
    ? Number(reply)
    : NaN;
  if (!Number.isSafeInteger(number)) throw unlike("a number", reply);
  return number;
}

function unlike(what: string, reply: Reply): Unkept {
  const text = reply instanceof Error ? reply.message : reply;
  return new Unkept(`no reply to ${what}: ${text}`);
}
