// Bytes of other nodes, and of any other caller of the raft port: frames, messages of the
// handshake and of Raft. All are read as a value that has exactly these bytes, or as an
// ordinary fault.

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { remedies } from "../../raft/identity/admission.ts";
import { Reader, Writer } from "../../base/bytes.ts";
import {
  DecodeError,
  readChange,
  writeChange,
} from "../../raft/core/save_codec.ts";
import {
  decodePeerMessage,
  encodePeerMessage,
  wireVersion,
} from "../../raft/core/message_codec.ts";
import {
  encodeFrame,
  frameBytesMax,
  FrameReader,
  helloBytesMax,
} from "../../raft/net/frame.ts";
import {
  decodeHandshake,
  encodeHandshake,
  type HandshakeMessage,
  type RefusalReason,
} from "../../raft/identity/hello.ts";
import { Handshake } from "../../raft/net/handshake.ts";
import { InboundHandshake } from "../../raft/net/inbound_handshake.ts";
import { Warnings } from "../../raft/net/warnings.ts";
import { Wire } from "../../raft/net/wire.ts";
import { frameOf, helloOf, responseOf } from "../lib/fake_peer.ts";
import { byteByByte, cuts, hostile, joined, pieces } from "./hostile.ts";
import { withinMemory } from "./memory.ts";
import { change, id, message, text } from "./messages.ts";
import { ScriptedReads } from "./scripted.ts";
import { type Target, target, waitingTarget } from "./target.ts";

const incarnation = "2".repeat(16);
const identity = { cluster: "c".repeat(32), node: "1", incarnation };
const since = fc.maxSafeNat();
const about = { client: "127.0.0.1:11001", version: "0.1.0" };

const nonce = fc.uint8Array({ minLength: 16, maxLength: 16 });
const proof = fc.uint8Array({ minLength: 32, maxLength: 32 });
const evidence = { ownDisk: proof, peerDisk: proof, mark: proof, since };

const handshake: fc.Arbitrary<HandshakeMessage> = fc.oneof(
  fc.record({
    type: fc.constant("hello" as const),
    nonce,
    sender: id,
    receiver: id,
    proof,
  }),
  fc.record({ type: fc.constant("challenge" as const), nonce, proof }),
  fc.record({
    type: fc.constant("response" as const),
    ...evidence,
    client: text,
    version: text,
    address: text,
  }),
  fc.record({
    type: fc.constant("welcome" as const),
    ...evidence,
    incarnation: text,
    client: text,
    version: text,
  }),
  fc.record({
    type: fc.constant("refused" as const),
    reason: fc.constantFrom(...Object.keys(remedies) as RefusalReason[]),
  }),
);

const handshakeBytes = handshake.map(encodeHandshake);
const messageBytes = message.map(encodePeerMessage);

const tokens = [
  "ticketd peer",
  "\x01\x00\x00\x00",
  "\x02\x00\x00\x00",
  "\x00\x00\x00\x00",
  "\xff\xff\xff\xff",
  "\xef\xbb\xbf",
  "\xc0\x80",
  "*1\r\n$6\r\nTICKET\r\n",
  "GET / HTTP/1.1\r\n\r\n",
  "\x16\x03\x01\x02\x00\x01\x00\x01",
];

/** `decode` gives a value that has no other bytes than these, or finds a fault in them. */
function canonical<T>(
  bytes: Uint8Array,
  { decode, encode }: {
    decode: (bytes: Uint8Array) => T;
    encode: (value: T) => Uint8Array;
  },
): void {
  let value: T;
  try {
    value = withinMemory(bytes.length, () => decode(bytes));
  } catch (error) {
    if (error instanceof DecodeError) return;
    throw error;
  }
  same(encode(value), bytes);
}

function same(found: Uint8Array, expected: Uint8Array): void {
  const equal = found.length === expected.length &&
    found.every((byte, i) => byte === expected[i]);
  if (!equal) assert.deepEqual(found, expected);
}

function readsMessage(bytes: Uint8Array): void {
  canonical(bytes, { decode: decodePeerMessage, encode: encodePeerMessage });
}

