// The greeting, the first frame of either side of a connection: who is there, and whom
// he believes to have reached. It comes before any message, so that a node of another
// cluster, at a wrong address or under a used id is never listened to. Pure.
//
//   greeting = "ticketd peer" · version u32 · kind u8 · body
//   hello    = kind 1 · cluster text · sender id · life · receiver id · about · address text
//   welcome  = kind 2 · node id · life · about
//   refused  = kind 3 · reason u8 · node id · cluster text
//   life     = incarnation text · since u64
//   about    = client text · version text
//
// with the fields of `core/bytes.ts`. The dialler says hello; the acceptor answers
// welcome, or refused and closes. Whatever a later version changes, frames and `refused`
// stay as they are: two versions must be able to tell each other that they differ.

import { isLoopback, parseAddress, withHost } from "./address.ts";
import { unreachable } from "./core/assert.ts";
import { DecodeError, Reader, Writer } from "./core/bytes.ts";
import type { Identity, Index, NodeId } from "./core/types.ts";

export const protocolVersion = 3;

/** One data directory that had the node's id; there may have been others. */
export type Life = {
  readonly incarnation: string;
  /**
   * Index of the newest configuration that the node knows, if that names this very life
   * as a member; else 0. Whoever knows an older one only is behind: the id may have been
   * removed and added again since, and hanging up on it he would never learn of that.
   */
  readonly since: Index;
};

/** What a node tells of itself, to be shown and passed on: no safety rests on it. */
export type About = {
  /** Where it serves clients; whoever hears of it fills in a host that is left out. */
  readonly client: string;
  /** Of ticketd. */
  readonly version: string;
};

export type Hello = Life & About & {
  readonly type: "hello";
  readonly cluster: string;
  readonly sender: NodeId;
  /** Whom the dialler believes to have dialled. */
  readonly receiver: NodeId;
  /** Where the dialler wants to be dialled itself; its host may be left out. */
  readonly address: string;
};

export type Welcome = Life & About & {
  readonly type: "welcome";
  readonly node: NodeId;
};

const reasons = [
  "wrong-cluster",
  "wrong-receiver",
  "used-id",
  "version",
  "malformed",
] as const;

/** Why two nodes do not talk. */
export type Refused = typeof reasons[number];

export type Refusal = {
  readonly type: "refused";
  readonly reason: Refused;
  /** Who refuses, and where it belongs. */
  readonly node: NodeId;
  readonly cluster: string;
};

export type Greeting = Hello | Welcome | Refusal;

const magic = new TextEncoder().encode("ticketd peer");
const kinds = { hello: 1, welcome: 2, refused: 3 } as const;

/** The payload of a greeting's frame. */
export function encodeGreeting(greeting: Greeting): Uint8Array {
  const writer = new Writer();
  writer.raw(magic);
  writer.u32(protocolVersion);
  writer.u8(kinds[greeting.type]);
  switch (greeting.type) {
    case "hello":
      writer.text(greeting.cluster);
      writer.id(greeting.sender);
      writer.text(greeting.incarnation);
      writer.u64(greeting.since);
      writer.id(greeting.receiver);
      writeAbout(writer, greeting);
      writer.text(greeting.address);
      break;
    case "welcome":
      writer.id(greeting.node);
      writer.text(greeting.incarnation);
      writer.u64(greeting.since);
      writeAbout(writer, greeting);
      break;
    case "refused":
      writer.u8(reasons.indexOf(greeting.reason));
      writer.id(greeting.node);
      writer.text(greeting.cluster);
      break;
    default:
      unreachable(greeting);
  }
  return writer.written.slice();
}

function writeAbout(writer: Writer, { client, version }: About): void {
  writer.text(client);
  writer.text(version);
}

/** What a first frame may turn out to be. */
export type Greeted =
  | Greeting
  | { readonly type: "foreign"; readonly version: number }
  | { readonly type: "malformed" };

export function decodeGreeting(payload: Uint8Array): Greeted {
  const reader = new Reader(payload);
  try {
    return readGreeting(reader);
  } catch (error) {
    if (error instanceof DecodeError) return { type: "malformed" };
    throw error;
  }
}

function readGreeting(reader: Reader): Greeted {
  for (const byte of magic) if (reader.u8() !== byte) reader.fail("no magic");
  const version = reader.u32();
  const kind = reader.u8();
  if (kind === kinds.refused) {
    const reason = reasons[reader.u8()] ?? reader.fail("no known reason");
    const node = reader.id();
    return { type: "refused", reason, node, cluster: reader.text() };
  }
  if (version !== protocolVersion) return { type: "foreign", version };
  if (kind !== kinds.hello && kind !== kinds.welcome) reader.fail("no kind");
  // Properties are evaluated in the order written, which is the order of the bytes.
  const greeting: Greeting = kind === kinds.hello
    ? {
      type: "hello",
      cluster: reader.text(),
      sender: reader.id(),
      incarnation: reader.text(),
      since: reader.u64(),
      receiver: reader.id(),
      client: reader.text(),
      version: reader.text(),
      address: reader.text(),
    }
    : {
      type: "welcome",
      node: reader.id(),
      incarnation: reader.text(),
      since: reader.u64(),
      client: reader.text(),
      version: reader.text(),
    };
  reader.end();
  return greeting;
}

