// What a node shows of itself and of the others: its status to the main isolate, its
// figures to RAFT.STATS and RAFT.LASTCONTACT. Gathers for that what neither core nor disk
// keeps: when a leader was heard, whom this node has met, how the disk does.

import { parseAddress } from "../../base/address.ts";
import { PeerInfo } from "./peer_info.ts";
import type {
  AdminAnswer,
  AdminCommand,
  NodeState,
  NodeStatus,
} from "../channel/messages.ts";
import { findServer } from "../core/membership.ts";
import type { Role } from "../core/options.ts";
import type { Raft } from "../core/raft.ts";
import type { Configuration, NodeId, Term } from "../core/types.ts";
import { DiskLatency } from "./disk_latency.ts";
import type { About } from "../identity/hello.ts";
import { type TicketdStatsInput, ticketdStatsOf } from "./ticketd_stats.ts";
import { statsOf, timeText } from "./hashicorp_stats.ts";

export type OverviewOptions = {
  readonly reserve: TicketdStatsInput["reserve"];
  readonly cluster: string;
  readonly about: About;
  readonly tickMillis: number;
};

/** Admin commands that change nothing. */
type Question = Extract<
  AdminCommand["type"],
  "cluster" | "configuration" | "last-contact" | "stats"
>;

export class Overview {
  readonly peerInfo: PeerInfo;
  readonly disk = new DiskLatency();
  /** When a leader was last heard, in milliseconds since 1970. */
  leaderHeard: number | undefined;
  readonly #raft: Raft;
  readonly #options: OverviewOptions;
  #leadersSeen = 0;
  /** Of the leader seen last: there is one in a term. */
  #leaderTerm: Term = 0;
  /** What the status was made of that was looked at last: most inputs change none of it. */
  #toldBy: {
    readonly role: Role;
    readonly leaderId: NodeId | undefined;
    readonly term: Term;
    readonly configuration: Configuration;
    readonly meetings: number;
  } | undefined;
  #told: NodeStatus = {
    state: "Follower",
    term: 0,
    leaderAddress: "",
    memberHosts: [],
  };

  constructor(raft: Raft, options: OverviewOptions) {
    this.#raft = raft;
    this.#options = options;
    this.peerInfo = new PeerInfo(raft, options.about);
  }

  /** After every input. */
  look(): void {
    const { leaderId, currentTerm, isStalled } = this.#raft;
    this.disk.watch(isStalled);
    if (leaderId === undefined || currentTerm === this.#leaderTerm) return;
    this.#leaderTerm = currentTerm;
    this.#leadersSeen++;
  }

  /** When a leader was last heard; `undefined` on the leader and before. */
  get lastContact(): number | undefined {
    return this.#raft.role === "leader" ? undefined : this.leaderHeard;
  }

  /** Where the leader serves clients; empty when not known. */
  get leaderClient(): string {
    return this.peerInfo.of(this.#raft.leaderId).client;
  }

  /** What is asked of the node as it stands, at `now` in milliseconds since 1970. */
  answer(question: Question, now: number): AdminAnswer {
    switch (question) {
      case "cluster":
        return { type: "text", text: this.#options.cluster };
      case "configuration": {
        const { servers } = this.#raft.membership.current;
        return { type: "servers", servers };
      }
      case "last-contact":
        return { type: "text", text: timeText(this.lastContact) };
      case "stats":
        return { type: "pairs", pairs: this.#stats(now) };
      default:
        return question satisfies never;
    }
  }

  #stats(now: number): [string, string][] {
    const { lastContact, peerInfo, disk } = this;
    return [
      ...statsOf(this.#raft, { state: this.#state, now, lastContact }),
      ...ticketdStatsOf(this.#raft, {
        ...this.#options,
        peerInfo,
        disk,
        leadersSeen: this.#leadersSeen,
      }),
    ];
  }

  /** The status, if it is another than the one that was told last. */
  news(): NodeStatus | undefined {
    const { role, leaderId, membership, currentTerm: term } = this.#raft;
    const { current } = membership;
    const { meetings } = this.peerInfo;
    const by = this.#toldBy;
    if (
      by?.role === role && by.leaderId === leaderId && by.term === term &&
      by.configuration === current && by.meetings === meetings
    ) return undefined;
    this.#toldBy = { role, leaderId, term, configuration: current, meetings };
    const leader = leaderId === undefined
      ? undefined
      : findServer(current, leaderId);
    const leaderAddress = leader?.address ?? "";
    const memberHosts = this.#memberHosts;
    const { state, leaderAddress: known, term: before, memberHosts: hosts } =
      this.#told;
    if (
      state === this.#state && known === leaderAddress && before === term &&
      hosts.join() === memberHosts.join()
    ) return undefined;
    return this.#told = {
      state: this.#state,
      term,
      leaderAddress,
      memberHosts,
    };
  }

  /** As the configuration names them, and as they were met. */
  get #memberHosts(): string[] {
    const hosts = new Set<string>();
    for (const { id, address } of this.#raft.membership.current.servers) {
      for (const text of [address, this.peerInfo.of(id).client]) {
        hosts.add(parseAddress(text)?.host ?? "");
      }
    }
    hosts.delete("");
    return [...hosts];
  }

  get #state(): NodeState {
    if (this.#raft.role === "leader") return "Leader";
    return this.#raft.role === "follower" ? "Follower" : "Candidate";
  }
}
