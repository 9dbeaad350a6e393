// What it costs to encode and decode what travels between nodes.
// deno bench -A bench/codec_bench.ts

import {
  decodePeerMessage,
  encodePeerMessage,
} from "../raft/core/message_codec.ts";
import type { AppendEntries, PeerMessage } from "../raft/core/types.ts";

function append(entries: number, dataBytes: number): AppendEntries {
  return {
    type: "AppendEntries",
    from: "1",
    to: "2",
    term: 7,
    prevLogIndex: 1_000_000,
    prevLogTerm: 7,
    leaderCommit: 999_990,
    entries: Array.from({ length: entries }, (_, i) => ({
      type: "command",
      index: 1_000_001 + i,
      term: 7,
      data: new Uint8Array(dataBytes).fill(i),
    })),
    sequence: 123_456,
  };
}

const messages: Record<string, PeerMessage> = {
  "heartbeat": append(0, 0),
  "1 entry of 32 B": append(1, 32),
  "1024 entries of 32 B": append(1024, 32),
  "16 entries of 64 KiB": append(16, 64 * 1024),
  "response": {
    type: "AppendEntriesResponse",
    from: "2",
    to: "1",
    term: 7,
    sequence: 123_456,
    success: true,
    matchIndex: 1_000_001,
    matchTerm: 0,
  },
};

for (const [name, message] of Object.entries(messages)) {
  const bytes = encodePeerMessage(message);
  Deno.bench(`encode ${name}`, { group: name }, () => {
    encodePeerMessage(message);
  });
  Deno.bench(`decode ${name}`, { group: name }, () => {
    decodePeerMessage(bytes);
  });
}
