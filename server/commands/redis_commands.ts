// The commands that redis-cli, redis-benchmark and client libraries send on their own,
// answered as Redis 7 answers: enough that they connect without an error or a warning, no
// more. This isolate answers them by itself. Not here: the commands about sequences
// (`sequence_commands.ts`), and COMMAND (`commands.ts`).

import {
  type ClientInfo,
  type Command,
  needsSubcommand,
  reply,
  type Service,
  type Session,
} from "./command.ts";
import { matchesInAnyCase } from "./glob.ts";
import { infoText } from "./info.ts";

/** The rows of commands that Redis has, too, and of two traps for browsers. */
export const redisCommands: readonly Command[] = [
  {
    name: "ping",
    arguments: [0, 1],
    help: "PONG, or the message",
    run(session) {
      const { request } = session;
      if (request.count === 1) reply(session).simple("PONG");
      else reply(session).bulk(request.bytes(1));
    },
  },
  {
    name: "echo",
    arguments: [1, 1],
    help: "The message",
    run: (session) => reply(session).bulk(session.request.bytes(1)),
  },
  {
    name: "quit",
    arguments: [0],
    flags: ["for-visitors", "at-once"],
    help: "Close the connection after the replies so far",
    run(session) {
      ok(session);
      session.finish();
    },
  },
  {
    name: "auth",
    arguments: [1],
    flags: ["for-visitors"],
    help: "Refused: no password is configured",
    run(session) {
      if (session.request.count <= 3) withoutPassword(session);
      else reply(session).error("ERR syntax error");
    },
  },
  {
    name: "hello",
    arguments: [0],
    flags: ["for-visitors", "not-queued"],
    help: "Choose the protocol: [2|3] [SETNAME name]",
    run: hello,
  },
  {
    name: "select",
    arguments: [1, 1],
    help: "Choose the database: there is 0 only",
    run(session) {
      const index = session.request.text(1);
      if (index === "0") ok(session);
      else if (/^-?[1-9]\d{0,8}$/.test(index)) {
        reply(session).error("ERR DB index is out of range");
      } else {
        reply(session).error("ERR value is not an integer or out of range");
      }
    },
  },
  {
    name: "info",
    arguments: [0],
    flags: ["for-visitors"],
    help: "Version and state, line by line",
    run: (session, service) => reply(session).bulk(infoText(service)),
  },
  {
    name: "config",
    arguments: [1],
    flags: ["for-visitors"],
    help: "Settings under their Redis names",
    run: needsSubcommand,
    subcommands: [{
      name: "get",
      arguments: [1],
      help: "The settings that match: pattern [pattern …]",
      run: configGet,
    }],
  },
  {
    name: "client",
    arguments: [1],
    flags: ["for-visitors"],
    help: "This connection and the others",
    run: needsSubcommand,
    subcommands: [
      {
        name: "getname",
        arguments: [0, 0],
        help: "The name of this connection",
        run(session) {
          const { name, protocol } = session.client;
          if (name !== "") reply(session).bulk(name);
          else reply(session).null(protocol);
        },
      },
      {
        name: "id",
        arguments: [0, 0],
        help: "The number of this connection",
        run: (session) => reply(session).integer(session.client.id),
      },
      {
        name: "list",
        arguments: [0],
        help: "All connections of this thread, a line each",
        run: clientList,
      },
      {
        name: "setinfo",
        arguments: [2, 2],
        help: "What library this is; not kept",
        run: ok,
      },
      {
        name: "setname",
        arguments: [1, 1],
        flags: ["not-queued"], // DISCARD could not undo it
        help: "Name this connection",
        run(session) {
          const name = session.request.bytes(2);
          if (!isName(name)) return nameRefused(session);
          change(session, { name: session.request.text(2) });
          ok(session);
        },
      },
    ],
  },
  // A web page can make a browser post to this port, and a line of the post might be a
  // command. So the first line ends the connection without a reply, as in Redis.
  trap("post"),
  trap("host:"),
];

function trap(name: string): Command {
  return {
    name,
    arguments: [0],
    flags: ["at-once"],
    run: (session) => session.finish(),
  };
}

