// Makes the parts of a node, and hands each those of the others that it needs. Tickets, members
// and stats know each other only through this file and `node.ts`. It runs nothing.
// Not here: the core, the disk work (`saver.ts`) and the node's end (`shutdown.ts`), which
// the node makes itself.

import { defaultSequence } from "../base/sequence_name.ts";
import type { Raft } from "./core/raft.ts";
import type { PeerMessage, Saved } from "./core/types.ts";
import type { Environment } from "./environment.ts";
import { SenderRights } from "./identity/sender_rights.ts";
import { AddressUpdates } from "./members/address_updates.ts";
import { ChangesAsked } from "./members/changes_asked.ts";
import { Removal } from "./members/removal.ts";
import { PeerSet } from "./net/peer_set.ts";
import type { NodeSettings } from "./node_settings.ts";
import { ChangeLog } from "./stats/change_log.ts";
import { DiskLatency } from "./stats/disk_latency.ts";
import { DiskLog } from "./stats/disk_log.ts";
import { PeerInfo } from "./stats/peer_info.ts";
import { RaftStats } from "./stats/raft_stats.ts";
import { Standstill } from "./stats/standstill.ts";
import { StatusFeed } from "./stats/status_feed.ts";
import { VoterNotice } from "./stats/voter_notice.ts";
import { type Gap, gapText } from "./tickets/gap.ts";
import { Lending } from "./tickets/lending.ts";
import { canApply, type Machine } from "./tickets/machine.ts";
import { GroupsAsked } from "./tickets/groups_asked.ts";
import { RaiseLog } from "./tickets/raise_log.ts";
import { OwnTakes } from "./tickets/own_takes.ts";
import { Reserve } from "./tickets/reserve.ts";
import { ServedTakes } from "./tickets/served_takes.ts";

/** Milliseconds for which a cluster has two voters before its nodes say what that means. */
const voterNoticeMillis = 30_000;
/** Milliseconds after which the clients' isolates are told of tickets taken meanwhile. */
const statusMillis = 1000;

/** The inputs that the parts are made from. */
export type NodePartsOptions = {
  readonly environment: Environment;
  readonly settings: NodeSettings;
  readonly saved: Saved;
  readonly machine: Machine;
};

/** All parts of one node but the core, the saver and the shutdown. */
export type NodeParts = TicketParts & GroupParts & MemberParts & StatsParts;

type TicketParts = {
  readonly reserve: Reserve;
  readonly lending: Lending;
  /** Takes of this node's clients. */
  readonly ownTakes: OwnTakes;
  /** Takes of other nodes, which believe that this one leads. */
  readonly servedTakes: ServedTakes;
};

type GroupParts = {
  /** Groups of operations, of this node's clients and of other nodes. */
  readonly groups: GroupsAsked;
};

type MemberParts = {
  readonly changes: ChangesAsked;
  readonly addressUpdates: AddressUpdates;
  readonly removal: Removal;
  readonly senderRights: SenderRights;
  readonly peerSet: PeerSet;
};

type StatsParts = {
  readonly peerInfo: PeerInfo;
  readonly diskLatency: DiskLatency;
  readonly stats: RaftStats;
  readonly statusFeed: StatusFeed;
  readonly changeLog: ChangeLog;
  readonly diskLog: DiskLog;
  readonly standstill: Standstill;
  readonly voterNotice: VoterNotice;
};

/** Makes the parts of the node whose core is `raft`. */
export function partsOf(raft: Raft, inputs: NodePartsOptions): NodeParts {
  const { environment, saved } = inputs;
  const peerInfo = new PeerInfo(raft, environment.about);
  const removal = new Removal(raft, {
    incarnation: saved.identity.incarnation,
    joins: environment.joins,
  });
  const tickets = ticketParts(raft, inputs, { peerInfo, removal });
  // Random at first: an answer to a former process must not fit.
  let forwardId = inputs.settings.random(2 ** 31);
  const nextForwardId = () => forwardId++;
  return {
    ...tickets,
    ...groupParts(raft, inputs, {
      ...tickets,
      peerInfo,
      removal,
      nextForwardId,
    }),
    ...memberParts(raft, inputs, { ...tickets, removal, nextForwardId }),
    ...statsParts(raft, inputs, { ...tickets, peerInfo }),
  };
}

function sendTo({ peers }: Environment): (message: PeerMessage) => void {
  return (message) => peers.send([message]);
}

