// Entries, snapshots, saves and peer messages as bytes, and back; no frames or checksums.
// Little-endian. What lies on disk says format version 1; the wire has a version of its own:
//
//   message   = tag u8 · from id · to id · term u64 · body      the tags are below
//             | tag u8 · from id · to id · number u64 · (data | take)
//   take      = life u64 · (term u64 · count u64 | given bool · last big64 · count u64)
//   entries   = first u64 · count u32 · entry*                  indexes first, first+1 …
//   entry     = type u8 · term u64 · (1: – | 2: data | 3: config)
//   snapshot  = index u64 · term u64 · configurationIndex u64 · config · data
//   config    = count u8 · (id · address text · suffrage u8 · incarnation text)*
//   hardState = currentTerm u64 · votedFor (id, or length 0)
//   identity  = cluster text · node id · incarnation text
//   save      = hardState · hasSnapshot bool · snapshot? · entries
//
// with the fields of `bytes.ts`. One encoding stands for each value; nothing else decodes.

import { assert, InvariantError, unreachable } from "./assert.ts";
import { Reader, Writer } from "./bytes.ts";
import type {
  Configuration,
  Entry,
  Errand,
  HardState,
  Identity,
  Index,
  Message,
  PeerMessage,
  Save,
  Server,
  Snapshot,
} from "./types.ts";

export { DecodeError } from "./bytes.ts";

export const formatVersion = 1;

/** In one AppendEntries; a save may hold more. */
export const messageEntriesMax = 1024;
export const commandBytesMax = 64 * 1024;
export const forwardBytesMax = 64 * 1024;
export const snapshotBytesMax = 1024 * 1024;
export const serversMax = 64;

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

/** A byte each, from 1 on. */
const suffrages = ["voter", "learner", "nonvoter"] as const;

const entryTypes = { noop: 1, command: 2, configuration: 3 } as const;
/** Type and term: what the shortest entry takes. */
const entryBytesMin = 9;

export function writeConfiguration(
  writer: Writer,
  { servers }: Configuration,
): void {
  assert(servers.length <= serversMax, `${servers.length} servers`);
  writer.u8(servers.length);
  for (const server of servers) {
    writer.id(server.id);
    writer.text(server.address);
    writer.u8(1 + suffrages.indexOf(server.suffrage));
    writer.text(server.incarnation);
  }
}

export function readConfiguration(reader: Reader): Configuration {
  const count = reader.u8();
  if (count > serversMax) reader.fail(`${count} servers, above ${serversMax}`);
  const servers: Server[] = [];
  for (let i = 0; i < count; i++) {
    const id = reader.id();
    const address = reader.text();
    const suffrage = suffrages[reader.u8() - 1] ?? reader.fail("no suffrage");
    servers.push({ id, address, suffrage, incarnation: reader.text() });
  }
  return { servers };
}

/** The indexes are not written, so they cannot disagree: first, first + 1 … */
export function writeEntries(
  writer: Writer,
  first: Index,
  entries: readonly Entry[],
): void {
  writer.u64(first);
  writer.u32(entries.length);
  let index = first;
  for (const entry of entries) {
    if (entry.index !== index) misplaced(entry.index, index);
    index++;
    writer.u8(entryTypes[entry.type]);
    writer.u64(entry.term);
    switch (entry.type) {
      case "noop":
        break;
      case "command":
        writer.data(entry.data, commandBytesMax);
        break;
      case "configuration":
        writeConfiguration(writer, entry.configuration);
        break;
      default:
        unreachable(entry);
    }
  }
}

function misplaced(index: Index, expected: Index): never {
  throw new InvariantError(`entry ${index} where ${expected} belongs`);
}

export function readEntries(
  reader: Reader,
  countMax: number,
): { first: Index; entries: Entry[] } {
  const first = reader.u64();
  const count = reader.u32();
  // Few bytes must not reserve much memory (PITFALLS 33).
  if (count > Math.min(countMax, reader.left / entryBytesMin)) {
    reader.fail(`${count} entries`);
  }
  if (!Number.isSafeInteger(first + count)) reader.fail(`index ${first}`);
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) entries.push(readEntry(reader, first + i));
  return { first, entries };
}

function readEntry(reader: Reader, index: Index): Entry {
  const type = reader.u8();
  const term = reader.u64();
  switch (type) {
    case entryTypes.noop:
      return { type: "noop", index, term };
    case entryTypes.command:
      return {
        type: "command",
        index,
        term,
        data: reader.data(commandBytesMax),
      };
    case entryTypes.configuration:
      return {
        type: "configuration",
        index,
        term,
        configuration: readConfiguration(reader),
      };
    default:
      return reader.fail(`entry type ${type}`);
  }
}

