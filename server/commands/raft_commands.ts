// The commands of the cluster, with the replies of tidwall/ticketd to the byte. The node answers
// all but RAFT.LEADER; here its answers are only written. The original does not have
// RAFT.CLUSTER, RAFT.JOIN, RAFT.BOOTSTRAP and RAFT.NODE, which other nodes send, nor RAFT.BACKUP
// and the commands for members without a vote and for leadership. None of them waits in a MULTI.

import { completedAddress } from "../../base/address.ts";
import type { AdminAnswer, AdminCommand } from "../../raft/channel/messages.ts";
import { unreachable } from "../../base/assert.ts";
import { textBytesMax } from "../../base/bytes.ts";
import {
  type Command,
  parseUint64,
  reply,
  type Service,
  type Session,
} from "./command.ts";
import { adminsBusyText } from "../tickets/refusals.ts";
import type { RespParser } from "../resp/resp_parser.ts";
import type { RespWriter } from "../resp/resp_writer.ts";
import { runPlan } from "./asking.ts";
import { type Plan, plan } from "./plan.ts";
import { cursorAt, invalidCursorText } from "./sequence_arguments.ts";

/** The rows of RAFT.…. */
export const raftCommands: readonly Command[] = ([
  {
    name: "raft.addnonvoter",
    arguments: [2, 3],
    flags: ["for-visitors", "may-wait"],
    help: "Add a server without a vote: id address [prev-index]",
    run: (session, service) => add(session, service, "add-nonvoter"),
  },
  {
    name: "raft.addvoter",
    arguments: [2, 3],
    flags: ["for-visitors", "may-wait"],
    help: "Add a server: id address [prev-index]",
    run: (session, service) => add(session, service, "add-voter"),
  },
  {
    name: "raft.backup",
    arguments: [0, 1],
    flags: ["for-visitors", "may-wait"],
    help: "The members and a page of the sequences, for a backup: [cursor]",
    run: (session, service) =>
      runPlan(session, service, planBackup(session.request)),
  },
  {
    name: "raft.bootstrap",
    arguments: [2, 2],
    flags: ["for-visitors"],
    help: "Found a cluster together: id incarnation",
    run(session, service) {
      const node = session.request.text(1);
      const incarnation = session.request.text(2);
      const command = { type: "bootstrap", node, incarnation } as const;
      ask(session, service, command, (writer, answer) => {
        if (answer.type !== "pairs") return writeAnswer(writer, answer);
        const pairs = [...answer.pairs, ["via", session.host] as const];
        writeAnswer(writer, { type: "pairs", pairs });
      });
    },
  },
  {
    name: "raft.cluster",
    arguments: [0, 0],
    flags: ["for-visitors"],
    help: "The cluster's id, and the host from which you are seen",
    run: (session, service) =>
      ask(session, service, { type: "cluster" }, (writer, cluster) => {
        if (cluster.type === "text") writer.array(2);
        writeAnswer(writer, cluster);
        if (cluster.type === "text") writer.bulk(session.host);
      }),
  },
  {
    name: "raft.configuration",
    arguments: [0, 0],
    flags: ["for-visitors"],
    help: "The members: id, address, suffrage",
    run: (session, service) => ask(session, service, { type: "configuration" }),
  },
  {
    name: "raft.demote",
    arguments: [1, 3],
    flags: ["for-visitors", "may-wait"],
    help: "Take a server's vote away: id [prev-index] [FORCE]",
    run(session, service) {
      const { request } = session;
      const { count, force } = withoutForce(request);
      const prevIndex = prevIndexAt(2, { request, count });
      if (prevIndex === undefined || count > 3) return syntaxError(session);
      const id = request.text(1);
      ask(session, service, { type: "demote", id, prevIndex, force });
    },
  },
  {
    name: "raft.join",
    arguments: [4, 5],
    flags: ["for-visitors", "may-wait"],
    help: "Join a node: id address incarnation cluster [nonvoter]",
    run(session, service) {
      const { request } = session;
      const nonvoter = request.count === 6;
      if (nonvoter && !request.is(5, "nonvoter")) {
        return syntaxError(session);
      }
      ask(session, service, {
        type: "join",
        id: request.text(1),
        address: completedAddress(request.text(2), session.host),
        incarnation: request.text(3),
        cluster: request.text(4),
        nonvoter,
      });
    },
  },
  {
    name: "raft.lastcontact",
    arguments: [0, 0],
    flags: ["for-visitors"],
    help: "When this node last heard from the leader",
    run: (session, service) => ask(session, service, { type: "last-contact" }),
  },
  {
    name: "raft.leader",
    arguments: [0],
    flags: ["for-visitors"],
    help: "The leader's raft address; empty when unknown",
    run: (session, { link }) =>
      reply(session).simple(link.status.leaderAddress),
  },
  {
    name: "raft.node",
    arguments: [0, 0],
    flags: ["for-visitors"],
    help: "This node's id, and the raft address that it advertises",
    run: (session, service) => ask(session, service, { type: "node" }),
  },
  {
    name: "raft.promote",
    arguments: [1, 2],
    flags: ["for-visitors", "may-wait"],
    help: "Give a server a vote once it has caught up: id [prev-index]",
    run(session, service) {
      const { request } = session;
      const prevIndex = prevIndexAt(2, { request, count: request.count });
      if (prevIndex === undefined) return syntaxError(session);
      ask(session, service, {
        type: "promote",
        id: request.text(1),
        prevIndex,
      });
    },
  },
  {
    name: "raft.removeserver",
    arguments: [1, 4],
    flags: ["for-visitors", "may-wait"],
    help: "Remove a server: id [address] [prev-index] [FORCE]",
    run(session, service) {
      const { request } = session;
      const { count, force } = withoutForce(request);
      const rest = count === 3 ? request.text(2) : "";
      const prevIndex = count === 4
        ? parseUint64(request.text(3))
        : /^\d+$/.test(rest)
        ? parseUint64(rest)
        : anyIndex;
      if (prevIndex === undefined || count > 4) return syntaxError(session);
      const id = request.text(1);
      ask(session, service, { type: "remove-server", id, prevIndex, force });
    },
  },
  {
    name: "raft.snapshot",
    arguments: [0, 0],
    flags: ["for-visitors"],
    help: "Compact the log now",
    run: (session, service) => ask(session, service, { type: "snapshot" }),
  },
  {
    name: "raft.stats",
    arguments: [0, 0],
    flags: ["for-visitors"],
    help: "Raft's figures: key, value, …",
    run: (session, service) => ask(session, service, { type: "stats" }),
  },
  {
    name: "raft.transfer",
    arguments: [0, 1],
    flags: ["for-visitors", "may-wait"],
    help: "Hand leadership over: [id]",
    run(session, service) {
      const { request } = session;
      const isNamed = request.count === 2;
      if (isNamed && request.text(1) === "") return syntaxError(session);
      const id = isNamed ? request.text(1) : "";
      ask(session, service, { type: "transfer", id });
    },
  },
] satisfies Command[]).map(notQueued);

