// Bytes of another node or a stranger's server about membership: forwarded changes and their
// answers, addresses, and replies to RAFT.CLUSTER and RAFT.JOIN.

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Address,
  formatAddress,
  parseAddress,
} from "../../base/address.ts";
import {
  decodeAnswer,
  decodeCommand,
  encodeAnswer,
  encodeCommand,
} from "../../raft/members/change_codec.ts";
import type { ChangeCommand } from "../../raft/members/change.ts";
import { isShortText } from "../../base/bytes.ts";
import { clusterOf, joinCluster, JoinError } from "../../raft/members/join.ts";
import { type Reply, request } from "../../base/resp_client.ts";
import { cuts, hostile, pieces } from "./hostile.ts";
import { withinMemory } from "./memory.ts";
import { ScriptedReads } from "./scripted.ts";
import { type Target, target, waitingTarget } from "./target.ts";

// Between nodes

const anyText = fc.oneof(
  fc.string({ maxLength: 10 }),
  fc.string({ unit: "binary", maxLength: 10 }),
);
const prevIndex = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 2n ** 53n, 2n ** 64n - 1n),
);
const addition = { id: anyText, address: anyText, prevIndex };
const removal = { id: anyText, prevIndex, force: fc.boolean() };
/** The fields of each command; the compiler names one that is missing. */
const fieldsOf: {
  readonly [T in ChangeCommand["type"]]: {
    readonly [F in keyof Omit<ChangeCommand & { type: T }, "type">]:
      fc.Arbitrary<(ChangeCommand & { type: T })[F]>;
  };
} = {
  "add-voter": addition,
  "add-nonvoter": addition,
  join: {
    id: anyText,
    address: anyText,
    incarnation: anyText,
    cluster: anyText,
    nonvoter: fc.boolean(),
  },
  "remove-server": removal,
  demote: removal,
  promote: { id: anyText, prevIndex },
  transfer: { id: anyText },
  move: { id: anyText, address: anyText, incarnation: anyText, prevIndex },
};
const command: fc.Arbitrary<ChangeCommand> = fc.oneof(
  ...Object.entries(fieldsOf).map(([type, fields]) =>
    fc.record({ type: fc.constant(type), ...fields }) as fc.Arbitrary<
      ChangeCommand
    >
  ),
);
const jsonTokens = [
  ...'{ } [ ] : , " \\ null true 1e999 -0 \\u0000 \\ud800 __proto__ ok'.split(
    " ",
  ),
  ...'"type" "add-voter" "join" "remove-server" "prevIndex" "1" "force" true'
    .split(" "),
  "[".repeat(3000),
  '{"a":'.repeat(3000),
  '"prevIndex":"99999999999999999999"',
  "\xff",
];

const fieldTypes = new Map([
  ["prevIndex", "bigint"],
  ["force", "boolean"],
  ["nonvoter", "boolean"],
]);
const commands = target({
  name: "admin/command",
  claim:
    "decodeCommand() of any bytes gives a command that encodes to itself, or none",
  weight: 100,
  inputs: hostile(command.map(encodeCommand), { tokens: jsonTokens }),
}, (bytes) => {
  const found = withinMemory(bytes.length, () => decodeCommand(bytes));
  if (found === undefined) return;
  const { type: _, ...fields } = found;
  for (const [name, value] of Object.entries(fields)) {
    assert.equal(typeof value, fieldTypes.get(name) ?? "string", name);
  }
  // A half of a character does not survive UTF-8, so every node refuses it.
  const texts = Object.values(fields).filter((value) =>
    typeof value === "string"
  );
  if (!texts.every((text) => text.isWellFormed())) {
    return assert(!texts.every(isShortText), "half a character is let in");
  }
  assert.deepEqual(decodeCommand(encodeCommand(found)), found);
});

