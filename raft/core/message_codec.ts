// Every message between nodes as bytes, and back, with the bounds that a stranger's numbers
// must keep. Little-endian; the wire's version stands in `hello.ts`:
//
//   message   = tag u8 · from id · to id · term u64 · body      the tags are below
//             | tag u8 · from id · to id · number u64 · (data | take)
//   take      = process u64 · (term u64 · count u64 | given bool · last big64 · count u64)
//
// with the fields of `bytes.ts`, entries and snapshots of `save_codec.ts`. Terms, indexes,
// sequences and rounds stay below `counterMax`. One encoding stands for each value;
// nothing else decodes.

import { assert, unreachable } from "../../base/assert.ts";
import { Reader, Writer } from "../../base/bytes.ts";
import {
  readEntries,
  readSnapshot,
  writeEntries,
  writeSnapshot,
} from "./save_codec.ts";
import { counterMax, takeCountMax } from "./limits.ts";
import type { Errand, Message, PeerMessage, Snapshot } from "./types.ts";

/** In one AppendEntries; a save may hold more. */
export const messageEntriesMax = 1024;
export const forwardBytesMax = 64 * 1024;

const tags = {
  PreVote: 1,
  PreVoteResponse: 2,
  RequestVote: 3,
  RequestVoteResponse: 4,
  AppendEntries: 5,
  AppendEntriesResponse: 6,
  InstallSnapshot: 7,
  TimeoutNow: 8,
  NotMember: 9,
  Forward: 10,
  ForwardResponse: 11,
  Take: 12,
  TakeResponse: 13,
  Confirm: 14,
  ConfirmResponse: 15,
} as const satisfies Record<PeerMessage["type"], number>;

const scratch = new Writer();

/** The bytes of one message; the caller owns them. */
export function encodePeerMessage(message: PeerMessage): Uint8Array {
  const writer = scratch;
  writer.reset();
  writer.u8(tags[message.type]);
  writer.id(message.from);
  writer.id(message.to);
  if ("id" in message) writeErrand(writer, message);
  else writeMessage(writer, message);
  return writer.copy();
}

function writeErrand(writer: Writer, message: Errand): void {
  writer.u64(message.id);
  switch (message.type) {
    case "Forward":
    case "ForwardResponse":
      return writer.data(message.data, forwardBytesMax);
    case "Take":
      writer.u64(message.process);
      writer.u64(message.term);
      return writer.u64(message.count);
    case "TakeResponse":
      writer.u64(message.process);
      writer.u8(message.given ? 1 : 0);
      writer.big64(message.last);
      return writer.u64(message.count);
    default:
      unreachable(message);
  }
}

function writeMessage(writer: Writer, message: Message): void {
  writer.u64(message.term);
  switch (message.type) {
    case "PreVote":
      writer.u64(message.lastLogIndex);
      writer.u64(message.lastLogTerm);
      break;
    case "RequestVote":
      writer.u64(message.lastLogIndex);
      writer.u64(message.lastLogTerm);
      writer.u8(message.transfer ? 1 : 0);
      break;
    case "PreVoteResponse":
    case "RequestVoteResponse":
      writer.u8(message.granted ? 1 : 0);
      break;
    case "AppendEntries":
      writer.u64(message.prevLogTerm);
      writer.u64(message.leaderCommit);
      writer.u64(message.sequence);
      assert(
        message.entries.length <= messageEntriesMax,
        `${message.entries.length} entries in a message`,
      );
      writeEntries(writer, message.prevLogIndex + 1, message.entries);
      break;
    case "AppendEntriesResponse":
      writer.u64(message.sequence);
      writer.u8(message.success ? 1 : 0);
      writer.u64(message.matchIndex);
      writer.u64(message.matchTerm);
      break;
    case "InstallSnapshot":
      writer.u64(message.sequence);
      writeSnapshot(writer, message.snapshot);
      break;
    case "Confirm":
    case "ConfirmResponse":
      writer.u64(message.round);
      break;
    case "TimeoutNow":
      break;
    case "NotMember":
      writer.u64(message.configurationIndex);
      break;
    default:
      unreachable(message);
  }
}

