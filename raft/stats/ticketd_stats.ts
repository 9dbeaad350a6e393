// The pairs of RAFT.STATS beyond the original's 18, sorted by key. They come after those,
// so that a script finds the original's pairs where they were. There is one pair a member,
// in the manner of Redis's INFO:
//
//   server_ID = address=…,client=…,suffrage=…,role=…,match=…,lag=…,contact_ms=…,version=…
//
// match is the last entry that is durable there and equals the leader's. lag is how many
// entries match is behind the leader's last. contact_ms is the time since the member last
// answered, or since this leader tracks it. Only the leader knows these three; a field that
// this node does not know is empty.

import type { PeerInfo } from "./peer_info.ts";
import { answers } from "../core/leadership.ts";
import type { Raft } from "../core/raft.ts";
import type { Server } from "../core/types.ts";
import type { DiskLatency } from "./disk_latency.ts";

/** Figures that the core does not know. */
export type TicketdStatsInput = {
  /** The cluster's id. */
  readonly cluster: string;
  readonly peerInfo: PeerInfo;
  readonly diskLatency: DiskLatency;
  /** Leaders that this process has followed, or been. */
  readonly leadersSeen: number;
  /** Tickets in the reserve, and burnt by this process. */
  readonly reserve: { readonly size: number; readonly burnt: bigint };
  /** The last number of `ticket` taken by entries applied here; 0n before any. */
  readonly lastTicket: () => bigint;
  /** How many sequences there are, by the same entries. */
  readonly sequences: () => number;
  /** Milliseconds a tick. */
  readonly tickMillis: number;
};

/** ticketd's own pairs, sorted by key. */
export function ticketdStatsOf(
  raft: Raft,
  input: TicketdStatsInput,
): [string, string][] {
  const { peerInfo, diskLatency } = input;
  const { id, membership, leaderId = "" } = raft;
  const own = peerInfo.of(id);
  const pairs: [string, string][] = [
    ["client_address", own.client],
    ["cluster", input.cluster],
    ["disk_latency_avg_us", `${diskLatency.averageMicros}`],
    ["disk_latency_last_us", `${diskLatency.lastMicros}`],
    ["disk_latency_max_us", `${diskLatency.maxMicros}`],
    ["disk_stalled", raft.isStalled ? "1" : "0"],
    ["disk_stalls", `${diskLatency.stalls}`],
    ["id", id],
    ["last_ticket", `${input.lastTicket()}`],
    ["leader_id", leaderId],
    ["leaders_seen", `${input.leadersSeen}`],
    ["raft_address", membership.find(id)?.address ?? ""],
    ...membership.current.servers.map((server): [string, string] => [
      `server_${server.id}`,
      serverText(raft, server, input),
    ]),
    ["sequences", `${input.sequences()}`],
    ["tickets_burnt", `${input.reserve.burnt}`],
    ["tickets_in_hand", `${input.reserve.size}`],
    ["version", own.version],
  ];
  return pairs.sort(([a], [b]) => a < b ? -1 : 1);
}

function serverText(
  raft: Raft,
  { id, address, suffrage }: Server,
  { peerInfo, tickMillis }: TicketdStatsInput,
): string {
  const { client, version } = peerInfo.of(id);
  const { role, match, contactTicks } = seenBy(raft, id);
  const fields = {
    address,
    client,
    suffrage,
    role,
    match: match ?? "",
    lag: match === undefined ? "" : Math.max(0, raft.log.lastIndex - match),
    contact_ms: contactTicks === undefined
      ? ""
      : Math.round(contactTicks * tickMillis),
    version,
  };
  return Object.entries(fields).map(([name, value]) => `${name}=${value}`)
    .join(",");
}

/** A member as this node sees it; fields that it cannot know are left out. */
type Seen = {
  readonly role: "leader" | "follower" | "candidate" | "unknown";
  readonly match?: number;
  readonly contactTicks?: number;
};

function seenBy(raft: Raft, id: string): Seen {
  const { role, leaderId, progress, saves } = raft;
  if (id === raft.id) {
    if (role === "leader") {
      return { role, match: saves.durableIndex, contactTicks: 0 };
    }
    return { role: role === "follower" ? role : "candidate" };
  }
  if (id === leaderId) return { role: "leader" };
  const follower = role === "leader" ? progress.get(id) : undefined;
  if (!follower?.hasAnswered) return { role: "unknown" };
  const { matchIndex: match, silentTicks: contactTicks } = follower;
  const isLive = answers(raft, id);
  return { role: isLive ? "follower" : "unknown", match, contactTicks };
}
