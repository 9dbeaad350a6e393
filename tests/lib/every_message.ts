// Every message that there is, as harmful as its fields allow: what a stranger, a former
// member or a member in the wrong part would send to make a node forget, step down, end,
// or give a number twice.

import { checksumOf } from "../../base/checksum.ts";
import { defaultSequence } from "../../base/sequence_name.ts";
import { snapshotBytesMax } from "../../raft/core/entry_codec.ts";
import { counterMax, takeCountMax } from "../../raft/core/limits.ts";
import type {
  Configuration,
  NodeId,
  PeerMessage,
  Term,
} from "../../raft/core/types.ts";
import { encodeBatch } from "../../raft/tickets/machine.ts";
import { stateAt } from "../unit/raft/state.ts";

export type Envelope = {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
  /** What it wants the leader to do; as a stranger, to remove whom it talks to. */
  readonly wish?: Record<string, unknown>;
};

/** One that makes the sender the only voter. */
function coup(id: NodeId): Configuration {
  const server = { id, address: ":1", incarnation: "evil" } as const;
  return { servers: [{ ...server, suffrage: "voter" }] };
}

/** `number`: for whatever is counted up; `place`: where in the log. */
function messages(
  { from, to, term, wish }: Envelope,
  { number, place }: { readonly number: number; readonly place: number },
): PeerMessage[] {
  const envelope = { from, to, term };
  const data = encodeBatch([{
    type: "return",
    name: defaultSequence,
    ...{ from: 2n ** 64n - 1n, to: 0n },
  }], { sequencesMax: 1 });
  const vote = { lastLogIndex: number, lastLogTerm: number };
  const removal = {
    type: "remove-server",
    id: to,
    prevIndex: "0",
    force: true,
  };
  const asked = new TextEncoder().encode(JSON.stringify(wish ?? removal));
  const append = {
    type: "AppendEntries",
    ...{ ...envelope, sequence: number, prevLogIndex: place },
    leaderCommit: number,
  } as const;
  const answer = {
    type: "AppendEntriesResponse",
    ...{ ...envelope, sequence: number },
  } as const;
  const state = stateAt(0n);
  const errand = { from, to, id: number, data: asked };
  const byType: { [T in PeerMessage["type"]]: (PeerMessage & { type: T })[] } =
    {
      PreVote: [{ ...envelope, type: "PreVote", ...vote }],
      PreVoteResponse: [true, false].map((granted) => ({
        ...{ ...envelope, type: "PreVoteResponse", granted },
      })),
      RequestVote: [false, true].map((transfer) => ({
        ...{ ...envelope, type: "RequestVote", ...vote, transfer },
      })),
      RequestVoteResponse: [true, false].map((granted) => ({
        ...{ ...envelope, type: "RequestVoteResponse", granted },
      })),
      AppendEntries: [
        {
          ...append,
          prevLogTerm: term,
          entries: [
            { type: "command", index: place + 1, term, data },
            {
              ...{ type: "configuration", index: place + 2, term },
              configuration: coup(from),
            },
          ],
        },
        { ...append, prevLogTerm: number, entries: [] },
      ],
      AppendEntriesResponse: [
        { ...answer, success: true, matchIndex: number, matchTerm: number },
        { ...answer, success: false, matchIndex: 0, matchTerm: 0 },
      ],
      InstallSnapshot: [state, state.subarray(0, 1)].map((chunk) => ({
        ...{ ...envelope, type: "InstallSnapshot", sequence: number },
        snapshot: {
          ...{ index: number, term, configurationIndex: place },
          ...{ configuration: coup(from), bytes: state.length },
          checksum: checksumOf(state),
        },
        ...{ offset: 0, chunk },
      })),
      InstallSnapshotResponse: [{
        ...{ ...envelope, type: "InstallSnapshotResponse", sequence: number },
        offset: Math.min(number, snapshotBytesMax),
      }],
      Confirm: [{ ...envelope, type: "Confirm", round: number }],
      ConfirmResponse: [
        { ...envelope, type: "ConfirmResponse", round: number },
      ],
      TimeoutNow: [{ ...envelope, type: "TimeoutNow" }],
      NotMember: [
        { ...envelope, type: "NotMember", configurationIndex: number },
      ],
      Forward: [{ type: "Forward", ...errand }],
      ForwardResponse: [{ type: "ForwardResponse", ...errand }],
      Take: [{
        ...{ ...envelope, type: "Take", process: number, id: 1 },
        answered: 0,
        parts: [
          { name: "ticket", count: takeCountMax, isCapped: false },
          { name: "a", count: 1, isCapped: true },
        ],
      }],
      TakeResponse: [{
        ...{ type: "TakeResponse", from, to, process: number, id: 1 },
        answers: [
          { at: 0, last: 2n ** 64n - 1n, refusal: undefined },
          { at: 1, last: undefined, refusal: "exhausted" },
        ],
      }],
    };
  return Object.values(byType).flat();
}

/** Each with fields as an honest node may have them, and at both ends of what fits. */
export function everyMessage(envelope: Envelope): PeerMessage[] {
  return [
    { number: 1, place: 0 },
    { number: 0, place: 0 },
    { number: counterMax, place: counterMax - 2 },
    { number: 2 ** 53 - 1, place: 2 ** 53 - 5 },
  ].flatMap((fields) => messages(envelope, fields));
}
