// COMMAND and HELP: the table as client libraries and people read it. Replies are those of
// Redis, with its fields of before version 6: clients read no others. Not here: the table
// (`commands.ts`), which is given as a function because these rows stand in it.

import { type Protocol, RespWriter } from "../resp/resp_writer.ts";
import { type Command, find, reply, type Session } from "./command.ts";

type Table = () => readonly Command[];

/** The row of COMMAND for a table. */
export function commandRow(table: Table): Command {
  return {
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
        run: (session) => reply(session).integer(described(table).length),
      },
      {
        name: "docs",
        arguments: [0],
        help: "What each is for: [name …]",
        run(session) {
          const asked = named(session, table) ?? described(table);
          const writer = reply(session);
          const known = asked.filter((command) => command !== undefined);
          writer.map(known.length, session.client.protocol);
          for (const command of known) writeDocs(writer, command, session);
        },
      },
      {
        name: "getkeys",
        arguments: [1],
        help: "Which arguments of a command are names: command [argument …]",
        run: (session) => writeKeys(session, table),
      },
      {
        name: "info",
        arguments: [0],
        help: "Name, arity, flags and places of names of each: [name …]",
        run(session) {
          const asked = named(session, table) ?? described(table);
          const writer = reply(session);
          writer.array(asked.length);
          for (const command of asked) writeInfo(writer, command, session);
        },
      },
    ],
  };
}

/** HELP, the subcommand that every command with subcommands has, as a table of one row. */
export function helpRows(table: Table): readonly Command[] {
  const rows: readonly Command[] = [{
    name: "help",
    arguments: [0, 0],
    help: "Print this help",
    run(session) {
      const command = find(table(), { request: session.request, index: 0 });
      const all = [...command?.subcommands ?? [], ...rows];
      const name = command?.name.toUpperCase();
      const writer = reply(session);
      writer.array(1 + all.length * 2);
      writer.simple(`${name} <subcommand> [<arg> …]. Subcommands are:`);
      for (const row of all) {
        writer.simple(row.name.toUpperCase());
        writer.simple(`    ${row.help}`);
      }
    },
  }];
  return rows;
}

function described(table: Table): readonly Command[] {
  return table().filter(({ help }) => help !== undefined);
}

/** The commands that the request names after its subcommand; `undefined` if it names none. */
function named(
  { request }: Session,
  table: Table,
): (Command | undefined)[] | undefined {
  if (request.count === 2) return undefined;
  return Array.from({ length: request.count - 2 }, (_, at) => {
    const command = find(table(), { request, index: at + 2 });
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

function writeInfo(
  writer: RespWriter,
  command: Command | undefined,
  { client: { protocol } }: Session,
): void {
  if (command === undefined) return writer.null(protocol);
  const [least, most] = command.arguments;
  const { redisFlags = [], keys = [0, 0, 0] } = command;
  writer.array(6);
  writer.bulk(command.name);
  writer.integer(least === most ? least + 1 : -(least + 1));
  writer.array(redisFlags.length);
  for (const flag of redisFlags) writer.simple(flag);
  for (const place of keys) writer.integer(place);
}

/** Replies to COMMAND GETKEYS with the arguments at the places of names. */
function writeKeys(session: Session, table: Table): void {
  const { request } = session;
  const command = find(table(), { request, index: 2 });
  if (command === undefined) {
    return reply(session).error("ERR Invalid command specified");
  }
  const { keys, arguments: [least, most = Infinity] } = command;
  if (keys === undefined) {
    return reply(session).error("ERR The command has no key arguments");
  }
  const given = request.count - 3;
  const [first, last, step] = keys;
  if (given < least || given > most || given < first) {
    return reply(session).error(
      "ERR Invalid number of arguments specified for command",
    );
  }
  const indexes: number[] = [];
  const end = last < 0 ? given : last;
  for (let at = first; at <= end; at += step) indexes.push(at + 2);
  const writer = reply(session);
  writer.array(indexes.length);
  for (const index of indexes) writer.bulk(request.bytes(index));
}