function readsHandshake(bytes: Uint8Array): void {
  const decoded = withinMemory(bytes.length, () => decodeHandshake(bytes));
  if (decoded.type === "malformed") return;
  if (decoded.type === "foreign") {
    return assert.notEqual(decoded.version, wireVersion);
  }
  const own = encodeHandshake(decoded);
  if (decoded.type !== "refused") return same(own, bytes);
  // A refusal is read from any version, whatever follows the reason.
  same(own.subarray(16, 18), bytes.subarray(16, 18));
}

const saves = {
  decode(bytes: Uint8Array) {
    const reader = new Reader(bytes);
    const value = readChange(reader);
    reader.end();
    return value;
  },
  encode(value: ReturnType<typeof readChange>) {
    const writer = new Writer();
    writeChange(writer, value);
    return writer.copy();
  },
};

// Streams of frames

/** The slow way: all frames of `stream`, and what is wrong after them, if anything is. */
function cutSlowly(stream: Uint8Array, payloadBytesMax: number): string[] {
  const found: string[] = [];
  const view = new DataView(
    stream.buffer,
    stream.byteOffset,
    stream.byteLength,
  );
  for (let at = 0; at + 4 <= stream.length;) {
    const length = view.getUint32(at, true);
    if (length > payloadBytesMax) return [...found, "above"];
    if (at + 8 + length > stream.length) break;
    const payload = stream.slice(at + 8, at + 8 + length);
    if (view.getUint32(at + 4, true) !== crc32(payload)) {
      return [...found, "checksum"];
    }
    found.push(payload.toHex());
    at += 8 + length;
  }
  return found;
}

function cutInPieces(
  parts: readonly Uint8Array[],
  payloadBytesMax: number,
): string[] {
  const reader = new FrameReader(payloadBytesMax);
  const found: string[] = [];
  let bad = false;
  let fed = 0;
  let longest = 0;
  for (const part of parts) {
    reader.push(part);
    fed += part.length;
    longest = Math.max(longest, part.length);
    for (;;) {
      const step = reader.next();
      const most = 2 * Math.min(fed, payloadBytesMax + 8 + longest);
      assert(bad || reader.reservedBytes <= most, "reserved for nothing");
      if (step.type === "bad") {
        const reason = /above|checksum/.exec(step.reason)?.[0] ?? step.reason;
        if (!bad) found.push(reason);
        bad = true;
        break;
      }
      assert(!bad, "something was read after a fault");
      if (step.type === "more") break;
      found.push(step.payload.toHex());
    }
  }
  return found;
}

const payload = fc.oneof(
  { weight: 3, arbitrary: messageBytes },
  { weight: 1, arbitrary: hostile(handshakeBytes, { tokens }) },
  { weight: 1, arbitrary: fc.constant(new Uint8Array()) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(1023, 1024, 1025).map((length) =>
      new Uint8Array(length)
    ),
  },
);
const frames = fc.array(payload, { maxLength: 5, size: "max" }).map((
  payloads,
) => joined(...payloads.map(encodeFrame)));

// A caller, from its first byte to its last

/** A connection on which `first` arrives, then `answer` to each frame that is sent, then the end. */
function scripted(
  first: readonly Uint8Array[],
  answer: (frame: Uint8Array) => readonly Uint8Array[],
): { conn: Deno.TcpConn; state: { closed: number; sent: number } } {
  const reads = new ScriptedReads(first);
  const state = { closed: 0, sent: 0 };
  const conn = {
    localAddr: { transport: "tcp", hostname: "192.0.2.8", port: 8 },
    remoteAddr: { transport: "tcp", hostname: "192.0.2.9", port: 9 },
    read: (space: Uint8Array) => reads.read(space),
    write(bytes: Uint8Array): Promise<number> {
      state.sent += bytes.length;
      reads.push(answer(bytes));
      return Promise.resolve(bytes.length);
    },
    close: () => void state.closed++,
  };
  return { conn: conn as unknown as Deno.TcpConn, state };
}

const role = { ...identity, id: "2", incarnation, other: "1" };
const { hello, meeting } = helloOf(role);
const goodHello = frameOf(hello);

/** Half of the handshakes are right, so that the frames after them are read. */
const meetings = fc.record({
  hello: fc.oneof(
    fc.constant(goodHello),
    hostile(fc.constant(goodHello), { tokens }),
    hostile(handshakeBytes, { tokens }).map(encodeFrame),
  ),
  /** In place of a response that is right. */
  response: fc.option(hostile(handshakeBytes, { tokens }).map(encodeFrame), {
    nil: undefined,
  }),
  more: hostile(frames, { tokens }),
  cuts,
});

