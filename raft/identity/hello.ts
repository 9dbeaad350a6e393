// The messages of the handshake, the first frames on a connection, and their bytes. They show
// which node is there before any message of Raft is read. So a node never listens to one of
// another cluster, at a wrong address or under a used id. Pure; `raft/net/` exchanges them.
//
//   message   = "ticketd peer" · version u32 · kind u8 · body
//   hello     = kind 1 · nonce · sender id · receiver id · proof         dialler, first
//   challenge = kind 4 · nonce · proof                                   acceptor
//   response  = kind 5 · evidence · about · address text                 dialler
//   welcome   = kind 2 · evidence · incarnation text · about             acceptor
//   refused   = kind 3 · reason u8 · "-" id · "" text                    acceptor, instead
//   evidence  = proof of own disk · proof of the peer's disk · mark · since u64
//   about     = client text · version text
//
// with the fields of `base/bytes.ts`. Frames and `refused` are the same in all versions.

import { isLoopback, parseAddress, withHost } from "../../base/address.ts";
import { unreachable } from "../../base/assert.ts";
import { DecodeError, Reader, Writer } from "../../base/bytes.ts";
import { wireVersion } from "../core/message_codec.ts";
import type { NodeId } from "../core/types.ts";
import type { Evidence } from "./evidence.ts";
import { nonceBytes, proofBytes } from "./proof.ts";

/** A node's description of itself, to be shown and passed on: no safety rests on it. */
export type About = {
  /** Where it serves clients; the receiver fills in a host that is left out. */
  readonly client: string;
  /** Of ticketd. */
  readonly version: string;
};

/** The first message. It names no cluster: a node dialled by mistake must not learn its id. */
export type Hello = {
  readonly type: "hello";
  readonly nonce: Uint8Array;
  readonly sender: NodeId;
  /** The node that the dialler means to reach. */
  readonly receiver: NodeId;
  /** That the dialler knows the cluster. */
  readonly proof: Uint8Array;
};

/** The acceptor's answer to a hello. */
export type Challenge = {
  readonly type: "challenge";
  readonly nonce: Uint8Array;
  /** That the acceptor knows the cluster. */
  readonly proof: Uint8Array;
};

/** The dialler's answer to a challenge. */
export type ChallengeResponse = Evidence & About & {
  readonly type: "response";
  /** Where the dialler itself wants to be dialled; the host may be left out. */
  readonly address: string;
};

/** The acceptor lets the dialler in. */
export type Welcome = Evidence & About & {
  readonly type: "welcome";
  /** Of the acceptor's disk, told to a member that the acceptor knows; else empty. */
  readonly incarnation: string;
};

const reasons = [
  "wrong-cluster",
  "wrong-receiver",
  "used-id",
  "version",
  "malformed",
  "stranger",
  "taken",
] as const;

/** Why two nodes do not talk; `admission.ts` has the words for it. */
export type RefusalReason = typeof reasons[number];

/** It tells nothing of the node that refuses, because any caller may provoke one. */
export type Refusal = {
  readonly type: "refused";
  readonly reason: RefusalReason;
};

/** Every message of the handshake. */
export type HandshakeMessage =
  | Hello
  | Challenge
  | ChallengeResponse
  | Welcome
  | Refusal;

const magic = new TextEncoder().encode("ticketd peer");
const kinds = { hello: 1, welcome: 2, refused: 3, challenge: 4, response: 5 };
/** Versions up to 3 named the node that refuses there, and its cluster. */
const nobodysId = "-";

/** The payload of the frame that carries `message`. */
export function encodeHandshake(message: HandshakeMessage): Uint8Array {
  const writer = new Writer();
  writer.raw(magic);
  writer.u32(wireVersion);
  writer.u8(kinds[message.type]);
  switch (message.type) {
    case "hello":
      writer.raw(message.nonce);
      writer.id(message.sender);
      writer.id(message.receiver);
      writer.raw(message.proof);
      break;
    case "challenge":
      writer.raw(message.nonce);
      writer.raw(message.proof);
      break;
    case "response":
      writeEvidence(writer, message);
      writeAbout(writer, message);
      writer.text(message.address);
      break;
    case "welcome":
      writeEvidence(writer, message);
      writer.text(message.incarnation);
      writeAbout(writer, message);
      break;
    case "refused":
      writer.u8(reasons.indexOf(message.reason));
      writer.id(nobodysId);
      writer.text("");
      break;
    default:
      unreachable(message);
  }
  return writer.written.slice();
}

