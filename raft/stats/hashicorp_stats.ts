// RAFT.STATS and RAFT.LASTCONTACT in the original's words (hashicorp/raft's `Stats()`): its
// keys, their order, and Go's way of writing durations and times. A key without a
// counterpart here (versions, pending work) has the value that scripts are used to.

import type { NodeState } from "../channel/messages.ts";
import type { Role } from "../core/options.ts";
import type { Raft } from "../core/raft.ts";
import type { Configuration } from "../core/types.ts";

/** Figures that the core does not know. */
export type HashicorpStatsInput = {
  readonly state: NodeState;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Milliseconds since 1970; `undefined` on the leader and before any contact. */
  readonly lastContact: number | undefined;
};

/** The original's 18 pairs, sorted by key. */
export function hashicorpStatsOf(
  raft: Raft,
  input: HashicorpStatsInput,
): [string, string][] {
  const { log, membership } = raft;
  const others = membership.voters.filter((id) => id !== raft.id).length;
  return [
    ["applied_index", `${log.lastApplied}`],
    ["commit_index", `${log.commitIndex}`],
    ["fsm_pending", "0"],
    ["last_contact", lastContactText(input)],
    ["last_log_index", `${log.lastIndex}`],
    ["last_log_term", `${log.lastTerm}`],
    ["last_snapshot_index", `${log.snapshot.index}`],
    ["last_snapshot_term", `${log.snapshot.term}`],
    ["latest_configuration", configurationText(membership.current)],
    ["latest_configuration_index", `${membership.currentIndex}`],
    ["num_peers", `${others}`],
    ["protocol_version", "3"],
    ["protocol_version_max", "3"],
    ["protocol_version_min", "0"],
    ["snapshot_version_max", "1"],
    ["snapshot_version_min", "0"],
    ["state", input.state],
    ["term", `${raft.currentTerm}`],
  ];
}

function lastContactText(
  { state, now, lastContact }: HashicorpStatsInput,
): string {
  if (state === "Leader") return "0";
  return lastContact === undefined ? "never" : durationText(now - lastContact);
}

/** As Go prints a slice of structs: scripts match it. */
function configurationText({ servers }: Configuration): string {
  const texts = servers.map(({ id, address, suffrage }) =>
    `{Suffrage:${suffrage === "voter" ? "Voter" : "Nonvoter"} ` +
    `ID:${id} Address:${address}}`
  );
  return `[${texts.join(" ")}]`;
}

/** The original's word for a role; it has one for pre-vote and vote. */
export function stateOf(role: Role): NodeState {
  if (role === "leader") return "Leader";
  return role === "follower" ? "Follower" : "Candidate";
}

/** `millis`, in milliseconds, as Go's time.Duration: `0s`, `4.072ms`, `1.5s`, `1m2.5s`. */
export function durationText(millis: number): string {
  const micros = Math.max(0, Math.round(millis * 1000));
  if (micros === 0) return "0s";
  if (micros < 1000) return `${micros}µs`;
  if (micros < 1_000_000) return `${micros / 1000}ms`;
  const seconds = micros / 1_000_000;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = `${Number((seconds % 60).toFixed(6))}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}

/**
 * `millis`, in milliseconds since 1970, as Go's time.Time in UTC:
 * `2026-11-22 16:41:15.139 +0000 UTC`. Go's zero time if there is none.
 */
export function timeText(millis: number | undefined): string {
  if (millis === undefined) return "0001-01-01 00:00:00 +0000 UTC";
  const dateAndTime = new Date(millis).toISOString().slice(0, -1)
    .replace("T", " ");
  // Go drops trailing zeros of the fraction, and the point with the last of them.
  return `${dateAndTime.replace(/\.?0+$/, "")} +0000 UTC`;
}
