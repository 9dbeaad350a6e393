// A command is one row of a table: its type, and what it may touch, the session of the
// client that sent it and the services of the process. The rows themselves stand in
// the files that `commands.ts` names.

import { assert } from "../../base/assert.ts";
import type { AdminLimit } from "./admin_limit.ts";
import type { ClientCount } from "../client_count.ts";
import type { Dispenser } from "../tickets/dispenser.ts";
import type { GroupDesk } from "../tickets/group_desk.ts";
import type { RaftLink } from "../tickets/raft_link.ts";
import type { KeySearches } from "./key_searches.ts";
import type { Replies } from "../resp/replies.ts";
import type { RespParser } from "../resp/resp_parser.ts";
import type { Protocol, RespWriter } from "../resp/resp_writer.ts";
import type { Plan } from "./plan.ts";
import type { Transaction } from "./transaction.ts";

/** A client as CLIENT LIST and the log show it; replaced as a whole when any of it changes. */
export type ClientInfo = {
  /** 1, 2, 3 … in the order of arrival; never used twice by one process. */
  readonly id: number;
  /** Where it is connected from: `host:port`. */
  readonly address: string;
  /** Set by CLIENT SETNAME, at most 64 bytes; empty before. */
  readonly name: string;
  readonly protocol: Protocol;
};

/** One connected client. */
export interface Session {
  client: ClientInfo;
  /** The remote host. */
  readonly host: string;
  /** The command to run. */
  readonly request: RespParser;
  readonly replies: Replies;
  /** What WATCH and MULTI have begun; `undefined` if nothing. */
  transaction: Transaction | undefined;
  /** How many tickets it may still ask for in this turn; at least 1 as a command runs. */
  readonly ticketsLeft: number;
  /** It has asked for `count` tickets, or for what takes about as long to make. */
  spent(count: number): void;
  /** Runs no further command, sends the replies so far, closes. */
  finish(): void;
}

/** The services that all sessions of an isolate share. */
export type Service = {
  readonly link: NodeDoor;
  readonly version: string;
  /** The clients of this isolate. */
  readonly sessions: ReadonlySet<Session>;
  /** Counts clients and more for the whole process. */
  readonly clientCount: ClientCount;
  /** Every question to the node is admitted by it. */
  readonly admins: AdminLimit;
  /** Every KEYS waits here for its turn. */
  readonly searches: KeySearches;
};

/** The end of the door to the node, as far as commands need it. */
export type NodeDoor = Pick<RaftLink, "admin" | "status"> & {
  readonly dispenser: Pick<Dispenser, "hasRoom" | "take" | "takeLent">;
  readonly groups: Pick<GroupDesk, "ask" | "hasRoom">;
};

/** A property of a command that others act on. */
export type CommandFlag =
  /** A client in a kept place may send it (`clients/client_places.ts`): it looks or manages. */
  | "for-visitors"
  /** It may wait for other nodes, for as long as a change of members may take. */
  | "may-wait"
  /** MULTI does not queue it: it is run as it comes. */
  | "at-once"
  /** It cannot be queued by MULTI: it is refused there. */
  | "not-queued";

/** How COMMAND INFO describes a command to a client library, in the words of Redis. */
export type RedisFlag = "write" | "readonly" | "fast";

/** Which arguments are names: the first, the last (-1: the last that there is), the step. */
export type KeyPlaces = readonly [first: number, last: number, step: number];

/**
 * One row of the table.
 *
 * @example
 * { name: "time", arguments: [0, 0], help: "The server's clock", run: time }
 */
export type Command = {
  /** Lower case. */
  readonly name: string;
  /** The fewest and the most arguments, the name not counted; no most: any number. */
  readonly arguments: readonly [least: number, most?: number];
  readonly flags?: readonly CommandFlag[];
  /** One line. Left out for a trap, which COMMAND does not show. */
  readonly help?: string;
  /** Replies exactly once, now or through `replies`. */
  readonly run: (session: Session, service: Service) => void;
  /**
   * Its operations, for MULTI: it judges all arguments. A text is an error, with its code. Left
   * out if this isolate answers the command by itself.
   */
  readonly plan?: (request: RespParser) => Plan | string;
  readonly redisFlags?: readonly RedisFlag[];
  readonly keys?: KeyPlaces;
  readonly subcommands?: readonly Command[];
};

/** The writer for a reply that is known at once. */
export function reply(session: Session): RespWriter {
  return session.replies.writer;
}

/** The row whose name is argument `index`. Allocates nothing, because many commands come here. */
export function find(
  commands: readonly Command[],
  { request, index }: { request: RespParser; index: number },
): Command | undefined {
  for (const command of commands) {
    if (request.is(index, command.name)) return command;
  }
  return undefined;
}

/** `undefined` when `text` is not a decimal number below 2^64. */
export function parseUint64(text: string): bigint | undefined {
  if (!/^\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value < 2n ** 64n ? value : undefined;
}

/** The `run` of a command with subcommands: its least number of arguments keeps it from it. */
export function needsSubcommand(): void {
  assert(false, "a command without its subcommand was run");
}