const commandRoundtrip = target({
  name: "admin/roundtrip",
  claim:
    "decodeCommand() inverts encodeCommand() for every command of whole characters",
  weight: 20,
  inputs: command,
}, (command) => {
  const whole = JSON.parse(
    JSON.stringify(
      command,
      (_, value) =>
        typeof value === "bigint"
          ? String(value)
          : typeof value === "string"
          ? value.toWellFormed()
          : value,
    ),
  );
  if ("prevIndex" in command) whole.prevIndex = command.prevIndex;
  assert.deepEqual(decodeCommand(encodeCommand(whole)), whole);
});

const answer = fc.oneof(
  fc.constant({ type: "ok" } as const),
  anyText.map((text) => ({ type: "error", text }) as const),
);
const answers = target({
  name: "admin/answer",
  claim: "decodeAnswer() of any bytes gives OK or an error with a text",
  weight: 50,
  inputs: hostile(answer.map(encodeAnswer), { tokens: jsonTokens }),
}, (bytes) => {
  const found = withinMemory(bytes.length, () => decodeAnswer(bytes));
  if (found.type === "ok") return;
  assert(found.type === "error" && typeof found.text === "string");
});

const addressParts = fc.constantFrom(
  ..."[ ] : :: . , 1 0 127 :65535 :65536 00080 :99999 localhost fe80 é \0 \n"
    .split(" "),
  " ",
  "\u2028",
  "a".repeat(64),
  "[::1]:5",
);
const address = fc.oneof(
  fc.array(addressParts, { maxLength: 6 }).map((parts) => parts.join("")),
  anyText,
);
const addresses = target({
  name: "admin/address",
  claim:
    "parseAddress() of any text gives what formatAddress() inverts, or nothing",
  weight: 50,
  inputs: address,
}, (text) => {
  const found = parseAddress(text);
  if (found === undefined) return;
  const { host, port } = found;
  assert(Number.isInteger(port) && port >= 0 && port <= 65_535);
  assert(!/[\s[\]]/.test(host) && host.length < text.length);
  assert.deepEqual(parseAddress(formatAddress(found)), found);
});

// Servers that may not be ticketd

const replies = fc.oneof(
  fc.constantFrom(
    "+OK\r\n",
    "*2\r\n$2\r\nc1\r\n$8\r\n10.0.0.2\r\n",
    "-ERR node is not the leader\r\n",
    "-ERR cannot join: no\r\n",
    "+PONG\r\n",
    "HTTP/1.1 400 Bad Request\r\n\r\n",
    "*-1\r\n",
    "$-1\r\n",
    "$65536\r\n",
    "*256\r\n" + "+x\r\n".repeat(256),
    "*2\r\n$-1\r\n-ERR x\r\n",
  ),
  fc.tuple(anyText, anyText).map(([cluster, via]) => {
    const bulk = (text: string) =>
      `$${new TextEncoder().encode(text).length}\r\n${text}\r\n`;
    return `*2\r\n${bulk(cluster)}${bulk(via)}`;
  }),
);
const replyTokens = [
  ..."\r\n|*2\r\n|*16384\r\n|*16385\r\n|$65536\r\n|$65537\r\n|$-1\r\n|*-1\r\n|+OK\r\n"
    .split("|"),
  ..."$1e3\r\n|$0x10\r\n|$ 1\r\n|$\r\n|*NaN\r\n|_\r\n|%1\r\n|:1\r\n|-ERR \r\n"
    .split("|"),
  "x".repeat(280_000),
];
const utf8 = new TextEncoder();
const replyBytes = hostile(replies.map((text) => utf8.encode(text)), {
  tokens: replyTokens,
});
const asked = fc.record({ bytes: replyBytes, cuts });
type Asked = { readonly bytes: Uint8Array; readonly cuts: readonly number[] };

/** Of what is read, and of one read more. */
const readBytesMax = 256 * 1024 + 16 * 1024;

