// Frames: whole, byte by byte, in every split; damaged and oversized.

import assert from "node:assert/strict";
import {
  encodeFrame,
  frameBytesMax,
  FrameReader,
  helloBytesMax,
} from "../../../../raft/net/frame.ts";

const payloads = [
  new Uint8Array([1, 2, 3]),
  new Uint8Array(0),
  new Uint8Array(300).map((_, i) => i),
];

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** The payloads found when `pieces` arrive one by one; the reason last, if there is a fault. */
function read(
  pieces: readonly Uint8Array[],
  payloadBytesMax = frameBytesMax,
): (number[] | string)[] {
  const reader = new FrameReader(payloadBytesMax);
  const out: (number[] | string)[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (;;) {
      const step = reader.next();
      if (step.type === "more") break;
      if (step.type === "bad") return [...out, step.reason];
      out.push([...step.payload]);
    }
  }
  return out;
}

const stream = concat(payloads.map(encodeFrame));
const expected = payloads.map((payload) => [...payload]);

Deno.test("FrameReader gives the frames back, whole and byte by byte", () => {
  assert.deepEqual(read([stream]), expected);
  assert.deepEqual(
    read([...stream].map((byte) => Uint8Array.of(byte))),
    expected,
  );
});

Deno.test("FrameReader gives the frames back for every split in two", () => {
  for (let at = 0; at <= stream.length; at++) {
    const pieces = [stream.subarray(0, at), stream.subarray(at)];
    assert.deepEqual(read(pieces), expected, `split at ${at}`);
  }
});

Deno.test("FrameReader never takes a flipped bit for a frame", () => {
  const frame = encodeFrame(new Uint8Array([10, 20, 30, 40]));
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const damaged = frame.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    const [first] = read([damaged]);
    // A larger length waits for bytes that never come; `keepalive.ts` ends that.
    if (first === undefined) assert.ok(bit < 32, `bit ${bit}`);
    else assert.match(String(first), /wrong checksum|above/, `bit ${bit}`);
  }
});

Deno.test("FrameReader refuses a frame above the limit when it sees its header", () => {
  const header = new Uint8Array(8);
  new DataView(header.buffer).setUint32(0, helloBytesMax + 1, true);
  assert.deepEqual(read([header], helloBytesMax), [
    "a frame of 1025 bytes, above 1024",
  ]);
  const most = new Uint8Array(helloBytesMax).fill(7);
  assert.deepEqual(read([encodeFrame(most)], helloBytesMax), [[...most]]);
});

Deno.test("FrameReader reserves for what arrived, not for what was announced (PITFALLS 33)", () => {
  const reader = new FrameReader(frameBytesMax);
  reader.push(encodeFrame(new Uint8Array(frameBytesMax)).subarray(0, 100));
  assert.equal(reader.next().type, "more");
  assert.ok(reader.reservedBytes <= 200);
});

Deno.test("FrameReader refuses HTTP, RESP and TLS at once", () => {
  const tls = new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1]);
  const texts = ["GET / HTTP/1.1\r\n", "*1\r\n$6\r\nTICKET\r\n", "PING\r\n"];
  const utf8 = new TextEncoder();
  for (const bytes of [tls, ...texts.map((text) => utf8.encode(text))]) {
    assert.match(String(read([bytes], helloBytesMax)[0]), /above 1024/);
  }
});

Deno.test("FrameReader passes large frames between small ones through unharmed", () => {
  const large = new Uint8Array(frameBytesMax).map((_, i) => i * 7);
  const small = new Uint8Array([9]);
  const whole = new FrameReader(frameBytesMax);
  const bytes = new Uint8Array(large.length + 8);
  bytes.set(encodeFrame(large));
  for (let round = 0; round < 2; round++) {
    for (let at = 0; at < bytes.length; at += 60_000) {
      whole.push(bytes.subarray(at, at + 60_000));
      if (at + 60_000 < bytes.length) assert.equal(whole.next().type, "more");
    }
    const step = whole.next();
    assert.ok(
      step.type === "frame" && step.payload.every((b, i) => b === large[i]),
    );
    whole.push(encodeFrame(small));
    const next = whole.next();
    assert.ok(next.type === "frame" && next.payload[0] === 9);
  }
});
