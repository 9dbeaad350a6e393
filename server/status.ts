// `ticketd status`: asks one node who is in its cluster and then each of them how it is,
// all at once and none for longer than two seconds. What the answers mean stands in
// `status_table.ts`; nothing here changes anything anywhere.

import {
  type Address,
  formatAddress,
  parseAddress,
  withHost,
} from "../base/address.ts";
import { tryRequest } from "../base/resp_client.ts";
import {
  type Asked,
  bestOf,
  faultOfStats,
  membersIn,
  type Round,
  type Stats,
  type Status,
  statusOf,
} from "./status_table.ts";

/** For connection and answer of one node. */
const nodeMillisMax = 2000;

export async function status(address: Address): Promise<Status> {
  const text = withHost(formatAddress(address), "127.0.0.1");
  const first = await ask(text);
  if ("fault" in first) {
    return {
      table: "",
      fault:
        `cannot ask ${text}: ${first.fault}; name where a node serves clients (--saddr)`,
    };
  }
  const others = new Map<string, Asked>();
  const round: Round = { first, others };
  // The second time, members that only the leader could say where to find.
  for (const _ of ["as the first knows them", "as the leader does"]) {
    await askMembers(round, others);
  }
  const found = statusOf(round);
  if (membersIn(first.stats, text).length > 0) return found;
  const fault = `node ${first.stats.get("id")} is in no cluster yet`;
  return { table: "", fault };
}

/** Asks who is known and was not asked; adds what they say to `others`. */
async function askMembers(
  round: Round,
  others: Map<string, Asked>,
): Promise<void> {
  const { stats, address } = bestOf(round);
  const own = round.first.stats.get("id");
  const cluster = stats.get("cluster") ?? "";
  const left = membersIn(stats, address).filter(({ id, client }) =>
    id !== own && client !== "" && !others.has(id)
  );
  await Promise.all(left.map(async ({ id, client }) => {
    others.set(id, await ask(client, { id, cluster }));
  }));
}

async function ask(
  address: string,
  node?: { readonly id: string; readonly cluster: string },
): Promise<Asked> {
  const parsed = parseAddress(address);
  if (parsed === undefined) return { address, fault: "no address" };
  const outcome = await tryRequest(parsed, ["RAFT.STATS"], {
    millis: nodeMillisMax,
  });
  if (outcome.type === "failure") return { address, fault: outcome.reason };
  const { reply } = outcome;
  if (reply instanceof Error) return { address, fault: reply.message };
  const stats = statsIn(reply);
  const fault = faultOfStats(stats, node);
  return fault === undefined ? { address, stats } : { address, fault };
}

/** Key, value, key, value, …; empty when it is anything else. */
function statsIn(reply: unknown): Stats {
  const stats = new Map<string, string>();
  if (!Array.isArray(reply)) return stats;
  for (let i = 0; i + 1 < reply.length; i += 2) {
    stats.set(String(reply[i]), String(reply[i + 1]));
  }
  return stats;
}
