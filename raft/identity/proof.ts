// How two nodes prove to each other that they belong to one cluster, on which disk each runs
// and that each knows the other's disk, without sending any of these secrets. A proof is a
// hash over the secret, the statement about it, both ids and a nonce of either side. So one
// that is overheard, or sent to a node dialled by mistake, cannot be used again, passed on to
// another node or sent back.
//
//   proof = SHA-256 of: statement u8 · dialler's nonce · acceptor's nonce ·
//                       cluster text · dialler id · acceptor id · disk text
//
// with the fields of `base/bytes.ts`. Nothing is encrypted, and a proof is worth as much as
// its secret: every client is told the cluster id, only members of the cluster are told the
// incarnation of a disk. Pure, but for `newNonce()`.

import { createHash, timingSafeEqual } from "node:crypto";
import { Writer } from "../../base/bytes.ts";
import type { Identity, NodeId } from "../core/types.ts";

/** Bytes of a nonce. */
export const nonceBytes = 16;
/** Bytes of a proof or a mark. */
export const proofBytes = 32;

/** The one handshake that a proof is good for. */
export type Meeting = {
  readonly cluster: string;
  readonly dialler: NodeId;
  readonly acceptor: NodeId;
  readonly diallerNonce: Uint8Array;
  /** {@linkcode noNonce} until the acceptor has answered. */
  readonly acceptorNonce: Uint8Array;
};

/** Each names the side that proves it, so that no proof can be sent back. */
const statements = {
  "dialler knows the cluster": 1,
  "acceptor knows the cluster": 2,
  "dialler runs on the disk": 3,
  "acceptor runs on the disk": 4,
  "dialler knows the acceptor's disk": 5,
  "acceptor knows the dialler's disk": 6,
  "mark of an incarnation": 7,
} as const;

/** A statement that a node can prove. */
export type Statement = keyof typeof statements;

/** All zeros: stands for the acceptor's nonce until that is known. */
export const noNonce = new Uint8Array(nonceBytes);

/** A fresh nonce, from the system's random source. */
export function newNonce(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(nonceBytes));
}

/**
 * The proof of `statement`, 32 bytes. `disk` is the incarnation that the statement is about;
 * empty when it is about the cluster.
 */
export function prove(
  meeting: Meeting,
  statement: Statement,
  disk = "",
): Uint8Array {
  const writer = new Writer();
  writer.u8(statements[statement]);
  writer.raw(meeting.diallerNonce);
  writer.raw(meeting.acceptorNonce);
  writer.text(meeting.cluster);
  writer.id(meeting.dialler);
  writer.id(meeting.acceptor);
  writer.text(disk);
  return new Uint8Array(createHash("sha256").update(writer.written).digest());
}

/** Whether `proof` is that of `statement` about `disk`, compared in constant time. */
export function isProved(
  proof: Uint8Array,
  { meeting, statement, disk }: {
    readonly meeting: Meeting;
    readonly statement: Statement;
    readonly disk?: string;
  },
): boolean {
  const expected = prove(meeting, statement, disk);
  return proof.length === proofBytes && timingSafeEqual(proof, expected);
}

/**
 * 32 bytes that are the same on all connections between one incarnation of node `from` and
 * node `to`, and differ for any other pair: they tell `to` that two connections come from one
 * disk, before it knows that disk's incarnation.
 */
export function markOf(
  { cluster, node: from, incarnation }: Identity,
  to: NodeId,
): Uint8Array {
  const nonces = { diallerNonce: noNonce, acceptorNonce: noNonce };
  const meeting = { cluster, dialler: from, acceptor: to, ...nonces };
  return prove(meeting, "mark of an incarnation", incarnation);
}
