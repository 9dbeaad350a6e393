// The one door between the isolates: every message that crosses it, in one union for each
// direction, and the order in which they come. Types only: nothing here runs.
//
// One isolate runs the node. The main isolate starts and stops it, and serves clients;
// with `--io-threads` further isolates serve clients as well. Each isolate that serves
// clients has a door of its own to the node (`doors.ts`). Takes and their answers may pass
// beside the messages, through shared memory (`take_box.ts`).

import type { Durability } from "../../storage/storage.ts";
import type { Address } from "../../base/address.ts";
import type { LogFormat, LogLevel } from "../../base/logger.ts";
import type { Range } from "../../base/range.ts";
import type { NodeId, Server, Term } from "../core/types.ts";
import type { SequenceRefusal } from "./operations.ts";

/**
 * From an isolate that serves clients to the node. These are the rules of the door:
 *
 * 1. Main sends `start`, once. The node answers `ready`, once, when it can serve clients.
 * 2. Main sends `door`, once for each further isolate, at any time. Through the new door
 *    come `take`, `operations` and `admin` alone.
 * 3. For each sequence an isolate has at most one `take` or one `refill` under way. It sends
 *    the next when the last has been answered, or the node takes it along with that answer
 *    (`TakeOffers`). Takes of other sequences may be answered before or after it.
 * 4. A `take` is answered once: by `taken`, with all that it asks for, or by `refused`. A
 *    `taken` may bring more numbers than were asked for: the rest is lent.
 * 5. Main may give lent numbers to clients by itself. Nothing is lent while other isolates or
 *    other nodes serve clients.
 * 6. Main sends `refill` when less than half is left of what it was lent last of a sequence and
 *    no client waits for it. The node answers once, by `lent` or by `nothing-lent`.
 * 7. The node sends `recall` when the lent numbers of a sequence must come back. Main answers
 *    once, by `returned`, with those that are left. Until then the node lends nothing of that
 *    sequence, recalls nothing of it and starts on no take of it.
 * 8. A `take` or a `refill`, and its answer by `taken` or `lent`, may pass through a `TakeBox`;
 *    they may then overtake messages, and messages may overtake them. With a `take` main may
 *    give the rest of its loan back (`rest`); if a `recall` is under way by then, its `returned`
 *    brings nothing more.
 * 9. An isolate has at most one `operations` under way. The node answers by `results`.
 * 10. An isolate sends `admin` at any time. The node answers each once, by its id, in any
 *     order.
 * 11. The node sends `status` to every isolate when its status has changed, at most once for
 *     each of its inputs.
 * 12. The node sends `removed`, at most once, after the answers that were due before. From
 *     then on it refuses takes, and waits for `stop`.
 * 13. Main sends `stop`, once, when no isolate asks any more. The node hands leadership over,
 *     answers all that waits, and sends `stopped` last.
 * 14. The node may send `stopped` at any time, with an error: then the process must end.
 */
export type ToNode =
  | {
    readonly type: "start";
    readonly options: NodeOptions;
    /** Of main's `TakeBox`; `undefined` where one isolate does everything. */
    readonly takeBoxMemory: SharedArrayBuffer | undefined;
  }
  | {
    readonly type: "door";
    /** The node's end of the new door; it is transferred with the message. */
    readonly port: MessagePort;
    /** Of the `TakeBox` beside the new door. */
    readonly takeBoxMemory: SharedArrayBuffer;
  }
  | ({ readonly type: "take" } & TakeRequest)
  | { readonly type: "refill"; readonly name: string }
  /** An empty range if all were given to clients. */
  | ({ readonly type: "returned"; readonly name: string } & Range)
  /** Groups of operations, as `operation_codec.ts` encodes them. */
  | { readonly type: "operations"; readonly data: Uint8Array }
  | {
    readonly type: "admin";
    readonly id: number;
    readonly command: AdminCommand;
  }
  | { readonly type: "stop" };

