// The whole command table, and the way of a request to its handler: by its name to the row,
// and past the row's number of arguments. Texts are those of Redis 7. COMMAND stands here
// because it describes the table that it is in.

import {
  type Command,
  find,
  reply,
  type Service,
  type Session,
} from "./command.ts";
import { raftCommands } from "./raft_commands.ts";
import { redisCommands } from "./redis_commands.ts";
import { type Protocol, RespWriter } from "../resp/resp_writer.ts";

/** All commands; COMMAND shows those with a line of help. */
export const commands: readonly Command[] = [
  ...raftCommands, // TICKET first: the search is linear
  ...redisCommands,
  {
    name: "command",
    arguments: [0],
    flags: ["for-visitors"],
    help: "The commands there are",
    run: (session) => reply(session).array(0),
    subcommands: [
      {
        name: "count",
        arguments: [0, 0],
        help: "How many there are",
        run: (session) => reply(session).integer(described().length),
      },
      {
        name: "docs",
        arguments: [0],
        help: "What each is for: [name …]",
        run: (session) => {
          const asked = named(session) ?? described();
          const writer = reply(session);
          const known = asked.filter((command) => command !== undefined);
          writer.map(known.length, session.client.protocol);
          for (const command of known) writeDocs(writer, command, session);
        },
      },
      {
        name: "info",
        arguments: [0],
        help: "Name and arity of each: [name …]",
        run: (session) => {
          const asked = named(session) ?? described();
          const writer = reply(session);
          writer.array(asked.length);
          for (const command of asked) writeInfo(writer, command, session);
        },
      },
    ],
  },
];

/** Runs the request of `session`: it is replied to once, now or later, or the session ends. */
export function runCommand(session: Session, service: Service): void {
  const { request } = session;
  let command = find(commands, { request, index: 0 });
  if (command === undefined) return unknownCommand(session);
  let name = command.name;
  let given = request.count - 1;
  if (command.subcommands !== undefined && given > 0) {
    command = find(command.subcommands, { request, index: 1 }) ??
      find(helpOnly, { request, index: 1 });
    if (command === undefined) return unknownSubcommand(session, name);
    name += `|${command.name}`;
    given--;
  }
  const [least, most = Infinity] = command.arguments;
  if (given >= least && given <= most) return command.run(session, service);
  reply(session).error(
    `ERR wrong number of arguments for '${name}' command`,
  );
}

/** The name in the table of the command that `session` sent, as in `client|list`. */
export function nameOf({ request }: Session): string {
  const command = find(commands, { request, index: 0 });
  const rows = request.count > 1 ? command?.subcommands ?? [] : [];
  const row = find(rows, { request, index: 1 });
  const name = command?.name ?? "unknown command";
  return row === undefined ? name : `${name}|${row.name}`;
}

/** Whether a client in a kept place may send the command that `session` sent. */
export function isForVisitors({ request }: Session): boolean {
  const command = find(commands, { request, index: 0 });
  return command?.flags?.includes("for-visitors") ?? false;
}

/** The subcommand that every command with subcommands has. */
const helpOnly: readonly Command[] = [{
  name: "help",
  arguments: [0, 0],
  help: "Print this help",
  run(session) {
    const command = find(commands, { request: session.request, index: 0 });
    const rows = [...command?.subcommands ?? [], ...helpOnly];
    const name = command?.name.toUpperCase();
    const writer = reply(session);
    writer.array(1 + rows.length * 2);
    writer.simple(`${name} <subcommand> [<arg> …]. Subcommands are:`);
    for (const row of rows) {
      writer.simple(row.name.toUpperCase());
      writer.simple(`    ${row.help}`);
    }
  },
}];

/** Bytes of the name that Redis shows, and about as many of the arguments. */
const shownBytesMax = 128;

/** Shows the client its own bytes undecoded, because they may be no UTF-8. */
function unknownCommand(session: Session): void {
  const { request } = session;
  const shown: number[] = [];
  for (let at = 1; at < request.count && shown.length < shownBytesMax; at++) {
    const part = request.bytes(at).subarray(0, shownBytesMax - shown.length);
    shown.push(apostrophe, ...part, apostrophe, space);
  }
  reply(session).error(Uint8Array.from([
    ...ascii("ERR unknown command '"),
    ...request.bytes(0).subarray(0, shownBytesMax),
    ...ascii("', with args beginning with: "),
    ...shown,
  ]));
}

function unknownSubcommand(session: Session, name: string): void {
  reply(session).error(Uint8Array.from([
    ...ascii("ERR unknown subcommand '"),
    ...session.request.bytes(1).subarray(0, shownBytesMax),
    ...ascii(`'. Try ${name.toUpperCase()} HELP.`),
  ]));
}

const apostrophe = 39, space = 32;
const encoder = new TextEncoder();

function ascii(text: string): Uint8Array {
  return encoder.encode(text);
}

function described(): readonly Command[] {
  return commands.filter((command) => command.help !== undefined);
}

/** The commands that the request names after its subcommand; `undefined` if it names none. */
function named({ request }: Session): (Command | undefined)[] | undefined {
  if (request.count === 2) return undefined;
  return Array.from({ length: request.count - 2 }, (_, at) => {
    const command = find(commands, { request, index: at + 2 });
    return command?.help === undefined ? undefined : command;
  });
}

/** For each protocol, the docs of each command as bytes: to make them takes long. */
const docsOf = {
  2: new Map<Command, Uint8Array>(),
  3: new Map<Command, Uint8Array>(),
};

function writeDocs(
  writer: RespWriter,
  command: Command,
  { client: { protocol } }: Session,
): void {
  const known = docsOf[protocol];
  let docs = known.get(command);
  if (docs === undefined) {
    known.set(command, docs = makeDocs(command, protocol));
  }
  writer.append(docs);
}

function makeDocs(command: Command, protocol: Protocol): Uint8Array {
  const writer = new RespWriter();
  writer.bulk(command.name);
  writer.map(3, protocol);
  writer.bulk("summary");
  writer.bulk(command.help ?? "");
  writer.bulk("since");
  writer.bulk("0.1.0");
  writer.bulk("group");
  writer.bulk("ticketd");
  return writer.bytes().slice();
}

/** The first six fields, those of before Redis 6: clients read no others. */
function writeInfo(
  writer: RespWriter,
  command: Command | undefined,
  { client: { protocol } }: Session,
): void {
  if (command === undefined) return writer.null(protocol);
  const [least, most] = command.arguments;
  writer.array(6);
  writer.bulk(command.name);
  writer.integer(least === most ? least + 1 : -(least + 1));
  writer.array(0);
  for (let i = 0; i < 3; i++) writer.integer(0);
}
