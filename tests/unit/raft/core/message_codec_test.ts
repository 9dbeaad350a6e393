// The bytes on the wire: every message comes back as it was, from bytes that must not change
// without a new version; all other bytes are refused, with their place and the reason.

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodePeerMessage,
  encodePeerMessage,
  wireVersion,
} from "../../../../raft/core/message_codec.ts";
import { DecodeError } from "../../../../raft/core/save_codec.ts";
import type {
  AppendEntries,
  PeerMessage,
} from "../../../../raft/core/types.ts";
import {
  counterMax,
  forwardBytesMax,
  takeBytesMax,
  takeCountMax,
  takePartsMax,
} from "../../../../raft/core/limits.ts";
import { snapshotBytesMax } from "../../../../raft/core/entry_codec.ts";
import { takePartBytes } from "../../../../raft/core/take_codec.ts";
import { guestFrameBytesMax } from "../../../../raft/net/frame.ts";
import { nameBytesMax } from "../../../../base/sequence_name.ts";
import { emptySnapshot } from "../../../../raft/core/log.ts";
import { headOf } from "../../../../raft/core/outgoing_snapshot.ts";
import { takeTicketsMax } from "../../../../server/tickets/lane.ts";
import { message } from "../../../fuzz/messages.ts";
import {
  entries,
  entriesHex,
  head,
  headHex,
  u32,
  u64,
} from "./codec_samples.ts";

/** Messages short enough to try every bit of them. */
const short = message.filter((message) =>
  encodePeerMessage(message).length < 1000
);

/** Either the bytes stand for a message, and are its only encoding, or they are refused. */
function decodesOrRefuses(bytes: Uint8Array): void {
  let decoded: PeerMessage;
  try {
    decoded = decodePeerMessage(bytes);
  } catch (error) {
    assert.ok(error instanceof DecodeError, String(error));
    return;
  }
  assert.deepEqual(encodePeerMessage(decoded), bytes);
}

Deno.test("decodePeerMessage() inverts encodePeerMessage() for every message", () => {
  fc.assert(
    fc.property(message, (message) => {
      const decoded = decodePeerMessage(encodePeerMessage(message));
      assert.deepEqual(decoded, message);
    }),
    { numRuns: 500 },
  );
});

