// What RAFT.STATS tells beyond the original's 18 pairs, sorted by key. They follow those,
// so that a script that reads the original's finds them where they were.
//
//   server_ID = address=…,client=…,suffrage=…,role=…,match=…,lag=…,contact_ms=…,version=…
//
// one for each member, as Redis's INFO has it. What this node does not know is empty: of
// match (the last entry that is durable there and equals the leader's), lag (how many
// that is behind the leader's last) and contact (since it last answered, or since it is
// followed) knows the leader alone.

import type { PeerInfo } from "./peer_info.ts";
import { answers } from "../core/leadership.ts";
import type { Raft } from "../core/raft.ts";
import type { Server } from "../core/types.ts";
import type { DiskLatency } from "./disk_latency.ts";

export type TicketdStatsInput = {
  readonly cluster: string;
  readonly peerInfo: PeerInfo;
  readonly disk: DiskLatency;
  /** Leaders that this node has followed, or been, since it began. */
  readonly leadersSeen: number;
  readonly reserve: { readonly size: number; readonly burnt: bigint };
  readonly tickMillis: number;
};

export function ticketdStatsOf(
  raft: Raft,
  input: TicketdStatsInput,
): [string, string][] {
  const { peerInfo, disk } = input;
  const { id, membership, leaderId = "" } = raft;
  const own = peerInfo.of(id);
  const pairs: [string, string][] = [
    ["client_address", own.client],
    ["cluster", input.cluster],
    ["disk_latency_avg_us", `${disk.averageMicros}`],
    ["disk_latency_last_us", `${disk.lastMicros}`],
    ["disk_latency_max_us", `${disk.maxMicros}`],
    ["disk_stalled", raft.isStalled ? "1" : "0"],
    ["disk_stalls", `${disk.stalls}`],
    ["id", id],
    ["leader_id", leaderId],
    ["leaders_seen", `${input.leadersSeen}`],
    ["raft_address", membership.find(id)?.address ?? ""],
    ...membership.current.servers.map((server): [string, string] => [
      `server_${server.id}`,
      serverText(raft, server, input),
    ]),
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
  const { role, match, contactTicks } = seen(raft, id);
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

type Seen = {
  readonly role: "leader" | "follower" | "candidate" | "unknown";
  readonly match?: number;
  readonly contactTicks?: number;
};

/** What this node can say of member `id`, itself perhaps. */
function seen(raft: Raft, id: string): Seen {
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
