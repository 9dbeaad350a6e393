// How two nodes show each other that they belong to one cluster, on which disk each lives
// and that it knows the other's, without sending any of it: a hash over the secret word,
// what is said of it, both names and a nonce from either side. Whoever reads along, or is
// dialled by mistake, learns nothing that could be said to anybody else, or again.
//
// It is no encryption, and no more secret than the words are: cluster ids are told to every
// client; of a disk's incarnation only the members of its cluster ever hear.

import { createHash, timingSafeEqual } from "node:crypto";
import { Writer } from "../../base/bytes.ts";
import type { Identity, NodeId } from "../core/types.ts";

export const nonceBytes = 16;
export const proofBytes = 32;

/** Between whom, and once: with another nonce on either side no proof is good. */
export type Meeting = {
  readonly cluster: string;
  readonly dialler: NodeId;
  readonly acceptor: NodeId;
  readonly diallerNonce: Uint8Array;
  /** Zeros as long as the acceptor has said none. */
  readonly acceptorNonce: Uint8Array;
};

/** What is proved, and by whom: no proof can be sent back to whom it came from. */
const statements = {
  "dialler knows the cluster": 1,
  "acceptor knows the cluster": 2,
  "dialler lives on the disk": 3,
  "acceptor lives on the disk": 4,
  "dialler knows the acceptor's disk": 5,
  "acceptor knows the dialler's disk": 6,
  "mark of a life": 7,
} as const;

export type Statement = keyof typeof statements;

export const noNonce = new Uint8Array(nonceBytes);

export function newNonce(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(nonceBytes));
}

/** `disk`: the incarnation of which it speaks; empty for the cluster's proofs. */
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

/**
 * The same on every connection from this disk of `from` to `to`, and on no other: so two
 * connections can be known to be of one life, whose disk nobody has heard of.
 */
export function markOf(
  { cluster, node: from, incarnation }: Identity,
  to: NodeId,
): Uint8Array {
  const nonces = { diallerNonce: noNonce, acceptorNonce: noNonce };
  const meeting = { cluster, dialler: from, acceptor: to, ...nonces };
  return prove(meeting, "mark of a life", incarnation);
}

export function isProved(
  proof: Uint8Array,
  meeting: Meeting,
  ...[statement, disk]: [statement: Statement, disk?: string]
): boolean {
  const expected = prove(meeting, statement, disk);
  return proof.length === proofBytes && timingSafeEqual(proof, expected);
}