/** The node carries it out by itself, at no moment that a group could have. */
function notQueued(row: Command): Command {
  return { ...row, flags: [...row.flags ?? [], "not-queued"] };
}

function planBackup(request: RespParser): Plan | string {
  const cursor = request.count > 1 ? cursorAt(request, 1) : 0;
  if (cursor === undefined) return invalidCursorText;
  return plan({ type: "backup", cursor }, "backup", (writer, result) => {
    const pairs = [...result.pairs, ["next", `${result.next}`]];
    writer.array(pairs.length * 2);
    for (const text of pairs.flat()) writer.bulk(text);
  });
}

/** As prevIndex: the change builds on any configuration. */
const anyIndex = 0n;

function add(
  session: Session,
  service: Service,
  type: "add-voter" | "add-nonvoter",
): void {
  const { request } = session;
  const prevIndex = prevIndexAt(3, { request, count: request.count });
  if (prevIndex === undefined) return syntaxError(session);
  const [id, address] = [request.text(1), request.text(2)];
  ask(session, service, { type, id, address, prevIndex });
}

/** Argument `at`, or `anyIndex` if there are only `count`; `undefined` if it is no number. */
function prevIndexAt(
  at: number,
  { request, count }: { request: RespParser; count: number },
): bigint | undefined {
  return count > at ? parseUint64(request.text(at)) : anyIndex;
}

/** The number of words without FORCE, which stands last and after an id. */
function withoutForce(request: RespParser): { count: number; force: boolean } {
  const { count } = request;
  const force = count > 2 && request.is(count - 1, "force");
  return { count: force ? count - 1 : count, force };
}

/** Asks the node as soon as the command is admitted, unless an argument is too long. */
function ask(
  session: Session,
  { link, admins }: Service,
  command: AdminCommand,
  write = writeAnswer,
): void {
  const fault = faultOf(command);
  if (fault !== undefined) return reply(session).error(fault);
  const answer = session.replies.expectAnswer();
  const isAdmitted = admins.admit({
    isChange: "id" in command,
    isWanted: () => !session.replies.isGone,
    begin: (done) =>
      link.admin(command, (content) => {
        answer((writer) => write(writer, content));
        done();
      }),
  });
  if (!isAdmitted) answer((writer) => writer.error(adminsBusyText));
}

/** Why the node is not asked: its formats have no room for longer texts. */
function faultOf(command: AdminCommand): string | undefined {
  for (const [name, value] of Object.entries(command)) {
    if (typeof value !== "string") continue;
    if (encoder.encode(value).length > textBytesMax) {
      return `ERR the ${name} has more than ${textBytesMax} bytes`;
    }
  }
  return undefined;
}

const encoder = new TextEncoder();

function writeAnswer(writer: RespWriter, answer: AdminAnswer): void {
  switch (answer.type) {
    case "ok":
      return writer.simple("OK");
    case "error":
      return writer.error(`ERR ${answer.text}`);
    case "text":
      return writer.bulk(answer.text);
    case "pairs":
      writer.array(answer.pairs.length * 2);
      for (const text of answer.pairs.flat()) writer.bulk(text);
      return;
    case "servers":
      writer.array(answer.servers.length);
      for (const { id, address, suffrage } of answer.servers) {
        writer.array(6);
        writer.bulk("id");
        writer.bulk(id);
        writer.bulk("address");
        writer.bulk(address);
        writer.bulk("suffrage");
        writer.bulk(suffrage === "voter" ? "Voter" : "Nonvoter");
      }
      return;
    default:
      unreachable(answer);
  }
}

function syntaxError(session: Session): void {
  reply(session).error("ERR syntax error");
}
