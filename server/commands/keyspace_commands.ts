// What tools ask in the words of Redis to show keys: which there are, page by page, and how a
// server holds them. Replies are those of Redis 7 for strings of digits. Nothing here changes
// a sequence. Not here: the last numbers (`sequence_commands.ts`).

import { int64Max } from "../../base/range.ts";
import { groupsBusyText } from "../tickets/refusals.ts";
import type { RespParser } from "../resp/resp_parser.ts";
import type { RespWriter } from "../resp/resp_writer.ts";
import { planned } from "./asking.ts";
import {
  type Command,
  needsSubcommand,
  type NodeDoor,
  reply,
  type Service,
  type Session,
} from "./command.ts";
import { Glob } from "./glob.ts";
import { outcomeText } from "./outcome_texts.ts";
import { type Plan, plan, planLast, resultOf } from "./plan.ts";
import {
  badNameText,
  cursorAt,
  integerAt,
  invalidCursorText,
  longPatternText,
  nameAt,
  noIntegerText,
  pageNamesMax,
  pageOptions,
  patternAt,
  syntaxText,
} from "./sequence_arguments.ts";

/** Bytes of all names in a reply to KEYS: they are in memory until the client has read them. */
export const keysBytesMax = 256 * 1024;

const tooManyKeysText =
  `ERR more than ${keysBytesMax} bytes of names match; use SCAN or TICKET.LIST`;

/** Redis' text for OBJECT FREQ, which needs a setting that nobody has made. */
const noFrequencyText =
  "ERR An LFU maxmemory policy is not selected, access frequency not tracked. " +
  "Please note that when switching between policies at runtime LRU and LFU data " +
  "will take some time to adjust.";

/** What Redis says of an object that it never frees, which it keeps for small integers. */
const sharedReferences = 2 ** 31 - 1;
const sharedIntegers = 10_000n;

/** Bytes, about, that a node keeps for a sequence beside its name. */
const sequenceBytes = 100;

const looks = {
  flags: ["for-visitors", "may-wait"],
  redisFlags: ["readonly"],
} satisfies Partial<Command>;

/** The rows of DBSIZE, KEYS, MEMORY, OBJECT and SCAN. */
export const keyspaceCommands: readonly Command[] = [
  planned({
    name: "dbsize",
    arguments: [0, 0],
    ...looks,
    help: "How many sequences there are",
    plan: () =>
      plan(
        { type: "size" },
        "size",
        (writer, { size }) => writer.integer(size),
      ),
  }),
  {
    name: "keys",
    arguments: [1, 1],
    redisFlags: looks.redisFlags,
    // It asks for one page after the other: that is at no one moment.
    flags: [...looks.flags, "not-queued"],
    help: "The sequences that match, if they are not too many: glob",
    run: runKeys,
  },
  {
    name: "memory",
    arguments: [1],
    ...looks,
    keys: [2, 2, 1],
    help: "What a sequence takes in memory",
    run: needsSubcommand,
    subcommands: [
      planned({
        name: "usage",
        arguments: [1, 3],
        help: "Bytes of a sequence, about: name [SAMPLES n]",
        plan: planUsage,
      }),
    ],
  },
  {
    name: "object",
    arguments: [1],
    ...looks,
    keys: [2, 2, 1],
    help: "How Redis would hold the last number of a sequence",
    run: needsSubcommand,
    subcommands: [
      objectRow("encoding", "int, or embstr of a number above 2^63 - 1: name", {
        write: (writer, last) =>
          writer.bulk(last <= int64Max ? "int" : "embstr"),
      }),
      objectRow("freq", "Refused: nothing is counted: name", {
        write: (writer) => writer.error(noFrequencyText),
      }),
      objectRow("idletime", "0: name", {
        write: (writer) => writer.integer(0),
      }),
      objectRow("refcount", "1, or more for a number below 10,000: name", {
        write: (writer, last) =>
          writer.integer(last < sharedIntegers ? sharedReferences : 1),
      }),
    ],
  },
  planned({
    name: "scan",
    arguments: [1],
    ...looks,
    help: "Names, in pages: cursor [MATCH glob] [COUNT n] [TYPE type]",
    plan: planScan,
  }),
];

