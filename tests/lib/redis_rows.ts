// Requests to which ticketd must reply as Redis does, to the byte: the rows of the command table
// that Redis has, with wrong arguments too. A test sends them to both. Not here: what ticketd
// refuses on purpose, whose replies its unit tests know.

import assert from "node:assert/strict";
import { encode, exchange } from "./client.ts";

/** Requests of one connection, in their order, a line each. */
export type Scenario = {
  readonly name: string;
  /** `raise NAME N` is TICKET.RAISE to ticketd, and SET to Redis. */
  readonly lines: readonly string[];
  /** Names come in the order of the server: they are compared sorted. */
  readonly isUnordered?: true;
};

/** The request of a line for either server. */
export function requestOf(line: string, server: "ticketd" | "redis"): string {
  const [word = "", ...rest] = line.split(" ").map((word) =>
    word === "''" ? "" : word
  );
  if (word !== "raise") return encode([word, ...rest]);
  return encode([server === "redis" ? "SET" : "TICKET.RAISE", ...rest]);
}

/** Each reply in `text`, as it stands there. */
function splitReplies(text: string): string[] {
  const replies: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = endOfReply(text, at);
    replies.push(text.slice(at, end));
    at = end;
  }
  return replies;
}

/** `reply` with the parts of its last array sorted. */
function sorted(reply: string): string {
  const at = reply.lastIndexOf("*");
  const from = reply.indexOf("\r\n", at) + 2;
  return reply.slice(0, from) + splitReplies(reply.slice(from)).toSorted();
}

function endOfReply(text: string, at: number): number {
  const line = text.indexOf("\r\n", at) + 2;
  if (line < 2) throw new Error(`no reply: ${JSON.stringify(text.slice(at))}`);
  const size = Number(text.slice(at + 1, line - 2));
  switch (text[at]) {
    case "$":
      return size < 0 ? line : line + size + 2;
    case "*":
    case "%": {
      const parts = text[at] === "%" ? size * 2 : size;
      let end = line;
      for (let i = 0; i < parts; i++) end = endOfReply(text, end);
      return end;
    }
    default:
      return line;
  }
}

const reading = [
  ..."GET MGET EXISTS TOUCH TYPE TTL PTTL EXPIRETIME PEXPIRETIME STRLEN".split(
    " ",
  ),
];

/** Both versions of RESP. */
export const protocols = ["2", "3"] as const;

/** Asserts that the replies to `scenario` are the same. */
export function assertSame(
  { name, lines, isUnordered }: Scenario,
  { ours, theirs }: {
    readonly ours: readonly string[];
    readonly theirs: readonly string[];
  },
): void {
  const shown = (replies: readonly string[]) =>
    replies.map((
      reply,
      at,
    ) => [lines[at], isUnordered ? sorted(reply) : reply]);
  assert.deepEqual(shown(ours), shown(theirs), name);
}

/** All replies of `server` at `port` to a scenario in one pipeline. */
export async function repliesOf(
  { lines }: Scenario,
  { port, server, protocol }: {
    readonly port: number;
    readonly server: "ticketd" | "redis";
    readonly protocol: string;
  },
): Promise<string[]> {
  const requests = lines.map((line) => requestOf(line, server)).join("");
  const hello = encode(["HELLO", protocol]);
  return splitReplies(await exchange(port, hello + requests)).slice(1);
}

