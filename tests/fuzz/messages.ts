// Generators of everything that save_codec.ts and message_codec.ts encode: every save, and every
// message between nodes. Half of the numbers lie near limits.

import fc from "fast-check";
import { isShortText } from "../../base/bytes.ts";
import type { Change } from "../../raft/core/save_codec.ts";
import { snapshotBytesMax } from "../../raft/core/entry_codec.ts";
import {
  chunkBytesMax,
  counterMax,
  forwardBytesMax,
  takeCountMax,
  takePartsMax,
} from "../../raft/core/limits.ts";
import type { Entry, PeerMessage, TakeAnswer } from "../../raft/core/types.ts";

export const u64 = fc.oneof(
  fc.nat(1000),
  fc.maxSafeNat(),
  fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1),
);
/** A number to which an honest node could have counted. */
const counter = u64.map((value) => Math.min(value, counterMax));
const takePart = fc.record({
  name: fc.oneof(
    fc.string({ unit: fc.constantFrom(..."ab~!:"), minLength: 1 }),
    fc.constantFrom("ticket", "n".repeat(128)),
  ),
  count: u64.map((value) => Math.min(value, takeCountMax) || 1),
  isCapped: fc.boolean(),
});
const takeAnswer = fc.tuple(
  fc.nat(takePartsMax - 1),
  fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.constantFrom<TakeAnswer["refusal"]>(
      ...["lost", "exhausted", "above-int64"] as const,
      ...["unknown-sequence", "too-many-sequences"] as const,
    ),
  ),
).map(([at, answer]): TakeAnswer =>
  typeof answer === "bigint"
    ? { at, last: answer, refusal: undefined }
    : { at, last: undefined, refusal: answer }
);
const index = fc.oneof(
  fc.nat(1000),
  fc.constantFrom(0, 2 ** 32 - 2, 2 ** 32, counterMax - 1),
);
const idCharacters =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
export const id = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("1", "2", "n".repeat(64)) },
  {
    weight: 1,
    arbitrary: fc.string({
      unit: fc.constantFrom(...idCharacters),
      minLength: 1,
      maxLength: 64,
    }),
  },
);
export const text = fc.oneof(
  {
    weight: 3,
    // A byte order mark is a character like any other.
    arbitrary: fc.constantFrom("", ":12001", "\ufeffa", "é".repeat(127)),
  },
  {
    weight: 1,
    arbitrary: fc.string({ unit: "binary", maxLength: 60 }).filter(isShortText),
  },
);

/** Seldom of the greatest length that is allowed. */
function dataUpTo(bytesMax: number): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    { weight: 200, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(bytesMax - 1, bytesMax).map((length) =>
        new Uint8Array(length)
      ),
    },
  );
}

const data = dataUpTo(64 * 1024);

