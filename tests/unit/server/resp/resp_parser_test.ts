import assert from "node:assert/strict";
import fc from "fast-check";
import {
  argumentsMax,
  bulkBytesMax,
  commandBytesMax,
  lineBytesMax,
  RespParser,
} from "../../../../server/resp/resp_parser.ts";
import { type Parsed, parseSlowly } from "../../../lib/reference_parser.ts";

function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** As many as one read of a socket brings. */
const readBytes = 64 * 1024;

/** A parser that is fed piece by piece, and what it found so far. */
class Fed {
  readonly parser = new RespParser();
  readonly commands: string[][] = [];
  error: string | undefined;
  /** Folds copies, as TICKET does. */
  fold = false;

  feed(input: Uint8Array): this {
    for (let at = 0; at < input.length; at += readBytes) {
      this.parser.feed(new Uint8Array(input.slice(at, at + readBytes)));
      this.#drain();
    }
    return this;
  }

  get found(): Parsed {
    return { commands: this.commands, error: this.error };
  }

  #drain(): void {
    const { parser } = this;
    for (;;) {
      const outcome = parser.next();
      if (outcome === "more") return;
      if (outcome === "error") {
        this.error = parser.error.replace(/^Protocol error: /, "");
        return;
      }
      const copies = 1 + (this.fold ? parser.repeats() : 0);
      const command = Array.from(
        { length: parser.count },
        (_, at) => textOf(parser.bytes(at)),
      );
      for (let i = 0; i < copies; i++) this.commands.push(command);
    }
  }
}

function whole(text: string): Parsed {
  return new Fed().feed(latin1(text)).found;
}

function byteByByte(text: string): Parsed {
  const fed = new Fed();
  for (const byte of latin1(text)) fed.feed(Uint8Array.of(byte));
  return fed.found;
}

/** The outcome must be that of `expected` however the bytes arrive. */
function check(text: string, expected: Parsed): void {
  const name = JSON.stringify(text.slice(0, 80));
  assert.deepEqual(whole(text), expected, `${name} whole`);
  assert.deepEqual(byteByByte(text), expected, `${name} byte by byte`);
  assert.deepEqual(parseSlowly(text), expected, `${name} by the reference`);
  if (text.length > 200) return;
  const bytes = latin1(text);
  for (let cut = 1; cut < bytes.length; cut++) {
    const fed = new Fed().feed(bytes.subarray(0, cut));
    fed.feed(bytes.subarray(cut));
    assert.deepEqual(fed.found, expected, `${name} cut at ${cut}`);
  }
}

const ticket = "*1\r\n$6\r\nTICKET\r\n";

const good: [input: string, commands: string[][]][] = [
  [ticket, [["TICKET"]]],
  [ticket + ticket + ticket, [["TICKET"], ["TICKET"], ["TICKET"]]],
  ["*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", [["ECHO", ""]]],
  ["*2\r\n$4\r\nECHO\r\n$3\r\n\r\n\0\r\n", [["ECHO", "\r\n\0"]]],
  ["TICKET\r\n", [["TICKET"]]],
  ["TICKET\n", [["TICKET"]]],
  ["  TICKET \r\n", [["TICKET"]]],
  ["'TICKET'\r\n", [["TICKET"]]],
  ['"TICKET"\r\n', [["TICKET"]]],
  ["\r\n\n  \r\n", []],
  ["*0\r\n*-1\r\n*-5\r\n", []],
  [`\r\n${ticket}*0\r\nPING\r\n`, [["TICKET"], ["PING"]]],
  [`PING\r\n${ticket}PING a  b\n`, [["PING"], ["TICKET"], ["PING", "a", "b"]]],
  ["a \"b\\n\\x41\\xzz\\\"\" 'c\\'\\n'\n", [["a", 'b\nAxzz"', "c'\\n"]]],
  ['pre"fix" \'\' ""\n', [["prefix", "", ""]]],
  ["a\vb \v c\n", [["a\vb", "c"]]],
  ["a\rb\r\r\n", [["a", "b"]]],
  ["*", []],
  ["*1\r\n$6\r\nTICKE", []],
  ["'TICKET", []],
];