/** All scenarios: later ones find the sequences of the earlier. */
export const scenarios: readonly Scenario[] = [
  {
    name: "INCR, INCRBY and GET count",
    lines: [
      ..."INCR a,INCR a,INCRBY a 10,GET a,get A,INCR A,INCRBY b 1000000,GET b"
        .split(","),
      "MGET a b none A",
      "INCRBY a 9",
    ],
  },
  {
    name: "Wrong arguments of INCR, INCRBY and GET",
    lines: [
      ..."INCR,INCR a b,INCRBY,INCRBY a,INCRBY a 1 2,GET,GET a b,MGET".split(
        ",",
      ),
      ..."x 1.5 1e3 +5 05 00 -0 '' 0x10 9223372036854775808 -9223372036854775809"
        .split(" ").map((n) => `INCRBY a ${n}`),
      "INCRBY a 99999999999999999999999",
      "GET a",
    ],
  },
  {
    name: "INCR past 2^63 - 1 takes nothing",
    lines: [
      "raise high 9223372036854775805",
      "INCR high",
      "INCRBY high 2",
      "INCR high",
      "INCR high",
      "INCRBY high 1",
      "INCRBY high 1000000",
      "GET high",
      "STRLEN high",
      "OBJECT ENCODING high",
    ],
  },
  {
    name: "What is read of a sequence, and of none",
    lines: [
      ...reading.flatMap((
        command,
      ) => [`${command} a`, `${command} none`, command]),
      "EXISTS a a none b",
      "TOUCH a a none b",
      ..."TYPE TTL PTTL STRLEN EXPIRETIME PEXPIRETIME".split(" ").map((word) =>
        `${word} a b`
      ),
    ],
  },
  {
    name: "GETRANGE and SUBSTR count from both ends",
    lines: [
      "raise digits 1234567890",
      ...["0 -1", "0 0", "-3 -1", "-1 -3", "2 4", "4 2", "-100 100", "9 9"]
        .map((range) => `GETRANGE digits ${range}`),
      ...["10 10", "10 99", "-100 -100", "0 -100", "-100 -5", "5 -6", "x 1"]
        .map((range) => `GETRANGE digits ${range}`),
      "GETRANGE digits 0 9223372036854775807",
      "GETRANGE digits -9223372036854775808 -1",
      "GETRANGE digits 0 1.5",
      "GETRANGE digits 0",
      "GETRANGE none 0 -1",
      "SUBSTR digits 1 3",
      "SUBSTR none 1 3",
      "SUBSTR digits",
    ],
  },
  {
    name: "OBJECT, as a server holds integers",
    lines: [
      "INCR small",
      "raise large 10000",
      ..."ENCODING REFCOUNT".split(" ").flatMap((word) =>
        ["small", "large", "none"].map((name) => `OBJECT ${word} ${name}`)
      ),
      "INCR large",
      "OBJECT REFCOUNT large",
      "OBJECT FREQ small",
      "OBJECT FREQ none",
      "OBJECT IDLETIME none",
      "OBJECT",
      "OBJECT ENCODING",
      "OBJECT ENCODING a b",
      "OBJECT NOSUCH a",
      "MEMORY USAGE none",
      "MEMORY",
      "MEMORY USAGE",
      "MEMORY USAGE a SAMPLES",
      "MEMORY USAGE a NOSUCH 1",
      "MEMORY USAGE a SAMPLES x",
      "MEMORY USAGE a SAMPLES -1",
    ],
  },
  {
    name: "All names",
    isUnordered: true,
    lines: [
      "DBSIZE",
      "DBSIZE x",
      "KEYS *",
      "KEYS ?",
      "KEYS [ab]",
      "KEYS [^ab]*",
      "KEYS none*",
      "KEYS",
      "KEYS a b",
      "SCAN 0 COUNT 1000",
      "SCAN 0 COUNT 1000 MATCH *i*",
      "SCAN 0 MATCH \\a COUNT 1000",
      "SCAN 0 COUNT 1000 TYPE string",
      "SCAN 0 COUNT 1000 TYPE list",
      "SCAN 0 count 1000 match a TyPe string",
    ],
  },
  {
    name: "Wrong arguments of SCAN",
    lines: [
      ..."SCAN,SCAN x,SCAN -,SCAN 1.5,SCAN 99999999999999999999999,SCAN 0 x"
        .split(","),
      ..."SCAN 0 COUNT,SCAN 0 COUNT 0,SCAN 0 COUNT -1,SCAN 0 COUNT x".split(
        ",",
      ),
      ..."SCAN 0 MATCH,SCAN 0 TYPE,SCAN 0 NOSUCH 1,SCAN 0 COUNT 1 MATCH".split(
        ",",
      ),
    ],
  },
  {
    name: "MULTI and EXEC",
    lines: [
      ..."MULTI,INCR t,INCRBY t 5,GET t,MGET t none,EXISTS t,TYPE t,PING,EXEC"
        .split(","),
      ..."MULTI,EXEC,GET t,EXEC,DISCARD,MULTI,INCR t,DISCARD,GET t".split(","),
      ..."MULTI x,EXEC x,DISCARD x,WATCH,UNWATCH x".split(","),
      ..."MULTI,ECHO hello,PING,PING you,SELECT 0,SELECT 1,UNWATCH,EXEC".split(
        ",",
      ),
      ..."multi,incr t,strlen t,getrange t 0 -1,dbsize,exec".split(","),
    ],
  },
  {
    name: "An error while queuing undoes EXEC",
    lines: [
      ..."MULTI,INCR t,INCR,EXEC,GET t".split(","),
      ..."MULTI,INCR t,NOSUCH a b,EXEC,GET t".split(","),
      ..."MULTI,NOSUCH,DISCARD,MULTI,INCR t,EXEC".split(","),
      ..."MULTI,INCR t,MULTI,INCR t,EXEC".split(","),
      ..."MULTI,INCR t,WATCH t,INCR t,EXEC".split(","),
      ..."MULTI,INCR t,EXEC x,EXEC,GET t".split(","),
      ..."MULTI,INCR t,OBJECT NOSUCH,EXEC,GET t".split(","),
      ..."MULTI,INCR t,OBJECT ENCODING,EXEC,GET t".split(","),
    ],
  },
  {
    name: "WATCH lets EXEC do nothing after a change",
    lines: [
      ..."WATCH t,MULTI,INCR t,EXEC".split(","),
      ..."WATCH t,INCR t,MULTI,INCR t,EXEC,GET t".split(","),
      ..."MULTI,INCR t,EXEC".split(","),
      ..."WATCH t,INCR t,UNWATCH,MULTI,INCR t,EXEC".split(","),
      ..."WATCH t,INCR t,MULTI,INCR t,DISCARD,MULTI,INCR t,EXEC".split(","),
      ..."WATCH fresh,INCR fresh,MULTI,INCR t,EXEC,GET t".split(","),
      ..."WATCH a,WATCH t other,INCR other,MULTI,EXEC,MULTI,EXEC".split(","),
      ..."WATCH t t,GET t,MULTI,PING,EXEC".split(","),
      ..."WATCH t,INCR t,WATCH t,MULTI,INCR t,EXEC,GET t".split(","),
      ..."WATCH t,INCR t,MULTI,UNWATCH,INCR t,EXEC,GET t".split(","),
    ],
  },
  {
    name: "What else a client sends",
    lines: [
      ..."PING,PING hello,ECHO x,SELECT 0,SELECT 1,SELECT x,FOO bar,QUIT".split(
        ",",
      ),
    ],
  },
];