/** Numbers of one sequence that an isolate's clients ask for: all of them, or none. */
export type TakeRequest = {
  /** Of the sequence (`base/sequence_name.ts`). */
  readonly name: string;
  /** At least 1. */
  readonly count: number;
  /** None of them may be above 2^63 - 1. */
  readonly isCapped: boolean;
  /** Numbers at the end of the isolate's loan of this sequence that come back with this. */
  readonly rest: number;
};

/**
 * From the node to an isolate that serves clients, by the rules above ({@linkcode ToNode}).
 * `taken`, `refused`, `results` and `answered` go to the isolate that asked, `status` to all,
 * and everything else to main.
 */
export type FromNode =
  | { readonly type: "ready" }
  /** At least as many tickets as were asked for. */
  | (
    & { readonly type: "taken"; readonly door: DoorId; readonly name: string }
    & Range
  )
  /** At least 1 ticket. */
  | ({ readonly type: "lent"; readonly name: string } & Range)
  | { readonly type: "nothing-lent"; readonly name: string }
  | { readonly type: "recall"; readonly name: string }
  | {
    readonly type: "refused";
    readonly door: DoorId;
    readonly name: string;
    readonly reason: Refusal;
  }
  /** The outcomes of all groups of one `operations`, in their order, encoded. */
  | {
    readonly type: "results";
    readonly door: DoorId;
    readonly data: Uint8Array;
  }
  | { readonly type: "status"; readonly status: NodeStatus }
  | {
    readonly type: "answered";
    readonly id: number;
    readonly answer: AdminAnswer;
  }
  /** The cluster has removed this node. */
  | { readonly type: "removed" }
  | { readonly type: "stopped"; readonly error: string | undefined };

/** Which isolate asked: 0 is main, the others follow in the order of their `door`. */
export type DoorId = number;

/** `take` and `refill` as calls: what passes through a `TakeBox` is no message. */
export interface TakeRequests {
  take(request: TakeRequest): void;
  refill(name: string): void;
}

/**
 * What waits for the next take of a sequence, beside a `TakeBox`. The node may take it along
 * when it answers the take under way: it is then the next take, as if it had been posted.
 */
export interface TakeOffers {
  /**
   * `count` more tickets of `name` wait; some of them capped, if it says so. False if the take
   * under way did not pass through the box: nothing is offered.
   */
  offer(offer: Pick<TakeRequest, "name" | "count" | "isCapped">): boolean;
  /** Ends the offer; returns how many tickets of it the node has not taken along. */
  withdraw(name: string): number;
}

/** `taken` and `lent` as calls, with the tickets of a `Range` as scalars. */
export interface TakeAnswers {
  taken(name: string, last: bigint, count: number): void;
  lent(name: string, last: bigint, count: number): void;
}

/** Either end of a door: a Worker, a worker's global scope, or a MessagePort. */
export interface Door<Out> {
  /** `transfer` holds the ports that `message` names. */
  postMessage(message: Out, transfer?: Transferable[]): void;
}

/** The kind of storage: a file log, or a Deno KV store. */
export type StorageKind = "file" | "kv";

/** All that the node must know: plain data, cloned across the door. */
export type NodeOptions = {
  readonly id: NodeId;
  /** Where it listens for other nodes. */
  readonly raftListen: Address;
  /** Where it tells other nodes to dial it; a missing host is filled in when it joins. */
  readonly advertise: string;
  /** Where other nodes send clients to it; they fill in a missing host. */
  readonly clientAddress: string;
  /** Where main serves clients, so that the node does not ask itself to be let in. */
  readonly clientListen?: Address;
  /** Of ticketd, for display. */
  readonly version: string;
  /**
   * Client addresses of members: a new node joins through them, a member asks there for
   * members that have moved. None: found or resume a cluster.
   */
  readonly join: readonly string[];
  /** How many nodes found a cluster together, this one included; 1: this node alone. */
  readonly expect: number;
  /** Milliseconds after which joining is given up. */
  readonly joinTimeoutMillis: number;
  /** Whether it joins without a vote, for good. */
  readonly nonvoter: boolean;
  /** The data directory of this node, `DIR/ID`; `undefined`: Deno KV's default store. */
  readonly directory: string | undefined;
  readonly storage: StorageKind;
  readonly durability: Durability;
  readonly heartbeatMillis: number;
  readonly electionMillis: number;
  readonly forward: Forwarding;
  /** Whether main alone serves clients, so that numbers may be lent to it. */
  readonly lends: boolean;
  /** Numbers of each sequence taken from the log ahead of demand at most: a crash burns them. */
  readonly aheadMax: number;
  /** Sequences that there may be in the cluster, as far as this node has a say. */
  readonly sequencesMax: number;
  /** Connections that other nodes, and strangers, may have open here. */
  readonly peersMax: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
};