/** Throws {@linkcode DecodeError} on anything that `encodePeerMessage` does not make. */
export function decodePeerMessage(bytes: Uint8Array): PeerMessage {
  const reader = new Reader(bytes);
  const message = readMessage(reader);
  reader.end();
  return message;
}

/** Of whatever is counted up, one by one. */
function counter(reader: Reader): number {
  const value = reader.u64();
  if (value > counterMax) reader.fail(`${value}, above ${counterMax}`);
  return value;
}

function takeCount(reader: Reader): number {
  const count = reader.u64();
  if (count > takeCountMax) reader.fail(`${count} tickets in one take`);
  return count;
}

function boundedSnapshot(reader: Reader): Snapshot {
  const snapshot = readSnapshot(reader);
  const { index, term, configurationIndex } = snapshot;
  // Entries that follow could not bring a configuration otherwise.
  if (configurationIndex > index) reader.fail("a configuration to come");
  if (index > counterMax || term > counterMax) {
    reader.fail(`a snapshot of ${index} in term ${term}`);
  }
  return snapshot;
}

function readErrand(
  reader: Reader,
  tag: number,
  envelope: Pick<Errand, "from" | "to" | "id">,
): Errand {
  switch (tag) {
    case tags.Forward:
    case tags.ForwardResponse: {
      const type = tag === tags.Forward ? "Forward" : "ForwardResponse";
      return { type, ...envelope, data: reader.data(forwardBytesMax) };
    }
    case tags.Take:
      return {
        type: "Take",
        ...envelope,
        process: reader.u64(),
        term: counter(reader),
        count: takeCount(reader) || reader.fail("a take of nothing"),
      };
    default:
      return {
        type: "TakeResponse",
        ...envelope,
        process: reader.u64(),
        given: reader.bool(),
        last: reader.big64(),
        count: takeCount(reader),
      };
  }
}

function readMessage(reader: Reader): PeerMessage {
  const tag = reader.u8();
  const from = reader.id();
  const to = reader.id();
  if (tag >= tags.Forward && tag <= tags.TakeResponse) {
    return readErrand(reader, tag, { from, to, id: reader.u64() });
  }
  const envelope = { from, to, term: counter(reader) };
  // Properties are evaluated in the order written, which is the order of the bytes.
  switch (tag) {
    case tags.PreVote:
      return {
        type: "PreVote",
        ...envelope,
        lastLogIndex: counter(reader),
        lastLogTerm: counter(reader),
      };
    case tags.PreVoteResponse:
      return { type: "PreVoteResponse", ...envelope, granted: reader.bool() };
    case tags.RequestVote:
      return {
        type: "RequestVote",
        ...envelope,
        lastLogIndex: counter(reader),
        lastLogTerm: counter(reader),
        transfer: reader.bool(),
      };
    case tags.RequestVoteResponse:
      return {
        type: "RequestVoteResponse",
        ...envelope,
        granted: reader.bool(),
      };
    case tags.AppendEntries: {
      const fields = {
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
        ...envelope,
        prevLogIndex,
        ...fields,
        entries,
      };
    }
    case tags.AppendEntriesResponse:
      return {
        type: "AppendEntriesResponse",
        ...envelope,
        sequence: counter(reader),
        success: reader.bool(),
        matchIndex: counter(reader),
        matchTerm: counter(reader),
      };
    case tags.InstallSnapshot:
      return {
        type: "InstallSnapshot",
        ...envelope,
        sequence: counter(reader),
        snapshot: boundedSnapshot(reader),
      };
    case tags.Confirm:
      return { type: "Confirm", ...envelope, round: counter(reader) };
    case tags.ConfirmResponse:
      return { type: "ConfirmResponse", ...envelope, round: counter(reader) };
    case tags.TimeoutNow:
      return { type: "TimeoutNow", ...envelope };
    case tags.NotMember:
      return {
        type: "NotMember",
        ...envelope,
        configurationIndex: counter(reader),
      };
    default:
      return reader.fail(`message type ${tag}`);
  }
}