function objectRow(
  name: string,
  help: string,
  { write }: {
    readonly write: (writer: RespWriter, last: bigint) => void;
  },
): Command {
  return planned({
    name,
    arguments: [1, 1],
    help,
    plan(request) {
      const key = nameAt(request, 2);
      if (key === undefined) return badNameText;
      return planLast(key, (writer, last, protocol) => {
        if (last === undefined) writer.null(protocol);
        else write(writer, last);
      });
    },
  });
}

function planUsage(request: RespParser): Plan | string {
  const { count } = request;
  if (count > 3) {
    if (count === 4 || !request.is(3, "samples")) return syntaxText;
    const samples = integerAt(request, 4);
    if (samples === undefined) return noIntegerText;
    if (samples < 0n) return syntaxText;
  }
  const name = nameAt(request, 2);
  if (name === undefined) return badNameText;
  return planLast(name, (writer, last, protocol) => {
    if (last === undefined) writer.null(protocol);
    else writer.integer(sequenceBytes + name.length);
  });
}

function planScan(request: RespParser): Plan | string {
  const cursor = cursorAt(request, 1);
  if (cursor === undefined) return invalidCursorText;
  const page = pageOptions(request, { index: 2, cursor, hasType: true });
  if (typeof page === "string") return page;
  const { count, pattern, isString } = page;
  return plan({ type: "list", cursor, count }, "page", (writer, result) => {
    const names = isString ? matching(result.sequences, pattern) : [];
    writer.array(2);
    writer.bulk(`${result.next}`);
    writer.array(names.length);
    for (const name of names) writer.bulk(name);
  });
}

function matching(
  sequences: readonly (readonly [name: string, last: bigint])[],
  pattern: string | undefined,
): string[] {
  const names = sequences.map(([name]) => name);
  if (pattern === undefined) return names;
  const glob = new Glob(pattern);
  return names.filter((name) => glob.matches(name));
}

/**
 * Looks at one page after the other. Sequences never go, and keep their order: so all that there
 * were at the beginning are seen, and of those that were begun meanwhile some.
 */
function runKeys(session: Session, { link: { groups }, searches }: Service) {
  const pattern = patternAt(session.request, 1);
  if (pattern === undefined) return reply(session).error(longPatternText);
  const { replies } = session;
  // It may wait for its place, and asks more than once: what comes behind must not overtake it.
  const answer = replies.expectAnswer("group", { isAlone: true });
  const isWanted = () => !replies.isGone;
  replies.startGroup(() => {
    const begin = (done: () => void) =>
      search(groups, {
        pattern,
        isWanted,
        end(write) {
          if (write !== undefined) answer(write);
          done();
        },
      });
    if (searches.admit({ isWanted, begin })) return;
    answer((writer) => writer.error(groupsBusyText));
  });
}

/** Calls `end` once, with what writes the reply; with nothing if it is not wanted any more. */
function search(
  groups: NodeDoor["groups"],
  { pattern, isWanted, end }: {
    readonly pattern: string;
    readonly isWanted: () => boolean;
    readonly end: (write?: (writer: RespWriter) => void) => void;
  },
): void {
  const names: string[] = [];
  let bytes = 0;
  const refuse = (text: string) => end((writer) => writer.error(text));
  const askPage = (cursor: number) => {
    const group = [{ type: "list", cursor, count: pageNamesMax }] as const;
    if (!isWanted()) return end();
    if (!groups.hasRoom(group)) return refuse(groupsBusyText);
    groups.ask(group, (outcome) => {
      if (outcome.type !== "done") return refuse(outcomeText(outcome, group));
      const { sequences, next } = resultOf(outcome.results[0], "page");
      for (const name of matching(sequences, pattern)) {
        names.push(name);
        bytes += name.length;
      }
      if (bytes > keysBytesMax) return refuse(tooManyKeysText);
      if (next !== 0) return askPage(next);
      end((writer) => {
        writer.array(names.length);
        for (const name of names) writer.bulk(name);
      });
    });
  };
  askPage(0);
}