function writeEvidence(
  writer: Writer,
  { ownDisk, peerDisk, mark, since }: Evidence,
): void {
  writer.raw(ownDisk);
  writer.raw(peerDisk);
  writer.raw(mark);
  writer.u64(since);
}

function writeAbout(writer: Writer, { client, version }: About): void {
  writer.text(client);
  writer.text(version);
}

/** The payload of a frame where a handshake message is expected, as far as it can be read. */
export type DecodedHandshake =
  | HandshakeMessage
  /** Of another protocol version; the rest of it cannot be read. */
  | { readonly type: "foreign"; readonly version: number }
  | { readonly type: "malformed" };

/** The inverse of {@linkcode encodeHandshake}; never throws, whatever the bytes. */
export function decodeHandshake(payload: Uint8Array): DecodedHandshake {
  const reader = new Reader(payload);
  try {
    return readMessage(reader);
  } catch (error) {
    if (error instanceof DecodeError) return { type: "malformed" };
    throw error;
  }
}

function readMessage(reader: Reader): DecodedHandshake {
  for (const byte of magic) if (reader.u8() !== byte) reader.fail("no magic");
  const version = reader.u32();
  const kind = reader.u8();
  if (kind === kinds.refused) {
    const reason = reasons[reader.u8()] ?? reader.fail("no known reason");
    return { type: "refused", reason };
  }
  if (version !== wireVersion) return { type: "foreign", version };
  const message = readBody(reader, kind);
  reader.end();
  return message;
}

function readBody(reader: Reader, kind: number): HandshakeMessage {
  // Properties are evaluated in the order written, which is the order of the bytes.
  switch (kind) {
    case kinds.hello:
      return {
        type: "hello",
        nonce: reader.raw(nonceBytes),
        sender: reader.id(),
        receiver: reader.id(),
        proof: reader.raw(proofBytes),
      };
    case kinds.challenge:
      return {
        type: "challenge",
        nonce: reader.raw(nonceBytes),
        proof: reader.raw(proofBytes),
      };
    case kinds.response:
      return {
        type: "response",
        ...readEvidence(reader),
        ...readAbout(reader),
        address: reader.text(),
      };
    case kinds.welcome:
      return {
        type: "welcome",
        ...readEvidence(reader),
        incarnation: reader.text(),
        ...readAbout(reader),
      };
    default:
      return reader.fail("no kind");
  }
}

function readEvidence(reader: Reader): Evidence {
  return {
    ownDisk: reader.raw(proofBytes),
    peerDisk: reader.raw(proofBytes),
    mark: reader.raw(proofBytes),
    since: reader.u64(),
  };
}

function readAbout(reader: Reader): About {
  return { client: reader.text(), version: reader.text() };
}

/** Another node as it introduced itself in the handshake; what it did not tell is empty. */
export type Introduction = About & {
  /** Of its data directory, proved. */
  readonly incarnation: string;
  /** As in {@linkcode PeerProof.mark}: the same as long as it runs on one disk. */
  readonly mark: string;
};

/**
 * The introduction of a node that told `about` itself and was met at `host`. Whatever is not
 * an address and a version becomes empty: it would be shown in replies and on terminals.
 */
export function introductionOf(
  { client, version }: About,
  { host, incarnation, mark }: Pick<Introduction, "incarnation" | "mark"> & {
    readonly host: string;
  },
): Introduction {
  const canDial = /^[!-~]+$/.test(client) &&
    (parseAddress(client)?.port ?? 0) > 0;
  const here = host === "" || isLoopback(host);
  return {
    incarnation,
    mark,
    client: canDial ? withHost(client, here ? "127.0.0.1" : host) : "",
    version: /^[\w.+-]{1,32}$/.test(version) ? version : "",
  };
}
