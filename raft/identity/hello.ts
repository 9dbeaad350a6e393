// The greetings, the first frames of either side of a connection: who is there, and whom
// he believes to have reached. They come before any message, so that a node of another
// cluster, at a wrong address or under a used id is never listened to. Pure.
//
//   greeting  = "ticketd peer" · version u32 · kind u8 · body
//   hello     = kind 1 · nonce · sender id · receiver id · proof         dialler, first
//   challenge = kind 4 · nonce · proof                                   acceptor
//   claim     = kind 5 · evidence · about · address text                 dialler
//   welcome   = kind 2 · evidence · incarnation text · about             acceptor
//   refused   = kind 3 · reason u8 · "-" id · "" text                    instead of either
//   evidence  = proof · proof · mark · since u64     lives on its disk; knows the other's
//   about     = client text · version text
//
// with the fields of `core/bytes.ts`, nonces, proofs and marks of `proof.ts`. Whatever a later
// version changes, frames and `refused` stay: two versions must be able to part in words.

import { isLoopback, parseAddress, withHost } from "../../base/address.ts";
import { unreachable } from "../../base/assert.ts";
import { DecodeError, Reader, Writer } from "../../base/bytes.ts";
import type { Index, NodeId } from "../core/types.ts";
import { nonceBytes, proofBytes } from "./proof.ts";

export const protocolVersion = 4;

/** What a node tells of itself, to be shown and passed on: no safety rests on it. */
export type About = {
  /** Where it serves clients; whoever hears of it fills in a host that is left out. */
  readonly client: string;
  /** Of ticketd. */
  readonly version: string;
};

/** Of one side, to the other: `ranks.ts` says what follows from it. */
export type Evidence = {
  /** That it lives on its disk, for whoever knows which that should be. */
  readonly lives: Uint8Array;
  /** That it knows on which disk the other should live. */
  readonly knows: Uint8Array;
  /** By which it is known again. */
  readonly mark: Uint8Array;
  readonly since: Index;
};

/** It names no cluster: whoever is dialled by mistake must not learn of one. */
export type Hello = {
  readonly type: "hello";
  readonly nonce: Uint8Array;
  readonly sender: NodeId;
  /** Whom the dialler believes to have dialled. */
  readonly receiver: NodeId;
  readonly proof: Uint8Array;
};

export type Challenge = {
  readonly type: "challenge";
  readonly nonce: Uint8Array;
  readonly proof: Uint8Array;
};

export type Claim = Evidence & About & {
  readonly type: "claim";
  /** Where the dialler wants to be dialled itself; its host may be left out. */
  readonly address: string;
};

export type Welcome = Evidence & About & {
  readonly type: "welcome";
  /** Of its disk, told to a member that this node knows; else empty. */
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

/** Why two nodes do not talk. */
export type Refused = typeof reasons[number];

/** It says nothing of who refuses: whom it is said to is not known. */
export type Refusal = { readonly type: "refused"; readonly reason: Refused };

export type Greeting = Hello | Challenge | Claim | Welcome | Refusal;

const magic = new TextEncoder().encode("ticketd peer");
const kinds = { hello: 1, welcome: 2, refused: 3, challenge: 4, claim: 5 };
/** Where versions up to 3 named the one that refuses, and its cluster. */
const nobodysId = "-";

/** The payload of a greeting's frame. */
export function encodeGreeting(greeting: Greeting): Uint8Array {
  const writer = new Writer();
  writer.raw(magic);
  writer.u32(protocolVersion);
  writer.u8(kinds[greeting.type]);
  switch (greeting.type) {
    case "hello":
      writer.raw(greeting.nonce);
      writer.id(greeting.sender);
      writer.id(greeting.receiver);
      writer.raw(greeting.proof);
      break;
    case "challenge":
      writer.raw(greeting.nonce);
      writer.raw(greeting.proof);
      break;
    case "claim":
      writeEvidence(writer, greeting);
      writeAbout(writer, greeting);
      writer.text(greeting.address);
      break;
    case "welcome":
      writeEvidence(writer, greeting);
      writer.text(greeting.incarnation);
      writeAbout(writer, greeting);
      break;
    case "refused":
      writer.u8(reasons.indexOf(greeting.reason));
      writer.id(nobodysId);
      writer.text("");
      break;
    default:
      unreachable(greeting);
  }
  return writer.written.slice();
}

function writeEvidence(
  writer: Writer,
  { lives, knows, mark, since }: Evidence,
): void {
  writer.raw(lives);
  writer.raw(knows);
  writer.raw(mark);
  writer.u64(since);
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
    return { type: "refused", reason };
  }
  if (version !== protocolVersion) return { type: "foreign", version };
  const greeting = readBody(reader, kind);
  reader.end();
  return greeting;
}

function readBody(reader: Reader, kind: number): Greeting {
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
    case kinds.claim:
      return {
        type: "claim",
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
    lives: reader.raw(proofBytes),
    knows: reader.raw(proofBytes),
    mark: reader.raw(proofBytes),
    since: reader.u64(),
  };
}

function readAbout(reader: Reader): About {
  return { client: reader.text(), version: reader.text() };
}

/** Another node as it introduced itself, each part empty when it did not tell. */
export type Introduction = About & {
  /** Of the data directory on which it lives, proved. */
  readonly incarnation: string;
  /** Equal as long as it lives on one. */
  readonly mark: string;
};

/**
 * What whoever was met at `host` tells `about` itself. Anything else than an address and a
 * version is left out: it would stand in replies and on terminals.
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
