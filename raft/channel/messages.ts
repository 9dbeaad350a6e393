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

/**
 * From an isolate that serves clients to the node.
 *
 * 1. Main sends `start` once. The node answers `ready`, once, or `stopped`.
 * 2. Main sends `door` for each further isolate, once. Through that door come `take` and
 *    `admin` alone.
 * 3. An isolate has one `take` or one `refill` under way at most: it sends the next when the
 *    last is answered in full. The node answers the takes of all isolates in the order in
 *    which they came, so they need no ids.
 * 4. A `take` is answered by `taken` and `refused` messages whose counts add up to its own.
 *    The last `taken` may bring more numbers than that: the rest is lent, as by `lent`.
 * 5. A `refill` says that less is left of what was lent than half, and that nobody waits for
 *    a ticket. It is answered by `lent` or `nothing-lent`.
 * 6. `recall` asks for all that is lent. It is answered once, by `returned`, with what is
 *    left; until then nothing is lent and no later take is answered.
 * 7. A `take` or `refill`, and its answer if it is in one piece, may pass through a
 *    `TakeBox`. They may overtake messages, and messages may overtake them.
 * 8. An `admin` is answered once, by its id; the order is free.
 * 9. Main sends `stop` once. The node hands leadership over, answers what waits, and says
 *    `stopped` last.
 *
 * Only main is lent numbers, and only while it is the only isolate that serves clients.
 */
export type ToNode =
  | {
    readonly type: "start";
    readonly options: NodeOptions;
    /** Of main's `TakeBox`; `undefined` where one isolate does everything. */
    readonly takeBoxMemory: SharedArrayBuffer | undefined;
  }
  /** Another isolate is to be served. */
  | {
    readonly type: "door";
    /** The node's end; it is transferred with the message. */
    readonly port: MessagePort;
    readonly takeBoxMemory: SharedArrayBuffer;
  }
  /** `count` is 1 or more. */
  | { readonly type: "take"; readonly count: number }
  | { readonly type: "refill" }
  | ({ readonly type: "returned" } & Range)
  | {
    readonly type: "admin";
    readonly id: number;
    readonly command: AdminCommand;
  }
  | { readonly type: "stop" };

/**
 * From the node to an isolate that serves clients. Every isolate hears `taken`, `refused`,
 * `answered` and `status`; main alone hears the rest. The rules stand above, and these:
 *
 * - `status` comes when something changed, at most once an input of the node.
 * - `removed` comes at most once, after the answers that were due before it. The node then
 *   serves nobody and waits for `stop`.
 * - `stopped` may come unasked, with an error: the process must end.
 */
export type FromNode =
  | { readonly type: "ready" }
  | ({ readonly type: "taken" } & Range)
  /** Numbers that the isolate may give to its clients by itself; 1 or more. */
  | ({ readonly type: "lent" } & Range)
  | { readonly type: "nothing-lent" }
  | { readonly type: "recall" }
  | {
    readonly type: "refused";
    readonly count: number;
    readonly reason: Refusal;
  }
  | { readonly type: "status"; readonly status: NodeStatus }
  | {
    readonly type: "answered";
    readonly id: number;
    readonly answer: AdminAnswer;
  }
  /** The cluster has removed this node: it is to be stopped. */
  | { readonly type: "removed" }
  | { readonly type: "stopped"; readonly error: string | undefined };

/** What an isolate asks in one piece, as calls: through a `TakeBox`, or for it. */
export interface TakeRequests {
  take(count: number): void;
  refill(): void;
}

/** What the node answers in one piece: the tickets of a `Range`, as scalars. */
export interface TakeAnswers {
  taken(last: bigint, count: number): void;
  lent(last: bigint, count: number): void;
}

/** Either end of a door: a Worker, a worker's global scope, or a MessagePort. */
export interface Door<Out> {
  /** `transfer` holds the ports that `message` names. */
  postMessage(message: Out, transfer?: Transferable[]): void;
}

export type StorageKind = "file" | "kv";

/** All that the node must know; plain data, cloned across the door. */
export type NodeOptions = {
  readonly id: NodeId;
  /** Where peers are awaited. */
  readonly raftListen: Address;
  /** What this node tells others to dial; a missing host is filled in on joining. */
  readonly advertise: string;
  /** Where clients are sent to this node; who hears of it fills in a missing host. */
  readonly clientAddress: string;
  /** Of ticketd. */
  readonly version: string;
  /** Client addresses of members to join, any of them; empty: found or resume a cluster. */
  readonly join: readonly string[];
  /** Milliseconds after which joining is given up. */
  readonly joinTimeoutMillis: number;
  /** Joins without a vote, for good. */
  readonly nonvoter: boolean;
  /** The data directory of this node, `DIR/ID`; `undefined`: Deno KV's default store. */
  readonly directory: string | undefined;
  readonly storage: StorageKind;
  readonly durability: Durability;
  readonly heartbeatMillis: number;
  readonly electionMillis: number;
  readonly forward: Forwarding;
  /** Whether one isolate alone serves clients, and may be lent tickets. */
  readonly lends: boolean;
  /** Connections that other nodes, and strangers, may have open here. */
  readonly peersMax: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
};

/** What becomes of a TICKET on a node that does not lead. */
export type Forwarding =
  /** The leader is asked for it, whoever that is by then. */
  | "yes"
  /** It is refused. */
  | "no"
  /** Its client is told where the leader serves clients. */
  | "moved";

/** Why tickets were not given. None of the refused ones was, or ever will be, given. */
export type Refusal =
  /** Nobody was asked for them: this node does not lead. */
  | "not-leader"
  /** Whoever led lost that before they were committed, as far as one knows: they are burnt. */
  | "leadership-lost"
  /** Nobody could be asked: this node was removed from its cluster, or not let in yet. */
  | "no-cluster"
  /** The leader serves clients at this address. */
  | { readonly movedTo: string }
  /** 2^64 - 1 was reached. */
  | "exhausted";

export type AdminCommand =
  | {
    readonly type: "add-voter" | "add-nonvoter";
    readonly id: string;
    readonly address: string;
    /** 0: whatever the configuration is now. */
    readonly prevIndex: bigint;
  }
  /** A vote for a nonvoter, once it has caught up. */
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
    /** Whatever it costs the cluster. */
    readonly force: boolean;
  }
  /** Leadership to a voter; without an id, to the one that is furthest along. */
  | { readonly type: "transfer"; readonly id: string }
  | { readonly type: "cluster" }
  | { readonly type: "configuration" }
  | { readonly type: "last-contact" }
  | { readonly type: "snapshot" }
  | { readonly type: "stats" };

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

/** What the original's RAFT.STATS calls state. */
export type NodeState = "Follower" | "Candidate" | "Leader";

export type NodeStatus = {
  readonly state: NodeState;
  readonly term: Term;
  /** The leader's raft address; empty when none is known. */
  readonly leaderAddress: string;
  /** The hosts of the members, as far as they are known. */
  readonly memberHosts: readonly string[];
};
