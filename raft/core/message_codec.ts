// The bytes on the wire: every message between nodes, encoded and decoded, with the bounds
// that another node's numbers must keep. Frames stand in `net/frame.ts`, the handshake in
// `identity/hello.ts`; the disk has a format and a version of its own, in `save_codec.ts`.
// Little-endian:
//
//   message = tag u8 · from id · to id · body      tags and bodies: the table below
//
// with entries and snapshots of `entry_codec.ts` and the fields of `base/bytes.ts`. Numbers
// are u64; terms, indexes, sequences and rounds stay below `counterMax`. Each value has one
// encoding; nothing else decodes.

import { assert } from "../../base/assert.ts";
import { Reader, Writer } from "../../base/bytes.ts";
import { readChunk, readSnapshotBytes, writeChunk } from "./chunk_codec.ts";
import { readEntries, writeEntries } from "./entry_codec.ts";
import { counter, counterMax, forwardBytesMax } from "./limits.ts";
import {
  readTake,
  readTakeResponse,
  writeTake,
  writeTakeResponse,
} from "./take_codec.ts";
import type { NodeId, PeerMessage } from "./types.ts";

/**
 * The version of the format below. The handshake tells it, and two nodes talk only if
 * they have the same. Raise it when an old node could misread a message or the handshake.
 */
export const wireVersion = 6;

/** Entries in one AppendEntries; a save may hold more. */
export const messageEntriesMax = 1024;

type Type = PeerMessage["type"];
type MessageOf = {
  readonly [T in Type]: Extract<PeerMessage, { readonly type: T }>;
};

/** The two fields that begin every message. */
type Ends = { readonly from: NodeId; readonly to: NodeId };

/** One type of message: its tag, and its body both ways. */
type Codec<T extends Type> = {
  readonly tag: number;
  readonly write: (writer: Writer, message: MessageOf[T]) => void;
  /** Properties are evaluated in the order written, which is the order of the bytes. */
  readonly read: (reader: Reader, ends: Ends) => MessageOf[T];
};

/**
 * One row a type of message, above it the body's bytes. A type without its row, or a row
 * that makes a message of another type, does not compile.
 */
