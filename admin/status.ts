// `ticketd status`: asks one node for the members of its cluster, and then each member for
// its state, all at once and none for longer than two seconds. Changes nothing anywhere.
// Not here: what the answers mean (`status_table.ts`).

import {
  type Address,
  formatAddress,
  parseAddress,
  withHost,
} from "../base/address.ts";
import { exitCodes } from "../base/exit_codes.ts";
import { tryRequest } from "../base/resp_client.ts";
import {
  type Answers,
  type Asked,
  bestOf,
  faultOfStats,
  membersIn,
  type Stats,
  type Status,
  statusOf,
} from "./status_table.ts";
import type { Terminal } from "./terminal.ts";

/** Milliseconds for connection and answer of one node. */
const nodeMillisMax = 2000;

/**
 * Prints the state of the cluster whose node serves clients at `address`.
 *
 * @returns the exit code: 0 when there is a leader and every voter answers
 */
export async function status(
  { address }: { readonly address: Address },
  terminal: Terminal,
): Promise<number> {
  const { table, fault } = await askCluster(address);
  if (table !== "") terminal.out(table);
  if (fault === undefined) return exitCodes.done;
  terminal.error(fault);
  return exitCodes.fault;
}

/** Asks that node, and through it the whole cluster. */
async function askCluster(address: Address): Promise<Status> {
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
  const answers: Answers = { first, others };
  // The second time it reaches members whose addresses only the leader knows.
  for (const _ of ["as the first knows them", "as the leader does"]) {
    await askMembers(answers, others);
  }
  const found = statusOf(answers);
  if (membersIn(first.stats, text).length > 0) return found;
  const fault = `node ${first.stats.get("id")} is in no cluster yet`;
  return { table: "", fault };
}

/** Asks the known members that were not asked yet; adds their answers to `others`. */
async function askMembers(
  answers: Answers,
  others: Map<string, Asked>,
): Promise<void> {
  const { stats, address } = bestOf(answers);
  const own = answers.first.stats.get("id");
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
  const answer = await tryRequest(parsed, ["RAFT.STATS"], {
    millis: nodeMillisMax,
  });
  if (answer.type === "failure") return { address, fault: answer.reason };
  const { reply } = answer;
  if (reply instanceof Error) return { address, fault: reply.message };
  const stats = statsIn(reply);
  const fault = faultOfStats(stats, node);
  return fault === undefined ? { address, stats } : { address, fault };
}

/** From key, value, key, value, …; empty for any other reply. */
function statsIn(reply: unknown): Stats {
  const stats = new Map<string, string>();
  if (!Array.isArray(reply)) return stats;
  for (let i = 0; i + 1 < reply.length; i += 2) {
    stats.set(String(reply[i]), String(reply[i + 1]));
  }
  return stats;
}
