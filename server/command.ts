// What a command is: one row of a table. And what it may touch: the session of the
// client that sent it and the services of the process. The rows themselves stand in
// `raft_commands.ts`, `redis_commands.ts` and `commands.ts`.

import type { RaftLink } from "./raft_link.ts";
import type { Replies } from "./replies.ts";
import type { RespParser } from "./resp_parser.ts";
import type { Protocol, RespWriter } from "./resp_writer.ts";

/** One connected client. */
export interface Session {
  /** 1, 2, 3 … in the order of arrival; never used twice in one run. */
  readonly id: number;
  /** The remote host, and with its port: `host:port`. */
  readonly host: string;
  readonly address: string;
  /** What CLIENT SETNAME said. */
  name: string;
  protocol: Protocol;
  /** The command to run. */
  readonly request: RespParser;
  readonly replies: Replies;
  /** Runs no further command, sends the replies so far, closes. */
  finish(): Promise<void>;
}

/** What all sessions of an isolate share. */
export type Service = {
  readonly link: RaftLink;
  readonly version: string;
  /** The clients of this isolate, and how many the process has. */
  readonly sessions: ReadonlySet<Session>;
  readonly clients: () => number;
};

export type Command = {
  /** Lower case. */
  readonly name: string;
  /** The fewest and the most arguments, the name not counted; no most: any number. */
  readonly arguments: readonly [least: number, most?: number];
  /** One line; none for what is no command but a trap. */
  readonly help?: string;
  /** Replies exactly once, now or through `replies`. */
  readonly run: (session: Session, service: Service) => void;
  readonly subcommands?: readonly Command[];
};

/** The writer for a reply that is known at once. */
export function reply(session: Session): RespWriter {
  return session.replies.writer;
}

/** The row whose name is argument `index`. Allocates nothing: each command comes here. */
export function find(
  commands: readonly Command[],
  { request, index }: { request: RespParser; index: number },
): Command | undefined {
  for (const command of commands) {
    if (request.is(index, command.name)) return command;
  }
  return undefined;
}

/** 64-bit, or `undefined` when `text` is anything but digits or too large. */
export function parseUint64(text: string): bigint | undefined {
  if (!/^\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value < 2n ** 64n ? value : undefined;
}