const codecs: { readonly [T in Type]: Codec<T> } = {
  // term · lastLogIndex · lastLogTerm
  PreVote: {
    tag: 1,
    write: (writer, message) => {
      writer.u64(message.term);
      writer.u64(message.lastLogIndex);
      writer.u64(message.lastLogTerm);
    },
    read: (reader, ends) => ({
      type: "PreVote",
      ...ends,
      term: counter(reader),
      lastLogIndex: counter(reader),
      lastLogTerm: counter(reader),
    }),
  },
  // term · granted bool
  PreVoteResponse: {
    tag: 2,
    write: (writer, message) => {
      writer.u64(message.term);
      writer.u8(message.granted ? 1 : 0);
    },
    read: (reader, ends) => ({
      type: "PreVoteResponse",
      ...ends,
      term: counter(reader),
      granted: reader.bool(),
    }),
  },
  // term · lastLogIndex · lastLogTerm · transfer bool
  RequestVote: {
    tag: 3,
    write: (writer, message) => {
      writer.u64(message.term);
      writer.u64(message.lastLogIndex);
      writer.u64(message.lastLogTerm);
      writer.u8(message.transfer ? 1 : 0);
    },
    read: (reader, ends) => ({
      type: "RequestVote",
      ...ends,
      term: counter(reader),
      lastLogIndex: counter(reader),
      lastLogTerm: counter(reader),
      transfer: reader.bool(),
    }),
  },
  // term · granted bool
  RequestVoteResponse: {
    tag: 4,
    write: (writer, message) => {
      writer.u64(message.term);
      writer.u8(message.granted ? 1 : 0);
    },
    read: (reader, ends) => ({
      type: "RequestVoteResponse",
      ...ends,
      term: counter(reader),
      granted: reader.bool(),
    }),
  },
  // term · prevLogTerm · leaderCommit · sequence · entries, the first at prevLogIndex + 1
  AppendEntries: {
    tag: 5,
    write: (writer, message) => {
      writer.u64(message.term);
      writer.u64(message.prevLogTerm);
      writer.u64(message.leaderCommit);
      writer.u64(message.sequence);
      assert(
        message.entries.length <= messageEntriesMax,
        `${message.entries.length} entries in a message`,
      );
      writeEntries(writer, message.prevLogIndex + 1, message.entries);
    },
    read: (reader, ends) => {
      const fields = {
        term: counter(reader),
        prevLogTerm: counter(reader),
        leaderCommit: counter(reader),
        sequence: counter(reader),
      };
      const { first, entries } = readEntries(reader, messageEntriesMax);
      if (first === 0) reader.fail("entries from index 0");
      if (first > counterMax) reader.fail(`entries from index ${first}`);
      const prevLogIndex = first - 1;
      return {
        type: "AppendEntries",
        ...ends,
        ...fields,
        prevLogIndex,
        entries,
      };
    },
  },
  // term · sequence · success bool · matchIndex · matchTerm
  AppendEntriesResponse: {
    tag: 6,
    write: (writer, message) => {
      writer.u64(message.term);
      writer.u64(message.sequence);
      writer.u8(message.success ? 1 : 0);
      writer.u64(message.matchIndex);
      writer.u64(message.matchTerm);
    },
    read: (reader, ends) => ({
      type: "AppendEntriesResponse",
      ...ends,
      term: counter(reader),
      sequence: counter(reader),
      success: reader.bool(),
      matchIndex: counter(reader),
      matchTerm: counter(reader),
    }),
  },
  // term · sequence · chunk of `chunk_codec.ts`
  InstallSnapshot: {
    tag: 7,
    write: (writer, message) => {
      writer.u64(message.term);
      writer.u64(message.sequence);
      writeChunk(writer, message);
    },
    read: (reader, ends) => ({
      type: "InstallSnapshot",
      ...ends,
      term: counter(reader),
      sequence: counter(reader),
      ...readChunk(reader),
    }),
  },
  // term · sequence · offset u32
  InstallSnapshotResponse: {
    tag: 16,
    write: (writer, message) => {
      writer.u64(message.term);
      writer.u64(message.sequence);
      writer.u32(message.offset);
    },
    read: (reader, ends) => ({
      type: "InstallSnapshotResponse",
      ...ends,
      term: counter(reader),
      sequence: counter(reader),
      offset: readSnapshotBytes(reader),
    }),
  },
  // term
  TimeoutNow: {
    tag: 8,
    write: (writer, message) => writer.u64(message.term),
    read: (reader, ends) => ({
      type: "TimeoutNow",
      ...ends,
      term: counter(reader),
    }),
  },
  // term · configurationIndex
  NotMember: {
    tag: 9,
    write: (writer, message) => {
      writer.u64(message.term);
      writer.u64(message.configurationIndex);
    },
    read: (reader, ends) => ({
      type: "NotMember",
      ...ends,
      term: counter(reader),
      configurationIndex: counter(reader),
    }),
  },
  // term · round
  Confirm: {
    tag: 14,
    write: (writer, message) => {
      writer.u64(message.term);
      writer.u64(message.round);
    },
    read: (reader, ends) => ({
      type: "Confirm",
      ...ends,
      term: counter(reader),
      round: counter(reader),
    }),
  },
  // term · round
  ConfirmResponse: {
    tag: 15,
    write: (writer, message) => {
      writer.u64(message.term);
      writer.u64(message.round);
    },
    read: (reader, ends) => ({
      type: "ConfirmResponse",
      ...ends,
      term: counter(reader),
      round: counter(reader),
    }),
  },
  // id · data
  Forward: {
    tag: 10,
    write: (writer, message) => {
      writer.u64(message.id);
      writer.data(message.data, forwardBytesMax);
    },
    read: (reader, ends) => ({
      type: "Forward",
      ...ends,
      id: reader.u64(),
      data: reader.data(forwardBytesMax),
    }),
  },
  // id · data
  ForwardResponse: {
    tag: 11,
    write: (writer, message) => {
      writer.u64(message.id);
      writer.data(message.data, forwardBytesMax);
    },
    read: (reader, ends) => ({
      type: "ForwardResponse",
      ...ends,
      id: reader.u64(),
      data: reader.data(forwardBytesMax),
    }),
  },
  // as `take_codec.ts` has it
  Take: { tag: 12, write: writeTake, read: readTake },
  TakeResponse: { tag: 13, write: writeTakeResponse, read: readTakeResponse },
};

/** A lookup by which the compiler knows that a message and its codec have the same type. */
function codecOf<T extends Type>(type: T): Codec<T> {
  return codecs[type];
}

const codecsByTag = new Map(
  Object.values(codecs).map((codec) => [codec.tag, codec]),
);

const scratch = new Writer();

/**
 * The bytes of one message, behind `headBytes` bytes that are left for the caller to fill in;
 * the caller owns them.
 */
export function encodePeerMessage(
  message: PeerMessage,
  headBytes = 0,
): Uint8Array<ArrayBuffer> {
  const writer = scratch;
  const codec = codecOf(message.type);
  writer.reset();
  writer.skip(headBytes);
  writer.u8(codec.tag);
  writer.id(message.from);
  writer.id(message.to);
  codec.write(writer, message);
  return writer.copy();
}

/**
 * The message that `bytes` stand for.
 * @throws {DecodeError} on anything that `encodePeerMessage` does not make.
 */
export function decodePeerMessage(bytes: Uint8Array): PeerMessage {
  const reader = new Reader(bytes);
  const tag = reader.u8();
  const codec = codecsByTag.get(tag) ?? reader.fail(`message type ${tag}`);
  const ends = { from: reader.id(), to: reader.id() };
  const message = codec.read(reader, ends);
  reader.end();
  return message;
}