export const configuration = fc.record({
  servers: fc.oneof(
    {
      weight: 50,
      arbitrary: fc.array(
        fc.record({
          id,
          address: text,
          suffrage: fc.constantFrom(
            "voter" as const,
            "learner" as const,
            "nonvoter" as const,
          ),
          incarnation: text,
        }),
        { maxLength: 4 },
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constant(
        Array.from({ length: 64 }, (_, i) => ({
          id: String(i),
          address: ":1",
          suffrage: "voter" as const,
          incarnation: "",
        })),
      ),
    },
  ),
});

const body = fc.oneof(
  fc.record({ type: fc.constant("noop" as const), term: u64 }),
  fc.record({ type: fc.constant("command" as const), term: u64, data }),
  fc.record({
    type: fc.constant("configuration" as const),
    term: u64,
    configuration,
  }),
);

function entriesAfter(last: number): fc.Arbitrary<Entry[]> {
  return fc.array(body, { maxLength: 6 }).map((bodies) =>
    bodies.map((body, i) => ({ ...body, index: last + 1 + i }))
  );
}

const snapshot = fc.record({
  index: u64,
  term: u64,
  configuration,
  configurationIndex: u64,
  data: dataUpTo(1024 * 1024),
});

const snapshotBytes = u64.map((value) => Math.min(value, snapshotBytesMax));

/** A chunk of a snapshot that nodes may send. */
const chunk = fc.record({
  index: counter,
  term: counter,
  configuration,
  configurationIndex: u64,
  checksum: fc.nat(2 ** 32 - 1),
  offset: snapshotBytes,
  chunk: dataUpTo(chunkBytesMax),
  behind: u64,
}).map(({ offset, chunk, behind, ...head }) => {
  const from = Math.min(offset, snapshotBytesMax - chunk.length);
  const end = from + chunk.length;
  // Without a byte it is all of an empty snapshot.
  const bytes = chunk.length === 0
    ? 0
    : Math.min(end + behind, snapshotBytesMax);
  const configurationIndex = Math.min(head.configurationIndex, head.index);
  return {
    snapshot: { ...head, configurationIndex, bytes },
    ...{ offset: Math.min(from, bytes), chunk },
  };
});

const envelope = { from: id, to: id, term: counter };
const forwarding = {
  from: id,
  to: id,
  id: u64,
  data: dataUpTo(forwardBytesMax),
};

const vote = {
  ...envelope,
  lastLogIndex: counter,
  lastLogTerm: counter,
};

/** A generator for each message: the compiler objects if one is missing. */
const messages: {
  readonly [Type in PeerMessage["type"]]: fc.Arbitrary<
    Omit<PeerMessage & { type: Type }, "type">
  >;
} = {
  PreVote: fc.record(vote),
  PreVoteResponse: fc.record({ ...envelope, granted: fc.boolean() }),
  RequestVote: fc.record({ ...vote, transfer: fc.boolean() }),
  RequestVoteResponse: fc.record({ ...envelope, granted: fc.boolean() }),
  AppendEntries: index.chain((prevLogIndex) =>
    fc.record({
      ...envelope,
      prevLogIndex: fc.constant(prevLogIndex),
      prevLogTerm: counter,
      leaderCommit: counter,
      entries: entriesAfter(prevLogIndex),
      sequence: counter,
    })
  ),
  AppendEntriesResponse: fc.record({
    ...envelope,
    sequence: counter,
    success: fc.boolean(),
    matchIndex: counter,
    matchTerm: counter,
  }),
  InstallSnapshot: fc.record({ ...envelope, chunk, sequence: counter })
    .map(({ chunk, ...fields }) => ({ ...fields, ...chunk })),
  InstallSnapshotResponse: fc.record({
    ...envelope,
    sequence: counter,
    offset: snapshotBytes,
  }),
  Confirm: fc.record({ ...envelope, round: counter }),
  ConfirmResponse: fc.record({ ...envelope, round: counter }),
  TimeoutNow: fc.record(envelope),
  NotMember: fc.record({ ...envelope, configurationIndex: counter }),
  Forward: fc.record(forwarding),
  ForwardResponse: fc.record(forwarding),
  Take: fc.record({
    ...envelope,
    process: u64,
    id: u64.map((id) => id || 1),
    answered: u64,
    parts: fc.array(takePart, { minLength: 1, maxLength: 9 }),
  }).map((take) => ({
    ...take,
    answered: Math.min(take.answered, take.id - 1),
  })),
  TakeResponse: fc.record({
    from: id,
    to: id,
    process: u64,
    id: u64,
    answers: fc.array(takeAnswer, { maxLength: 9 }),
  }),
};

// Copies, because fast-check's records have no prototype, which a strict comparison notices.
export const message: fc.Arbitrary<PeerMessage> = fc.oneof(
  ...Object.entries(messages).map(([type, fields]) =>
    fields.map((fields) => structuredClone({ type, ...fields }) as PeerMessage)
  ),
);

export const change: fc.Arbitrary<Change> = index.chain((last) =>
  fc.record({
    hardState: fc.record({
      currentTerm: u64,
      votedFor: fc.option(id, { nil: undefined }),
    }),
    snapshot: fc.option(snapshot, { nil: undefined }),
    firstIndex: fc.constant(last + 1),
    entries: entriesAfter(last),
  }).map((change) => structuredClone(change))
);