/** A server that is dialled while `run` runs sends `bytes` and hangs up. */
async function dialled<T>(
  { bytes, cuts }: Asked,
  run: () => Promise<T>,
): Promise<T> {
  const reads = new ScriptedReads(pieces(bytes, cuts));
  let open = 0;
  const connect = () => {
    open++;
    return Promise.resolve({
      localAddr: { transport: "tcp", hostname: "192.0.2.2", port: 2 },
      remoteAddr: { transport: "tcp", hostname: "192.0.2.1", port: 1 },
      setNoDelay() {},
      write: (bytes: Uint8Array) => Promise.resolve(bytes.length),
      read: (space: Uint8Array) => reads.read(space),
      close: () => void open--,
    });
  };
  const { connect: real } = Deno;
  const use = (value: unknown) =>
    Object.defineProperty(Deno, "connect", { value, configurable: true });
  use(connect);
  try {
    return await run();
  } finally {
    use(real);
    assert.equal(open, 0, "a connection was left open");
    assert(reads.count <= readBytesMax, `${reads.count} bytes were read`);
  }
}

const somebody: Address = { host: "192.0.2.1", port: 1 };

function isReply(reply: Reply, depth = 0): boolean {
  if (Array.isArray(reply)) {
    return depth === 0 && reply.length <= 16 * 1024 &&
      reply.every((part) => isReply(part, 1));
  }
  return reply === undefined || typeof reply === "string" ||
    reply instanceof Error;
}

const reply = waitingTarget({
  name: "admin/reply",
  claim:
    "request() gives the same reply or error however the bytes come, and reads a bounded number",
  weight: 50,
  inputs: asked,
}, async (asked) => {
  const { signal } = new AbortController();
  const ask = async (asked: Asked) => {
    try {
      const reply = await dialled(
        asked,
        () => request(somebody, ["PING"], signal),
      );
      assert(isReply(reply), "no reply");
      return { reply };
    } catch (error) {
      assert(error instanceof Error && error.constructor === Error, `${error}`);
      return { failed: error.message };
    }
  };
  const inPieces = await ask(asked);
  assert.deepEqual(inPieces, await ask({ ...asked, cuts: [] }));
});

/** One question each: the first pause would last longer than there is time. */
const impatient = { timeoutMillis: 49, random: () => 1, log() {} };

/** What `run` gives, or `undefined` for a refusal in one line. */
async function unlessRefused<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof JoinError)) throw error;
    assert.match(error.message, /^cannot join/);
    return undefined;
  }
}

const joining = waitingTarget({
  name: "admin/join",
  claim:
    "clusterOf() takes two texts for an answer, of which the first can be a cluster's id, and joinCluster() OK alone",
  weight: 50,
  inputs: asked,
}, async (asked) => {
  const members = ["192.0.2.1:1"];
  const { signal } = new AbortController();
  const reply = await dialled(asked, () => request(somebody, ["X"], signal))
    .catch(() => undefined);
  const found = await unlessRefused(() =>
    dialled(asked, () => clusterOf(members, impatient))
  );
  if (found !== undefined) {
    const { cluster, via } = found;
    const parts = Array.isArray(reply) ? reply : [];
    const texts = parts.every((part) => typeof part === "string");
    assert(texts, "what is no text was taken for one");
    assert.deepEqual([cluster, via], parts);
    // It becomes the identity of a data directory.
    assert(
      cluster !== "" && isShortText(cluster),
      `a cluster called ${cluster}`,
    );
  }
  const question = {
    ...impatient,
    id: "2",
    address: ":1",
    incarnation: "i",
    cluster: "c",
  };
  const joined = await unlessRefused(async () => {
    await dialled(asked, () => joinCluster(members, question));
    return true;
  });
  assert.equal(joined, reply === "OK" ? true : undefined);
});

export const adminTargets: readonly Target[] = [
  commands,
  commandRoundtrip,
  answers,
  addresses,
  reply,
  joining,
];