function ticketParts(
  raft: Raft,
  { environment, settings, machine }: NodePartsOptions,
  { peerInfo, removal }: {
    readonly peerInfo: PeerInfo;
    readonly removal: Removal;
  },
): TicketParts {
  const { peers, post, log } = environment;
  const { forward, random } = settings;
  const send = sendTo(environment);
  const burnt = (gap: Gap) => log("info", gapText(gap));
  const reserve = new Reserve(raft, {
    ...settings,
    machine,
    burnt,
  });
  const lending = new Lending(raft, reserve, {
    post,
    isAllowed: settings.lends,
  });
  const ownTakes = new OwnTakes(raft, { reserve, lending }, {
    forward,
    random,
    post,
    send,
    reaches: (id) => peers.reaches(id),
    leaderClient: () => peerInfo.of(raft.leaderId).client,
    isOut: () => removal.isOut,
    burnt,
  });
  const servedTakes = new ServedTakes(raft, reserve, send);
  return { reserve, lending, ownTakes, servedTakes };
}

function groupParts(
  raft: Raft,
  { environment, settings, saved, machine }: NodePartsOptions,
  { reserve, lending, peerInfo, removal, nextForwardId }: {
    readonly reserve: Reserve;
    readonly lending: Lending;
    readonly peerInfo: PeerInfo;
    readonly removal: Removal;
    readonly nextForwardId: () => number;
  },
): GroupParts {
  const { peers, post, log } = environment;
  const { forward, random, sequencesMax, changeTicks } = settings;
  const groups = new GroupsAsked(raft, {
    machine,
    reserve,
    isLoanBack: (name) => lending.recall(name),
    sequencesMax,
    cluster: saved.identity.cluster,
    raiseLog: new RaiseLog(log, { pauseTicks: Math.ceil(changeTicks / 10) }),
    forward,
    ticksMax: changeTicks,
    random,
    nextForwardId,
    post,
    send: sendTo(environment),
    reaches: (id) => peers.reaches(id),
    leaderClient: () => peerInfo.of(raft.leaderId).client,
    isOut: () => removal.isOut,
  });
  return { groups };
}

function memberParts(
  raft: Raft,
  { environment, settings, saved }: NodePartsOptions,
  { lending, removal, nextForwardId }: {
    readonly lending: Lending;
    readonly removal: Removal;
    readonly nextForwardId: () => number;
  },
): MemberParts {
  const { log, peers } = environment;
  const { changeTicks } = settings;
  const changes = new ChangesAsked(raft, {
    cluster: saved.identity.cluster,
    ticksMax: changeTicks,
    mayChange: () => lending.recallAll(),
    moved: (command) => addressUpdates.asked(command),
    nextForwardId,
    send: sendTo(environment),
  });
  const addressUpdates: AddressUpdates = new AddressUpdates(raft, {
    pauseTicks: 6 * changeTicks,
    freshTicks: Math.ceil(changeTicks / 2),
    askTicks: Math.ceil(changeTicks / 5),
    ask: (command) => changes.ask(command, () => {}),
    reachesDirectly: (id) => peers.reachesDirectly(id),
    log,
  });
  const senderRights = new SenderRights(raft, { canApply, log });
  const peerSet = new PeerSet(raft, peers);
  return { changes, addressUpdates, removal, senderRights, peerSet };
}

function statsParts(
  raft: Raft,
  { environment, settings, saved, machine }: NodePartsOptions,
  { reserve, peerInfo }: {
    readonly reserve: Reserve;
    readonly peerInfo: PeerInfo;
  },
): StatsParts {
  const { log, now, post, micros, sleep, diskName = "its disk" } = environment;
  const { tickMillis, electionTicks } = settings;
  const diskLatency = new DiskLatency();
  const electionMillis = electionTicks * tickMillis;
  const standstill = new Standstill({
    log,
    micros,
    electionMillis,
    lateMillis: () => sleep?.lateMillis ?? 0,
  });
  const lastTicket = () => machine.last(defaultSequence) ?? 0n;
  const sequences = () => machine.size;
  return {
    peerInfo,
    diskLatency,
    stats: new RaftStats(raft, {
      cluster: saved.identity.cluster,
      reserve,
      lastTicket,
      sequences,
      peerInfo,
      diskLatency,
      tickMillis,
      now,
    }),
    changeLog: new ChangeLog(raft, {
      ...{ log, micros, tickMillis, diskName, standstill },
    }),
    diskLog: new DiskLog({
      ...{ log, micros, diskName, electionMillis, standstill },
    }),
    standstill,
    voterNotice: new VoterNotice(raft, {
      log,
      delayTicks: Math.round(voterNoticeMillis / tickMillis),
    }),
    statusFeed: new StatusFeed(raft, {
      peerInfo,
      post,
      lastTicket,
      sequences,
      pauseTicks: Math.ceil(statusMillis / tickMillis),
    }),
  };
}