/** Another node as it introduced itself, each part empty when it did not tell. */
export type Introduction = About & {
  /** Of the data directory on which it lives. */
  readonly incarnation: string;
};

/**
 * What the sender of `greeting`, met at `host`, tells of itself. Anything else than an
 * address and a version is left out: it would stand in replies and on terminals.
 */
export function introductionOf(
  { incarnation, client, version }: Hello | Welcome,
  host: string,
): Introduction {
  const canDial = /^[!-~]+$/.test(client) &&
    (parseAddress(client)?.port ?? 0) > 0;
  const here = host === "" || isLoopback(host);
  return {
    incarnation,
    client: canDial ? withHost(client, here ? "127.0.0.1" : host) : "",
    version: /^[\w.+-]{1,32}$/.test(version) ? version : "",
  };
}

/** A fault found in a greeting; `fact` fills the sentence "refused, because …". */
export type Fault = { readonly reason: Refused; readonly fact: string };

/** What a node knows of the members: its newest configuration. */
export interface Members {
  /** Of the configuration's entry; 0 when there is none. */
  readonly configurationIndex: Index;
  /** Of the data directory of member `id`; empty: not known, or no member. */
  incarnationOf(id: NodeId): string;
}

/** Before a node has begun to live, it knows of none. */
export const nobody: Members = {
  configurationIndex: 0,
  incarnationOf: () => "",
};

/** What `own` says of its life to others. */
export function lifeOf(
  { node, incarnation }: Identity,
  members: Members,
): Life {
  const isMember = members.incarnationOf(node) === incarnation;
  return { incarnation, since: isMember ? members.configurationIndex : 0 };
}

/** Whether node `id` lives on another disk than the member that it claims to be. */
export function isImpostor(id: NodeId, life: Life, members: Members): boolean {
  const expected = members.incarnationOf(id);
  return expected !== "" && expected !== life.incarnation &&
    life.since <= members.configurationIndex;
}

/** Whether to refuse who said `hello` to `own`; the order goes from the gross to the fine. */
export function faultOfHello(
  hello: Greeted,
  own: Identity,
  members: Members,
): Fault | undefined {
  if (hello.type === "foreign") return foreign(hello.version);
  if (hello.type !== "hello") {
    return { reason: "malformed", fact: "its hello cannot be read" };
  }
  const { cluster, sender, receiver } = hello;
  if (cluster !== own.cluster) {
    const fact =
      `it belongs to cluster ${cluster}, this node to ${own.cluster}`;
    return { reason: "wrong-cluster", fact };
  }
  if (receiver !== own.node) {
    const fact = `it looked for node ${receiver} and found node ${own.node}`;
    return { reason: "wrong-receiver", fact };
  }
  if (sender === own.node) {
    return {
      reason: "used-id",
      fact: `it calls itself ${sender}, as this node`,
    };
  }
  return strange(sender, hello, members);
}

/** Whether the dialler of `dialled` should hang up on this `welcome`. */
export function faultOfWelcome(
  welcome: Greeted,
  dialled: NodeId,
  members: Members,
): Fault | undefined {
  if (welcome.type === "foreign") return foreign(welcome.version);
  if (welcome.type !== "welcome") {
    return { reason: "malformed", fact: "its answer cannot be read" };
  }
  if (welcome.node !== dialled) {
    const fact = `node ${welcome.node} answers there`;
    return { reason: "wrong-receiver", fact };
  }
  return strange(dialled, welcome, members);
}

/** Why the sender of `refusal` does not talk to `own`, as seen from `own`. */
export function factOfRefusal(refusal: Refusal, own: Identity): string {
  const { reason, node, cluster } = refusal;
  switch (reason) {
    case "wrong-cluster":
      return `it belongs to cluster ${cluster}, this node to ${own.cluster}`;
    case "wrong-receiver":
      return `node ${node} answers there`;
    case "used-id":
      return `it knows node ${own.node} with another data directory`;
    case "version":
      return `it does not speak peer protocol ${protocolVersion}`;
    case "malformed":
      return "it could not read our hello";
    default:
      return unreachable(reason);
  }
}

function foreign(version: number): Fault {
  const fact =
    `it speaks peer protocol ${version}, this node ${protocolVersion}`;
  return { reason: "version", fact };
}

function strange(
  id: NodeId,
  life: Life,
  members: Members,
): Fault | undefined {
  if (!isImpostor(id, life, members)) return undefined;
  const fact = `member ${id} has another data directory ` +
    `(${members.incarnationOf(id)}, not ${life.incarnation})`;
  return { reason: "used-id", fact };
}

/** What whoever runs the nodes can do about it. */
export const remedies: Readonly<Record<Refused, string>> = {
  "wrong-cluster":
    "to move a node to another cluster, start it with an empty directory and --join",
  "wrong-receiver": "check --advertise and --raddr of both nodes",
  "used-id":
    "choose another --id, or RAFT.REMOVESERVER the id before it is used anew",
  version: "run the same version of ticketd on all nodes",
  malformed: "run the same version of ticketd on all nodes",
};
