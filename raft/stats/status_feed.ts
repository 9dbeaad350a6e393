// Keeps the clients' isolates informed of the node's status (`NodeStatus` of the channel):
// its state, the leader, the members' hosts, the last ticket, how many sequences. Posts it when
// it has changed, at most once an input, and no more than once a second if only the last two
// have: a message for each take would cost as much as the take. Not here: what RAFT.STATS
// answers (`raft_stats.ts`).

import { parseAddress } from "../../base/address.ts";
import type { FromNode, NodeStatus } from "../channel/messages.ts";
import { findServer } from "../core/membership.ts";
import type { Role } from "../core/options.ts";
import type { Raft } from "../core/raft.ts";
import type { Configuration, NodeId, Term } from "../core/types.ts";
import { stateOf } from "./hashicorp_stats.ts";
import type { PeerInfo } from "./peer_info.ts";

/** The values that a status is made from. */
type Sources = {
  readonly role: Role;
  readonly leaderId: NodeId | undefined;
  readonly term: Term;
  readonly configuration: Configuration;
  readonly meetings: number;
};

/** Posts one node's status when it changes. */
export class StatusFeed {
  readonly #raft: Raft;
  readonly #peerInfo: PeerInfo;
  readonly #post: (message: FromNode) => void;
  /** The sources of the last status: most inputs change none, and cost only this comparison. */
  #sources: Sources | undefined;
  /** The status posted last; the other side begins with the same one. */
  #posted: NodeStatus = {
    state: "Follower",
    term: 0,
    leaderAddress: "",
    memberHosts: [],
    lastTicket: 0n,
    sequences: 0,
  };
  readonly #lastTicket: () => bigint;
  readonly #sequences: () => number;
  /** Ticks between two statuses that differ in the last ticket alone. */
  readonly #pauseTicks: number;
  /** Ticks since the last ticket was compared with the one posted. */
  #ticks = 0;

  constructor(
    raft: Raft,
    { peerInfo, post, lastTicket, sequences, pauseTicks }: {
      readonly peerInfo: PeerInfo;
      readonly post: (message: FromNode) => void;
      readonly lastTicket: () => bigint;
      readonly sequences: () => number;
      readonly pauseTicks: number;
    },
  ) {
    this.#raft = raft;
    this.#peerInfo = peerInfo;
    this.#post = post;
    this.#lastTicket = lastTicket;
    this.#sequences = sequences;
    this.#pauseTicks = pauseTicks;
  }

  /** A tick has passed. */
  tick(): void {
    this.#ticks++;
  }

  /** Posts the status if it has changed. */
  pump(): void {
    const isTicketDue = this.#ticks >= this.#pauseTicks;
    if (!this.#haveSourcesChanged() && !isTicketDue) return;
    if (isTicketDue) this.#ticks = 0;
    const status = this.#status();
    const { lastTicket, sequences } = this.#posted;
    const hasTicketChanged = isTicketDue &&
      (status.lastTicket !== lastTicket || status.sequences !== sequences);
    if (isSame(status, this.#posted) && !hasTicketChanged) return;
    this.#posted = status;
    this.#post({ type: "status", status });
  }

  #haveSourcesChanged(): boolean {
    const { role, leaderId, membership, currentTerm: term } = this.#raft;
    const { current: configuration } = membership;
    const { meetings } = this.#peerInfo;
    const last = this.#sources;
    if (
      last?.role === role && last.leaderId === leaderId &&
      last.term === term && last.configuration === configuration &&
      last.meetings === meetings
    ) return false;
    this.#sources = { role, leaderId, term, configuration, meetings };
    return true;
  }

  #status(): NodeStatus {
    const { role, leaderId, membership, currentTerm: term } = this.#raft;
    const leader = leaderId === undefined
      ? undefined
      : findServer(membership.current, leaderId);
    return {
      state: stateOf(role),
      term,
      leaderAddress: leader?.address ?? "",
      memberHosts: this.#memberHosts(),
      lastTicket: this.#lastTicket(),
      sequences: this.#sequences(),
    };
  }

  /** The hosts that the configuration names, and those that the members told themselves. */
  #memberHosts(): string[] {
    const hosts = new Set<string>();
    for (const { id, address } of this.#raft.membership.current.servers) {
      for (const text of [address, this.#peerInfo.of(id).client]) {
        hosts.add(parseAddress(text)?.host ?? "");
      }
    }
    hosts.delete("");
    return [...hosts];
  }
}

/** Whether they differ in the last ticket and the number of sequences at most. */
function isSame(a: NodeStatus, b: NodeStatus): boolean {
  return a.state === b.state && a.term === b.term &&
    a.leaderAddress === b.leaderAddress &&
    a.memberHosts.join() === b.memberHosts.join();
}