/** The settings that redis-benchmark reports with its figures. */
const settings: readonly (readonly [string, string])[] = [
  ["appendonly", "yes"],
  ["save", ""],
];

function ok(session: Session): void {
  reply(session).simple("OK");
}

function withoutPassword(session: Session): void {
  reply(session).error(
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
  );
}

/** The bytes of a client's name: its line in CLIENT LIST must stay short. */
const nameBytesMax = 64;

function isName(bytes: Uint8Array): boolean {
  return bytes.length <= nameBytesMax &&
    bytes.every((byte) => byte > 0x20 && byte < 0x7f);
}

function nameRefused(session: Session): void {
  reply(session).error(
    "ERR Client names cannot contain spaces, newlines or special characters.",
  );
}

function change(session: Session, by: Partial<ClientInfo>): void {
  session.client = { ...session.client, ...by };
}

function hello(session: Session, { link, version }: Service): void {
  const { request } = session;
  let { protocol, name } = session.client;
  if (request.count > 1) {
    const wanted = request.text(1);
    if (!/^(0|-?[1-9]\d{0,17})$/.test(wanted)) {
      return reply(session).error(
        "ERR Protocol version is not an integer or out of range",
      );
    }
    if (wanted !== "2" && wanted !== "3") {
      return reply(session).error("NOPROTO unsupported protocol version");
    }
    protocol = wanted === "3" ? 3 : 2;
  }
  for (let at = 2; at < request.count; at += 2) {
    if (request.is(at, "auth") && at + 2 < request.count) {
      return withoutPassword(session);
    }
    if (!request.is(at, "setname") || at + 1 === request.count) {
      return reply(session).error(
        `ERR Syntax error in HELLO option '${shown(request.text(at))}'`,
      );
    }
    if (!isName(request.bytes(at + 1))) return nameRefused(session);
    name = request.text(at + 1);
  }
  change(session, { protocol, name });
  const role = link.status.state === "Leader" ? "master" : "replica";
  describeServer(session, { version, role });
}

/** The reply to HELLO, in the protocol that it has chosen. */
function describeServer(
  session: Session,
  { version, role }: { readonly version: string; readonly role: string },
): void {
  const { id, protocol } = session.client;
  const writer = reply(session);
  writer.map(7, protocol);
  writer.bulk("server");
  writer.bulk("ticketd");
  writer.bulk("version");
  writer.bulk(version);
  writer.bulk("proto");
  writer.integer(protocol);
  writer.bulk("id");
  writer.integer(id);
  writer.bulk("mode");
  writer.bulk("standalone"); // to clients, "cluster" is Redis Cluster and its slots
  writer.bulk("role");
  writer.bulk(role);
  writer.bulk("modules");
  writer.array(0);
}

/** A word of the client, short enough for a reply. */
function shown(text: string): string {
  return text.slice(0, 128);
}

function configGet(session: Session): void {
  const { request } = session;
  const patterns: string[] = [];
  for (let at = 2; at < request.count; at++) patterns.push(request.text(at));
  const found = settings.filter(([name]) =>
    patterns.some((pattern) => matchesInAnyCase(pattern, name))
  );
  const writer = reply(session);
  writer.map(found.length, session.client.protocol);
  for (const text of found.flat()) writer.bulk(text);
}

/** Bytes of an entry in an array. */
const referenceBytes = 8;

/** Lines are made as the client reads; only their length must be known before. */
function clientList(session: Session, { sessions }: Service): void {
  // As they are now: a name that is set meanwhile must not change the length.
  const all = Array.from(sessions, ({ client }) => client);
  const bytes = all.reduce((sum, client) => sum + lineOf(client).length, 0);
  const keptBytes = all.length * referenceBytes;
  session.spent(all.length);
  session.replies.long(bytes, { pieces: all.values().map(lineOf), keptBytes });
}

function lineOf({ id, address, name, protocol }: ClientInfo): string {
  return `id=${id} addr=${address} name=${name} db=0 resp=${protocol}\n`;
}
