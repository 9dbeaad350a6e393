// The whole command table, and the way of a request to its handler: by its name to the row,
// past the row's number of arguments, and into the queue if a MULTI is open. Texts are those of
// Redis 7. Not here: what a command does (its row), and COMMAND (`command_docs.ts`).

import type { RespParser } from "../resp/resp_parser.ts";
import { type Command, find, type Service, type Session } from "./command.ts";
import { commandRow, helpRows } from "./command_docs.ts";
import { keyspaceCommands } from "./keyspace_commands.ts";
import { raftCommands } from "./raft_commands.ts";
import { redisCommands } from "./redis_commands.ts";
import { refusedCommands } from "./refused_commands.ts";
import { countingCommands, sequenceCommands } from "./sequence_commands.ts";
import { ticketCommand, ticketCommands } from "./ticket_commands.ts";
import {
  queueCommand,
  refuseCommand,
  transactionCommands,
} from "./transaction_commands.ts";

/** All commands; COMMAND shows those with a line of help. */
export const commands: readonly Command[] = [
  ticketCommand,
  ...ticketCommands,
  ...countingCommands,
  ...sequenceCommands,
  ...keyspaceCommands,
  ...transactionCommands,
  ...raftCommands,
  ...redisCommands,
  ...refusedCommands,
  commandRow(() => commands),
];

/** The subcommand that every command with subcommands has. */
const helpOnly = helpRows(() => commands);

/** The rows by the length of their names, those that are asked for most first. */
const rowsOfLength: readonly (readonly Command[])[] = Array.from(
  { length: 1 + Math.max(...commands.map(({ name }) => name.length)) },
  (_, length) => commands.filter(({ name }) => name.length === length),
);

/** Runs the request of `session`: it is replied to once, now or later, or the session ends. */
export function runCommand(session: Session, service: Service): void {
  const command = judge(session.request);
  const { transaction } = session;
  if (typeof command === "string" || command instanceof Uint8Array) {
    return refuseCommand(session, command);
  }
  if (transaction?.isOpen && !command.flags?.includes("at-once")) {
    return queueCommand(session, service, command);
  }
  command.run(session, service);
}

/** The row of `request`, if it has as many arguments as it may have; or the error for it. */
function judge(request: RespParser): Command | string | Uint8Array {
  const row = rowOf(request);
  if (row === undefined) return unknownCommand(request);
  if (row.subcommands === undefined || request.count === 1) {
    return counted(row, { name: row.name, given: request.count - 1 });
  }
  const command = find(row.subcommands, { request, index: 1 }) ??
    find(helpOnly, { request, index: 1 });
  if (command === undefined) return unknownSubcommand(request, row.name);
  const name = `${row.name}|${command.name}`;
  return counted(command, { name, given: request.count - 2 });
}

function counted(
  command: Command,
  { name, given }: { readonly name: string; readonly given: number },
): Command | string {
  const [least, most = Infinity] = command.arguments;
  return given >= least && given <= most
    ? command
    : `ERR wrong number of arguments for '${name}' command`;
}

/** The name in the table of the command that `session` sent, as in `client|list`. */
export function nameOf({ request }: Session): string {
  const command = rowOf(request);
  const rows = request.count > 1 ? command?.subcommands ?? [] : [];
  const row = find(rows, { request, index: 1 });
  const name = command?.name ?? "unknown command";
  return row === undefined ? name : `${name}|${row.name}`;
}

/** Whether a client in a kept place may send the command that `session` sent. */
export function isForVisitors({ request }: Session): boolean {
  return rowOf(request)?.flags?.includes("for-visitors") ?? false;
}

/** Looks among the names of the same length: there are many commands. */
function rowOf(request: RespParser): Command | undefined {
  const rows = rowsOfLength[request.size(0)];
  return rows === undefined ? undefined : find(rows, { request, index: 0 });
}

/** Bytes of the name that Redis shows, and about as many of the arguments. */
const shownBytesMax = 128;

/** Shows the client its own bytes undecoded, because they may be no UTF-8. */
function unknownCommand(request: RespParser): Uint8Array {
  const shown: number[] = [];
  for (let at = 1; at < request.count && shown.length < shownBytesMax; at++) {
    const part = request.bytes(at).subarray(0, shownBytesMax - shown.length);
    shown.push(apostrophe, ...part, apostrophe, space);
  }
  return Uint8Array.from([
    ...ascii("ERR unknown command '"),
    ...request.bytes(0).subarray(0, shownBytesMax),
    ...ascii("', with args beginning with: "),
    ...shown,
  ]);
}

function unknownSubcommand(request: RespParser, name: string): Uint8Array {
  return Uint8Array.from([
    ...ascii("ERR unknown subcommand '"),
    ...request.bytes(1).subarray(0, shownBytesMax),
    ...ascii(`'. Try ${name.toUpperCase()} HELP.`),
  ]);
}

const apostrophe = 39, space = 32;
const encoder = new TextEncoder();

function ascii(text: string): Uint8Array {
  return encoder.encode(text);
}