export function writeSnapshot(writer: Writer, snapshot: Snapshot): void {
  writer.u64(snapshot.index);
  writer.u64(snapshot.term);
  writer.u64(snapshot.configurationIndex);
  writeConfiguration(writer, snapshot.configuration);
  writer.data(snapshot.data, snapshotBytesMax);
}

export function readSnapshot(reader: Reader): Snapshot {
  const index = reader.u64();
  const term = reader.u64();
  const configurationIndex = reader.u64();
  const configuration = readConfiguration(reader);
  const data = reader.data(snapshotBytesMax);
  return { index, term, configuration, configurationIndex, data };
}

export function writeIdentity(writer: Writer, identity: Identity): void {
  writer.text(identity.cluster);
  writer.id(identity.node);
  writer.text(identity.incarnation);
}

export function readIdentity(reader: Reader): Identity {
  const cluster = reader.text();
  const node = reader.id();
  const incarnation = reader.text();
  return { cluster, node, incarnation };
}

function writeHardState(writer: Writer, hardState: HardState): void {
  writer.u64(hardState.currentTerm);
  if (hardState.votedFor === undefined) writer.u8(0);
  else writer.id(hardState.votedFor);
}

function readHardState(reader: Reader): HardState {
  const currentTerm = reader.u64();
  const votedFor = reader.idOrNone();
  return { currentTerm, votedFor };
}

/** The part of a save that outlives the process. */
export type Change = Pick<
  Save,
  "hardState" | "snapshot" | "firstIndex" | "entries"
>;

export function writeChange(writer: Writer, change: Change): void {
  writeHardState(writer, change.hardState);
  writer.u8(change.snapshot === undefined ? 0 : 1);
  if (change.snapshot !== undefined) writeSnapshot(writer, change.snapshot);
  writeEntries(writer, change.firstIndex, change.entries);
}

export function readChange(reader: Reader): Change {
  const hardState = readHardState(reader);
  const snapshot = reader.bool() ? readSnapshot(reader) : undefined;
  const { first, entries } = readEntries(reader, Infinity);
  return { hardState, snapshot, firstIndex: first, entries };
}

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
      writer.u64(message.life);
      writer.u64(message.term);
      return writer.u64(message.count);
    case "TakeResponse":
      writer.u64(message.life);
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
        life: reader.u64(),
        term: reader.u64(),
        count: reader.u64() || reader.fail("a take of nothing"),
      };
    default:
      return {
        type: "TakeResponse",
        ...envelope,
        life: reader.u64(),
        given: reader.bool(),
        last: reader.big64(),
        count: reader.u64(),
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
  const envelope = { from, to, term: reader.u64() };
  // Properties are evaluated in the order written, which is the order of the bytes.
  switch (tag) {
    case tags.PreVote:
      return {
        type: "PreVote",
        ...envelope,
        lastLogIndex: reader.u64(),
        lastLogTerm: reader.u64(),
      };
    case tags.PreVoteResponse:
      return { type: "PreVoteResponse", ...envelope, granted: reader.bool() };
    case tags.RequestVote:
      return {
        type: "RequestVote",
        ...envelope,
        lastLogIndex: reader.u64(),
        lastLogTerm: reader.u64(),
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
        prevLogTerm: reader.u64(),
        leaderCommit: reader.u64(),
        sequence: reader.u64(),
      };
      const { first, entries } = readEntries(reader, messageEntriesMax);
      if (first === 0) reader.fail("entries from index 0");
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
        sequence: reader.u64(),
        success: reader.bool(),
        matchIndex: reader.u64(),
        matchTerm: reader.u64(),
      };
    case tags.InstallSnapshot:
      return {
        type: "InstallSnapshot",
        ...envelope,
        sequence: reader.u64(),
        snapshot: readSnapshot(reader),
      };
    case tags.Confirm:
      return { type: "Confirm", ...envelope, round: reader.u64() };
    case tags.ConfirmResponse:
      return { type: "ConfirmResponse", ...envelope, round: reader.u64() };
    case tags.TimeoutNow:
      return { type: "TimeoutNow", ...envelope };
    case tags.NotMember:
      return {
        type: "NotMember",
        ...envelope,
        configurationIndex: reader.u64(),
      };
    default:
      return reader.fail(`message type ${tag}`);
  }
}