/** How a node that does not lead treats a take. */
export type Forwarding =
  /** Asks the leader for it, whichever node that is by then. */
  | "yes"
  /** Refuses it. */
  | "no"
  /** Refuses it, and tells where the leader serves clients. */
  | "moved";

/** Why tickets were not given. No number of theirs will ever be given. */
export type Refusal =
  /** This node does not lead, and asked no other. */
  | "not-leader"
  /** The leader lost its office before it answered: if it took numbers, they burn. */
  | "leadership-lost"
  /** This node was removed from its cluster, or has not been let into one yet. */
  | "no-cluster"
  /** The leader serves clients at this address. */
  | { readonly movedTo: string }
  /** The state does not allow it; nothing was taken. */
  | Extract<
    SequenceRefusal,
    "exhausted" | "above-int64" | "unknown-sequence" | "too-many-sequences"
  >;

/** A command of an operator or a joining node: all RAFT commands but RAFT.LEADER. */
export type AdminCommand =
  | {
    readonly type: "add-voter" | "add-nonvoter";
    readonly id: string;
    readonly address: string;
    /** The index of the configuration to build on; 0: whichever is in force. */
    readonly prevIndex: bigint;
  }
  /** Gives a nonvoter a vote, once it has caught up. */
  | {
    readonly type: "promote";
    readonly id: string;
    readonly prevIndex: bigint;
  }
  | {
    readonly type: "join";
    readonly id: string;
    readonly address: string;
    readonly incarnation: string;
    readonly cluster: string;
    readonly nonvoter: boolean;
  }
  | {
    readonly type: "remove-server" | "demote";
    readonly id: string;
    readonly prevIndex: bigint;
    /** Even if the cluster cannot work without that server. */
    readonly force: boolean;
  }
  /** Hands leadership to a voter; if `id` is empty, to the one that is furthest along. */
  | { readonly type: "transfer"; readonly id: string }
  /** Whether this node founds a cluster with the disk that asks, or has one. */
  | {
    readonly type: "bootstrap";
    readonly node: string;
    readonly incarnation: string;
  }
  | { readonly type: "cluster" }
  | { readonly type: "configuration" }
  /** Which node this is, and where it wants to be dialled; its host answers, at any time. */
  | { readonly type: "node" }
  | { readonly type: "last-contact" }
  | { readonly type: "snapshot" }
  | { readonly type: "stats" };

/** The node's answer to an {@linkcode AdminCommand}. */
export type AdminAnswer =
  | { readonly type: "ok" }
  /** `text` without the leading `ERR `. */
  | { readonly type: "error"; readonly text: string }
  | { readonly type: "text"; readonly text: string }
  | {
    readonly type: "pairs";
    readonly pairs: readonly (readonly [string, string])[];
  }
  | { readonly type: "servers"; readonly servers: readonly Server[] };

/** The role of a node, in the words of RAFT.STATS of tidwall/ticketd. */
export type NodeState = "Follower" | "Candidate" | "Leader";

/** The node's status, which every isolate knows without asking. */
export type NodeStatus = {
  readonly state: NodeState;
  readonly term: Term;
  /** The leader's raft address; empty when none is known. */
  readonly leaderAddress: string;
  /** The hosts of the members, as far as they are known. */
  readonly memberHosts: readonly string[];
  /** The last number of `ticket` taken by entries applied there, as of a second ago or later. */
  readonly lastTicket: bigint;
  /** How many sequences there are, as of the same moment. */
  readonly sequences: number;
};