Deno.test("decodePeerMessage() refuses every message cut short", () => {
  fc.assert(
    fc.property(short, (message) => {
      const bytes = encodePeerMessage(message);
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(
          () => decodePeerMessage(bytes.subarray(0, length)),
          DecodeError,
        );
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("decodePeerMessage() refuses bytes after the message", () => {
  fc.assert(
    fc.property(message, (message) => {
      const bytes = new Uint8Array([...encodePeerMessage(message), 0]);
      assert.throws(() => decodePeerMessage(bytes), /1 bytes too many/);
    }),
    { numRuns: 50 },
  );
});

Deno.test("decodePeerMessage() survives every flipped bit", () => {
  fc.assert(
    fc.property(short, (message) => {
      const bytes = encodePeerMessage(message);
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = bytes.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        decodesOrRefuses(flipped);
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("decodePeerMessage() survives random bytes behind every tag", () => {
  const bytes = fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 100 }));
  fc.assert(
    fc.property(
      bytes,
      ([tag, rest]) => decodesOrRefuses(new Uint8Array([tag, ...rest])),
    ),
    { numRuns: 3000 },
  );
});

const append: AppendEntries = {
  type: "AppendEntries",
  from: "1",
  to: "2",
  term: 3,
  prevLogIndex: 4,
  prevLogTerm: 3,
  leaderCommit: 4,
  entries: [{
    type: "command",
    index: 5,
    term: 3,
    data: new Uint8Array([1, 2, 3]),
  }],
  sequence: 9,
};
// tag, two ids of one character, term, prevLogTerm, leaderCommit, sequence

const firstAt = 1 + 2 + 2 + 4 * 8;

function patched(at: number, patch: number[]): Uint8Array {
  const bytes = encodePeerMessage(append);
  bytes.set(patch, at);
  return bytes;
}

Deno.test("decodePeerMessage() names the fault and its place", () => {
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(), /1 bytes missing, before byte 0 of 0/],
    [patched(0, [99]), /message type 99/],
    [patched(1, [0]), /an empty node id/],
    [patched(2, [0x20]), /" " is no node id/],
    [patched(1, [65]), /is no node id|bytes missing/],
    [patched(5 + 6, [0x20]), /a number above 2\^53 - 1/],
    [patched(firstAt, [0, 0, 0, 0, 0, 0, 0, 0]), /entries from index 0/],
    [
      patched(firstAt, [255, 255, 255, 255, 255, 255, 31, 0]),
      /index 9007199254740991/,
    ],
    [patched(firstAt + 8, [255, 255, 255, 255]), /4294967295 entries/],
    [patched(firstAt + 12, [7]), /entry type 7/],
    [patched(firstAt + 21, [255, 255, 0, 0]), /65532 bytes missing/],
    [patched(firstAt + 21, [1, 0, 1, 0]), /65537 bytes, above 65536/],
  ];
  for (const [bytes, reason] of cases) {
    assert.throws(() => decodePeerMessage(bytes), (error) => {
      assert.ok(error instanceof DecodeError);
      assert.match(error.message, reason);
      return true;
    });
  }
});

Deno.test("decodePeerMessage() refuses 65 servers and 1025 entries", () => {
  const server = {
    id: "1",
    address: "",
    suffrage: "voter",
    incarnation: "",
  } as const;
  const many = (count: number): PeerMessage => ({
    ...append,
    entries: [{
      type: "configuration",
      index: 5,
      term: 3,
      configuration: { servers: Array(count).fill(server) },
    }],
  });
  const bytes = encodePeerMessage(many(64));
  assert.deepEqual(decodePeerMessage(bytes), many(64));
  bytes[firstAt + 21] = 65;
  assert.throws(() => decodePeerMessage(bytes), /65 servers, above 64/);

  const full = encodePeerMessage({
    ...append,
    entries: Array.from(
      { length: 1024 },
      (_, i) => ({ type: "noop", index: 5 + i, term: 3 }),
    ),
  });
  new DataView(full.buffer).setUint32(firstAt + 8, 1025, true);
  const longer = new Uint8Array([...full, ...full.subarray(-9)]);
  assert.throws(() => decodePeerMessage(longer), /1025 entries/);
});

Deno.test("encodePeerMessage() asserts the limits: a value above them is our bug", () => {
  const data = new Uint8Array(64 * 1024 + 1);
  const bad: PeerMessage[] = [
    { ...append, from: "" },
    { ...append, to: "a b" },
    { ...append, to: "a".repeat(65) },
    { ...append, term: -1 },
    { ...append, term: 2 ** 53 },
    { ...append, term: 1.5 },
    { ...append, prevLogIndex: 7 },
    { ...append, entries: [{ type: "command", index: 5, term: 3, data }] },
    {
      ...{ type: "Forward", from: "1", to: "2", id: 1 },
      data: new Uint8Array(forwardBytesMax + 1),
    },
  ];
  for (const message of bad) {
    assert.throws(() => encodePeerMessage(message), { name: "InvariantError" });
  }
});

Deno.test("encodePeerMessage() gives bytes that later calls leave alone", () => {
  const first = encodePeerMessage(append);
  const copy = first.slice();
  encodePeerMessage({ ...append, term: 77, from: "x" });
  assert.deepEqual(first, copy);
});

Deno.test("decodePeerMessage() copies data out of the receive buffer", () => {
  const bytes = encodePeerMessage(append);
  const decoded = decodePeerMessage(bytes);
  bytes.fill(0);
  assert.deepEqual(decoded, append);
});

Deno.test("Every message has the bytes that version 6 always had", () => {
  assert.equal(wireVersion, 6);
  const ends = { from: "1", to: "2" } as const;
  const envelope = { ...ends, term: 3 };
  const vote = { lastLogIndex: 4, lastLogTerm: 2 };
  const data = Uint8Array.of(8);
  const cases: { [T in PeerMessage["type"]]: [PeerMessage, string] } = {
    PreVote: [
      { ...envelope, type: "PreVote", ...vote },
      "01" + "01310132" + u64(3) + u64(4) + u64(2),
    ],
    PreVoteResponse: [
      { ...envelope, type: "PreVoteResponse", granted: true },
      "02" + "01310132" + u64(3) + "01",
    ],
    RequestVote: [
      { ...envelope, type: "RequestVote", ...vote, transfer: true },
      "03" + "01310132" + u64(3) + u64(4) + u64(2) + "01",
    ],
    RequestVoteResponse: [
      { ...envelope, type: "RequestVoteResponse", granted: false },
      "04" + "01310132" + u64(3) + "00",
    ],
    AppendEntries: [
      {
        ...{ ...envelope, type: "AppendEntries", entries, sequence: 9 },
        ...{ prevLogIndex: 4, prevLogTerm: 2, leaderCommit: 1 },
      },
      "05" + "01310132" + u64(3) + u64(2) + u64(1) + u64(9) + entriesHex,
    ],
    AppendEntriesResponse: [
      {
        ...{ ...envelope, type: "AppendEntriesResponse", sequence: 9 },
        ...{ success: false, matchIndex: 4, matchTerm: 2 },
      },
      "06" + "01310132" + u64(3) + u64(9) + "00" + u64(4) + u64(2),
    ],
    InstallSnapshot: [
      {
        ...{ ...envelope, type: "InstallSnapshot", sequence: 9 },
        ...{ snapshot: head, offset: 2, chunk: Uint8Array.of(7, 8) },
      },
      "07" + "01310132" + u64(3) + u64(9) + headHex + u32(5) + u32(6) + u32(2) +
      u32(2) + "0708",
    ],
    InstallSnapshotResponse: [
      {
        ...{ ...envelope, type: "InstallSnapshotResponse", sequence: 9 },
        offset: 4,
      },
      "10" + "01310132" + u64(3) + u64(9) + u32(4),
    ],
    TimeoutNow: [
      { ...envelope, type: "TimeoutNow" },
      "08" + "01310132" + u64(3),
    ],
    NotMember: [
      { ...envelope, type: "NotMember", configurationIndex: 1 },
      "09" + "01310132" + u64(3) + u64(1),
    ],
    Forward: [
      { ...ends, type: "Forward", id: 7, data },
      "0a" + "01310132" + u64(7) + "01000000" + "08",
    ],
    ForwardResponse: [
      { ...ends, type: "ForwardResponse", id: 7, data },
      "0b" + "01310132" + u64(7) + "01000000" + "08",
    ],
    Take: [
      {
        ...{ ...ends, type: "Take", id: 7, process: 6, term: 3, answered: 4 },
        parts: [
          { name: "a", count: 5, isCapped: true },
          { name: "bc", count: 2, isCapped: false },
        ],
      },
      "0c" + "01310132" + u64(7) + u64(6) + u64(3) + u64(4) + "02000000" +
      "0161" + u64(5) + "01" + "026263" + u64(2) + "00",
    ],
    TakeResponse: [
      {
        ...{ ...ends, type: "TakeResponse", id: 7, process: 6 },
        answers: [
          { at: 1, last: 2n ** 64n - 1n, refusal: undefined },
          { at: 0, last: undefined, refusal: "unknown-sequence" },
        ],
      },
      "0d" + "01310132" + u64(7) + u64(6) + "02000000" +
      "01000000" + "00" + "ff".repeat(8) + "00000000" + "04",
    ],
    Confirm: [
      { ...envelope, type: "Confirm", round: 8 },
      "0e" + "01310132" + u64(3) + u64(8),
    ],
    ConfirmResponse: [
      { ...envelope, type: "ConfirmResponse", round: 8 },
      "0f" + "01310132" + u64(3) + u64(8),
    ],
  };
  for (const [type, [message, hex]] of Object.entries(cases)) {
    assert.equal(message.type, type);
    assert.equal(encodePeerMessage(message).toHex(), hex, type);
    assert.deepEqual(decodePeerMessage(Uint8Array.fromHex(hex)), message);
  }
});

Deno.test("a heartbeat of two one-character ids takes 49 bytes: the format has not changed", () => {
  const bytes = encodePeerMessage({ ...append, entries: [] });
  assert.equal(
    bytes.toHex(),
    "05" + "0131" + "0132" + "0300000000000000" + "0300000000000000" +
      "0400000000000000" + "0900000000000000" + "0500000000000000" + "00000000",
  );
});

Deno.test("decodePeerMessage() refuses numbers that no node can have counted up to", () => {
  const envelope = { from: "1", to: "2", term: 1 } as const;
  const above = counterMax + 1;
  const snapshot = headOf({ ...emptySnapshot, index: 7, term: 1 });
  const install = {
    ...envelope,
    ...{ type: "InstallSnapshot", sequence: 1 } as const,
    ...{ snapshot, offset: 0, chunk: Uint8Array.of() },
  } as const satisfies PeerMessage;
  const vote = { lastLogIndex: 1, lastLogTerm: 1 };
  const part = { name: "a", count: 1, isCapped: false };
  const take = {
    ...{ type: "Take" as const, from: "1", to: "2" },
    ...{ term: 1, process: 1, id: 2 },
    ...{ answered: 1, parts: [part] },
  } as const;
  const answers = [{ at: takePartsMax, last: 1n, refusal: undefined }];
  const cases: PeerMessage[] = [
    { ...envelope, type: "TimeoutNow", term: above },
    { ...envelope, type: "PreVote", ...vote, lastLogIndex: above },
    { ...envelope, type: "PreVote", ...vote, lastLogTerm: above },
    { ...append, leaderCommit: above },
    { ...append, sequence: above },
    { ...append, prevLogTerm: above },
    { ...append, prevLogIndex: above, entries: [] },
    { ...envelope, type: "Confirm", round: above },
    { ...envelope, type: "NotMember", configurationIndex: above },
    { ...install, snapshot: { ...snapshot, index: above } },
    { ...install, snapshot: { ...snapshot, term: above } },
    { ...install, snapshot: { ...snapshot, configurationIndex: 8 } },
    { ...install, snapshot: { ...snapshot, bytes: snapshotBytesMax + 1 } },
    { ...install, offset: 1 },
    { ...install, chunk: Uint8Array.of(1) },
    { ...install, snapshot: { ...snapshot, bytes: 1 } },
    {
      ...{ ...envelope, type: "InstallSnapshotResponse", sequence: 1 },
      offset: snapshotBytesMax + 1,
    },
    { ...take, term: above },
    { ...take, answered: 2 },
    { ...take, parts: [] },
    { ...take, parts: [{ ...part, count: takeCountMax + 1 }] },
    { ...take, parts: [{ ...part, count: 0 }] },
    { ...take, parts: [part, { ...part, name: "a b" }] },
    { ...take, parts: [part, { ...part, name: "COUNT" }] },
    { type: "TakeResponse", from: "1", to: "2", process: 1, id: 1, answers },
  ];
  for (const message of cases) {
    const bytes = encodePeerMessage(message);
    assert.throws(() => decodePeerMessage(bytes), DecodeError, message.type);
  }
});

Deno.test("One part of a take may ask for as many tickets as an isolate asks for at once", () => {
  assert.equal(takeCountMax, takeTicketsMax);
});

Deno.test("A guest's frame holds the largest take, and its answer", () => {
  const name = "n".repeat(nameBytesMax);
  const parts = Math.floor(takeBytesMax / (takePartBytes + name.length));
  const ends = { from: "f".repeat(64), to: "t".repeat(64) };
  const takes = [[parts, name], [takePartsMax, "abcd"]] as const;
  for (const [length, name] of takes) {
    const bytes = encodePeerMessage({
      ...{ type: "Take", ...ends, term: 1, process: 1, id: 1, answered: 0 },
      parts: Array.from({ length }, () => ({ name, count: 1, isCapped: true })),
    });
    assert(bytes.length <= guestFrameBytesMax, `${bytes.length} bytes`);
  }
  const answers = Array.from(
    { length: takePartsMax },
    (_, at) => ({ at, last: 1n, refusal: undefined }),
  );
  const answer = { type: "TakeResponse", ...ends, process: 1, id: 1 } as const;
  const { length } = encodePeerMessage({ ...answer, answers });
  assert(length <= guestFrameBytesMax, `${length} bytes`);
});
