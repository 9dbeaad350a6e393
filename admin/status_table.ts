// `ticketd status` without its sockets: makes a table of the whole cluster, and one line that
// says what is wrong with it, from what nodes answered to RAFT.STATS. Each node reports
// itself, and the leader its followers too. `status.ts` asks them.

import { formatAddress, isLoopback, parseAddress } from "../base/address.ts";

/** The pairs of RAFT.STATS. */
export type Stats = ReadonlyMap<string, string>;

/** A node that was asked at `address`: its answer, or why there is none. */
export type Asked =
  | { readonly address: string; readonly stats: Stats }
  | { readonly address: string; readonly fault: string };

/** One member as a node reports it; a text is empty when that node cannot know it. */
export type Member = {
  readonly id: string;
  readonly address: string;
  /** Its address for clients, where to ask it. */
  readonly client: string;
  readonly suffrage: string;
  /** The last log entry that is durable there and equals the leader's. */
  readonly match: string;
  /** How many entries `match` is behind the leader's last. */
  readonly lag: string;
  /** Milliseconds since it last answered the leader. */
  readonly contact: string;
  readonly version: string;
};

/** The answers of a cluster so far. */
export type Answers = {
  /** The node that the user named. */
  readonly first: { readonly address: string; readonly stats: Stats };
  /** The other members, by id. */
  readonly others: ReadonlyMap<string, Asked>;
};

/** The members that the node at `address` reports in `stats`, by id. */
export function membersIn(stats: Stats, address: string): Member[] {
  const members: Member[] = [];
  for (const [key, value] of stats) {
    const id = /^server_(.+)$/.exec(key)?.[1];
    if (id === undefined) continue;
    const fields = new Map(
      value.split(",").map((field): [string, string] => {
        const [name = "", text = ""] = field.split(/=(.*)/);
        return [name, text];
      }),
    );
    const field = (name: string) => fields.get(name) ?? "";
    members.push({
      id,
      address: field("address"),
      client: reachedFrom(field("client"), address),
      suffrage: field("suffrage"),
      match: field("match"),
      lag: field("lag"),
      contact: field("contact_ms"),
      version: field("version"),
    });
  }
  return members.sort((a, b) =>
    a.id.localeCompare(b.id, "en", { numeric: true })
  );
}

/** The address `client` as seen from here: a node at `teller` may report its own host as loopback. */
function reachedFrom(client: string, teller: string): string {
  const parsed = parseAddress(client);
  const host = parseAddress(teller)?.host ?? "";
  if (parsed === undefined) return "";
  if (parsed.host !== "" && !isLoopback(parsed.host)) return client;
  return formatAddress({ host: host || "127.0.0.1", port: parsed.port });
}

/** The answer to believe about the members: the newest leader's, or else the first. */
export function bestOf({ first, others }: Answers): Answers["first"] {
  let best = first;
  for (const asked of others.values()) {
    if (!("stats" in asked) || !leads(asked.stats)) continue;
    if (!leads(best.stats) || termOf(asked.stats) > termOf(best.stats)) {
      best = asked;
    }
  }
  return best;
}

function leads(stats: Stats): boolean {
  return stats.get("state") === "Leader";
}

function termOf(stats: Stats): number {
  return Number(stats.get("term"));
}

/** Why `stats` are not those of `node`, or of any node; `undefined` when they are. */
export function faultOfStats(
  stats: Stats,
  node?: { readonly id: string; readonly cluster: string },
): string | undefined {
  const id = stats.get("id");
  const cluster = stats.get("cluster");
  if (id === undefined || cluster === undefined) {
    return "it does not tell who it is: it may be another or an older server";
  }
  if (node === undefined) return undefined;
  if (cluster !== node.cluster) return `a node of another cluster answers`;
  return id === node.id ? undefined : `node ${id} answers`;
}

/** Text for the user: `table` to standard output, `fault` to standard error. */
export type Status = {
  readonly table: string;
  /** One line, when there is no leader or a voter does not answer. */
  readonly fault: string | undefined;
};

/** The table and the fault to print. */
export function statusOf(answers: Answers): Status {
  const best = bestOf(answers);
  const members = membersIn(best.stats, best.address);
  const asked = (id: string): Asked | undefined =>
    id === answers.first.stats.get("id")
      ? answers.first
      : answers.others.get(id);
  const rows = members.map((member) => rowOf(member, asked(member.id)));
  const faults = members.flatMap((member) => {
    const answer = asked(member.id);
    const isVoter = member.suffrage === "voter";
    if (!isVoter || (answer !== undefined && "stats" in answer)) {
      return [];
    }
    const why = answer?.fault ?? "its client address is not known";
    const where = answer === undefined ? "" : ` at ${answer.address}`;
    return [`node ${member.id} is unreachable${where} (${why})`];
  });
  if (!leads(best.stats)) faults.unshift("no node says that it leads");
  return {
    table: tableOf(rows),
    fault: faults.length === 0 ? undefined : faults.join("; "),
  };
}

/** Each column's heading, and whether it is aligned to the right, as numbers are. */
const columns = [
  ["id", false],
  ["address", false],
  ["client", false],
  ["role", false],
  ["term", true],
  ["match", true],
  ["lag", true],
  ["contact", true],
  ["version", false],
  ["disk avg/max", true],
] as const;

function rowOf(member: Member, asked: Asked | undefined): string[] {
  const { id, address, match, lag, contact } = member;
  const stats = asked !== undefined && "stats" in asked
    ? asked.stats
    : undefined;
  const isLeader = stats !== undefined && leads(stats);
  return [
    id,
    address,
    asked?.address ?? member.client,
    stats === undefined ? "unreachable" : roleOf(stats, member),
    stats?.get("term") ?? "",
    match,
    lag,
    contact === "" || isLeader ? "" : contactOf(Number(contact)),
    stats?.get("version") ?? member.version,
    stats === undefined ? "" : diskOf(stats),
  ];
}

function roleOf(stats: Stats, { suffrage }: Member): string {
  const role = stats.get("state")?.toLowerCase() ?? "";
  return suffrage === "voter" || role === "leader" ? role : suffrage;
}

function diskOf(stats: Stats): string {
  const [average, longest] = ["avg", "max"].map((which) =>
    durationOf(Number(stats.get(`disk_latency_${which}_us`)))
  );
  const stalled = stats.get("disk_stalled") === "1" ? "stalled " : "";
  return `${stalled}${average}/${longest}`;
}

/** Last contact: it is counted in ticks, so more digits would mean nothing. */
function contactOf(millis: number): string {
  return millis < 1000 ? `${millis}ms` : durationOf(millis * 1000);
}

/** Two or three digits, to be taken in at a glance: Go's text has six. */
function durationOf(micros: number): string {
  if (!Number.isFinite(micros)) return "";
  const [value, unit] = micros < 1000
    ? [micros, "µs"]
    : micros < 1_000_000
    ? [micros / 1000, "ms"]
    : [micros / 1_000_000, "s"];
  return `${value.toFixed(value < 10 && unit !== "µs" ? 1 : 0)}${unit}`;
}

/** Aligned, with two spaces between columns and none at a line's end. */
function tableOf(rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(([heading]) => heading), ...rows].map((row) =>
    row.map((text) => text === "" ? "-" : text)
  );
  const pads = columns.map(([, isNumber], at) => {
    const width = Math.max(...lines.map((line) => line[at]?.length ?? 0));
    return (text = "") => isNumber ? text.padStart(width) : text.padEnd(width);
  });
  return lines.map((line) =>
    pads.map((pad, at) => pad(line[at])).join("  ").trimEnd()
  ).join("\n");
}