type Met = typeof meetings extends fc.Arbitrary<infer Each> ? Each : never;

async function meets({ hello, response, more, cuts }: Met): Promise<void> {
  const lines: string[] = [];
  /** The right response is known only when the challenge has come. */
  const answer = (frame: Uint8Array) => {
    const challenge = decodeHandshake(frame.subarray(8));
    if (challenge.type !== "challenge") return [];
    const met = { ...meeting, acceptorNonce: challenge.nonce };
    const good = () => frameOf(responseOf(role, met));
    return pieces(joined(response ?? good(), more), cuts);
  };
  const { conn, state } = scripted(pieces(hello, cuts), answer);
  const wire = new Wire(conn);
  const log = (_level: string, text: string) => void lines.push(text);
  const warnings = new Warnings(log, {
    pauseMillis: Infinity,
    faultMillis: Infinity,
  });
  const handshake = new Handshake({
    identity,
    about,
    address: "10.0.0.1:12001",
    members: () => ({
      decidedIndex: 0,
      configurationIndex: 1,
      incarnationOf: (id) => id === "2" ? incarnation : "",
      disksOf: (id) => id === "2" ? [incarnation] : [],
    }),
    log,
  }, { warnings, isFree: () => true });
  const inbound = new InboundHandshake(handshake, {
    helloMillis: 1e6,
    unauthenticated: { max: 1, perSourceMax: 1 },
  });
  const admitted = await inbound.admit(wire);
  assert.equal(lines.length, 1);
  // It has what the caller says of itself, as it came: `logger.ts` escapes it.
  assert(lines[0]!.length <= 1200, lines[0]);
  assert(state.sent <= helloBytesMax + 8, `${state.sent} bytes to a caller`);
  assert.equal(wire.closed, admitted === undefined);
  assert.equal(state.closed, admitted === undefined ? 1 : 0);
  if (admitted === undefined) return;
  assert.deepEqual([admitted.sender, admitted.rank], ["2", "known"]);
  for (let left = more.length; left >= 0; left--) {
    const step = await wire.frame();
    if (step.type !== "frame") return wire.close();
    if (step.payload.length > 0) readsMessage(step.payload);
  }
  assert.fail("more frames than bytes");
}

export const frameTargets: readonly Target[] = [
  target({
    name: "frames/stream",
    claim:
      "FrameReader finds the same frames however the bytes are cut, and reserves no more than came",
    weight: 100,
    inputs: fc.record({
      bytes: hostile(frames, { tokens }),
      cuts,
      limit: fc.constantFrom(helloBytesMax, frameBytesMax),
    }),
  }, ({ bytes, cuts, limit }) => {
    const expected = cutSlowly(bytes, limit);
    const ways = [pieces(bytes, cuts)];
    if (bytes.length <= 256) ways.push(byteByByte(bytes));
    for (const parts of ways) {
      assert.deepEqual(cutInPieces(parts, limit), expected);
    }
  }),
  target({
    name: "frames/message",
    claim:
      "decodePeerMessage() reads the one encoding of a message, or throws a DecodeError",
    weight: 200,
    inputs: hostile(messageBytes, { tokens }),
  }, readsMessage),
  target({
    name: "frames/roundtrip",
    claim: "decodePeerMessage() inverts encodePeerMessage() for every message",
    weight: 50,
    inputs: message,
  }, (message) => {
    assert.deepEqual(decodePeerMessage(encodePeerMessage(message)), message);
  }),
  target({
    name: "frames/save",
    claim:
      "readChange() reads the one encoding of a save, or throws a DecodeError",
    weight: 50,
    inputs: hostile(change.map(saves.encode), { tokens }),
  }, (bytes) => canonical(bytes, saves)),
  target({
    name: "frames/handshake",
    claim:
      "decodeHandshake() reads a message, or calls it malformed or foreign",
    weight: 100,
    inputs: hostile(handshakeBytes, { tokens }),
  }, readsHandshake),
  waitingTarget({
    name: "frames/stranger",
    claim:
      "InboundHandshake and Wire let in a caller that proves to be a member, and show any other out with one line",
    weight: 50,
    inputs: meetings,
  }, meets),
];