const bad: [input: string, error: string, commands?: string[][]][] = [
  ["*abc\r\n", "invalid multibulk length"],
  ["*\r\n", "invalid multibulk length"],
  ["*-\r\n", "invalid multibulk length"],
  ["*-0\r\n", "invalid multibulk length"],
  ["*+1\r\n", "invalid multibulk length"],
  ["* 1\r\n", "invalid multibulk length"],
  ["*01\r\n", "invalid multibulk length"],
  ["*1025\r\n", "invalid multibulk length"],
  ["*9223372036854775807\r\n", "invalid multibulk length"],
  ["*99999999999999999999999\r\n", "invalid multibulk length"],
  ["*1\rx", "invalid multibulk length"],
  ["*1\n$6\r\n", "invalid multibulk length"],
  ["*1\r\nf", "expected '$', got 'f'"],
  ["*1\r\n*1\r\n", "expected '$', got '*'"],
  ["*1\r\n$-1\r\n", "invalid bulk length"],
  ["*1\r\n$-5\r\n", "invalid bulk length"],
  ["*1\r\n$abc\r\n", "invalid bulk length"],
  ["*1\r\n$\r\n", "invalid bulk length"],
  ["*1\r\n$06\r\n", "invalid bulk length"],
  ["*1\r\n$65537\r\n", "invalid bulk length"],
  ["*1\r\n$9223372036854775807\r\n", "invalid bulk length"],
  ["*1\r\n$6\rx", "invalid bulk length"],
  ["*1\r\n$6\r\nTICKETx", "expected CRLF after a bulk"],
  ["*1\r\n$6\r\nTICKET\rx", "expected CRLF after a bulk"],
  ["*1\r\n$6\r\nTICKET\n", "expected CRLF after a bulk"],
  ['"TICKET\r\n', "unbalanced quotes in request"],
  ["'TICKET\r\n", "unbalanced quotes in request"],
  ["foo 'bar'baz\r\n", "unbalanced quotes in request"],
  ['foo "bar\\"\n', "unbalanced quotes in request"],
  ['foo "\\\n', "unbalanced quotes in request"],
  [`${ticket}PING\r\n*1\r\n$-5\r\n${ticket}`, "invalid bulk length", [
    ["TICKET"],
    ["PING"],
  ]],
];

Deno.test("RespParser finds the same commands however the bytes are cut", () => {
  for (const [input, commands] of good) {
    check(input, { commands, error: undefined });
  }
});

Deno.test("RespParser tells what is wrong in Redis's words, after the good commands", () => {
  for (const [input, error, commands = []] of bad) {
    check(input, { commands, error });
  }
});

Deno.test("RespParser accepts commands at its limits and refuses those just past", () => {
  const array = (count: number) =>
    `*${count}\r\n${"$1\r\nx\r\n".repeat(count)}`;
  const bulk = (length: number) =>
    `*1\r\n$${length}\r\n${"x".repeat(length)}\r\n`;
  check(array(argumentsMax), {
    commands: [Array(argumentsMax).fill("x")],
    error: undefined,
  });
  check(array(argumentsMax + 1), {
    commands: [],
    error: "invalid multibulk length",
  });
  check(bulk(bulkBytesMax), {
    commands: [["x".repeat(bulkBytesMax)]],
    error: undefined,
  });
  check(bulk(bulkBytesMax + 1), {
    commands: [],
    error: "invalid bulk length",
  });
  const line = "x".repeat(lineBytesMax);
  check(`${line}\n`, { commands: [[line]], error: undefined });
  check(`${line}x`, { commands: [], error: "too big inline request" });
  check(`${line}x\n`, { commands: [], error: "too big inline request" });
  check(`${"x ".repeat(argumentsMax + 1)}\n`, {
    commands: [],
    error: "too big inline request",
  });
  check(`*${line}`, { commands: [], error: "too big mbulk count string" });
  check(`*1\r\n$${line}`, { commands: [], error: "too big bulk count string" });
});

Deno.test("RespParser refuses an array of more than 256 KiB in all", () => {
  const bulk = `$${bulkBytesMax}\r\n${"x".repeat(bulkBytesMax)}\r\n`;
  const input = `*5\r\n${bulk.repeat(5)}`;
  const expected = {
    commands: [],
    error: `too big command, over ${commandBytesMax} bytes`,
  };
  assert.deepEqual(whole(input), expected);
  assert.deepEqual(parseSlowly(input), expected);
});

Deno.test("RespParser reserves no memory for what a client merely announces", () => {
  const fed = new Fed().feed(latin1(`*1024\r\n$${bulkBytesMax}\r\n`));
  assert(fed.parser.reservedBytes <= 2048);
});

Deno.test("RespParser gives memory back after a burst", () => {
  const fed = new Fed().feed(latin1(ticket.repeat(20_000)));
  assert.equal(fed.commands.length, 20_000);
  assert(fed.parser.reservedBytes < 100);
  fed.feed(latin1(`*2\r\n$4\r\nECHO\r\n$40000\r\n${"x".repeat(39_999)}`));
  assert(fed.parser.reservedBytes > 16_384);
  fed.feed(latin1("x\r\n"));
  assert.equal(fed.commands.length, 20_001);
  assert(fed.parser.reservedBytes < 100);
});

Deno.test("RespParser.repeats() steps over exact copies only", () => {
  const parser = new RespParser();
  const load = (text: string) => {
    parser.feed(latin1(text));
  };
  load(ticket.repeat(5) + ticket.toLowerCase() + ticket.slice(0, 9));
  assert.equal(parser.next(), "command");
  assert.equal(parser.repeats(), 4);
  assert.equal(parser.text(0), "TICKET");
  assert.equal(parser.next(), "command");
  assert.equal(parser.text(0), "ticket");
  assert.equal(parser.repeats(), 0);
  assert.equal(parser.next(), "more");
  load(ticket.slice(9));
  assert.equal(parser.next(), "command");
  assert.equal(parser.repeats(), 0);
  assert.equal(parser.next(), "more");
});

Deno.test("RespParser.is() ignores the case of ASCII letters and nothing else", () => {
  const parser = new RespParser();
  parser.feed(latin1("RaFt.LEADER raft\x0eleader r@ft\n"));
  parser.next();
  assert(parser.is(0, "raft.leader"));
  assert(!parser.is(0, "raft.leade"));
  assert(!parser.is(1, "raft.leader"));
  assert(!parser.is(2, "r`ft"));
});

/** Bytes that come near to being commands. */
const traffic = fc.array(
  fc.oneof(
    fc.constantFrom(
      ticket,
      ticket,
      ticket + ticket,
      "PING\r\n",
      "TICKET\n",
      "*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n",
    ),
    fc.array(fc.string({ unit: "binary-ascii", maxLength: 5 }), {
      minLength: 1,
      maxLength: 4,
    }).map((args) =>
      `*${args.length}\r\n` +
      args.map((text) => `$${text.length}\r\n${text}\r\n`).join("")
    ),
    fc.array(
      fc.constantFrom(..."ab \t\v\r\n'\"\\x41nrt*$019-\0\xff"),
      { maxLength: 24 },
    ).map((characters) => characters.join("") + "\n"),
  ),
  { maxLength: 12 },
).map((parts) => parts.join(""));

const mutations = fc.array(
  fc.record({
    at: fc.nat(400),
    kind: fc.constantFrom("replace", "insert", "remove"),
    with: fc.constantFrom(..."\r\n*$-0123456789 '\"\\xTICKET\0\xff"),
  }),
  { maxLength: 3 },
);

Deno.test("RespParser agrees with the reference on mutated traffic in random pieces", () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
  fc.assert(
    fc.property(
      fc.tuple(traffic, mutations, pieces, fc.boolean()),
      ([text, changes, sizes, fold]) => {
        let input = text;
        for (const change of changes) {
          const at = Math.min(change.at, input.length);
          const cut = change.kind === "insert" ? at : at + 1;
          const put = change.kind === "remove" ? "" : change.with;
          input = input.slice(0, at) + put + input.slice(cut);
        }
        const expected = parseSlowly(input);
        const fed = new Fed();
        fed.fold = fold;
        const bytes = latin1(input);
        for (let at = 0, piece = 0; at < bytes.length; piece++) {
          const size = sizes[piece % sizes.length]!;
          fed.feed(bytes.subarray(at, at + size));
          at += size;
        }
        assert.deepEqual(fed.found, expected);
      },
    ),
    { numRuns: 3000 },
  );
});

Deno.test("RespParser agrees with the reference on random bytes", () => {
  const characters = fc.array(
    fc.constantFrom(..."\r\n*$-01239 '\"\\xab\0"),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(characters, (parts) => {
      const text = parts.join("");
      const expected = parseSlowly(text);
      assert.deepEqual(whole(text), expected);
      assert.deepEqual(byteByByte(text), expected);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("RespParser keeps nothing of a command of many words, and tells what it takes until then", () => {
  const parser = new RespParser();
  const before = parser.reservedBytes;
  const text = `*1000\r\n${"$0\r\n\r\n".repeat(1000)}`;
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += 2048) {
    parser.feed(bytes.slice(at, at + 2048));
    if (at + 2048 < bytes.length) assert.equal(parser.next(), "more");
  }
  assert.equal(parser.next(), "command");
  assert.equal(parser.count, 1000);
  assert(parser.reservedBytes > 16_000, `${parser.reservedBytes}`);
  assert.equal(parser.next(), "more");
  assert.equal(parser.reservedBytes, before);
});

Deno.test("RespParser copies none of the bytes that hold whole commands, and keeps no more than the rest", () => {
  const parser = new RespParser();
  const bytes = latin1(ticket.repeat(100) + ticket.slice(0, 5));
  parser.feed(bytes);
  assert.equal(parser.next(), "command");
  assert.equal(parser.bytes(0).buffer, bytes.buffer);
  while (parser.next() === "command");
  assert(parser.reservedBytes < 100, "the rest, not all that came with it");
  bytes.fill(0); // they are the socket's again
  parser.feed(latin1(ticket.slice(5)));
  assert.equal(parser.next(), "command");
  assert.equal(parser.text(0), "TICKET");
});
