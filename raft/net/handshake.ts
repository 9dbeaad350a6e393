// The handshake, as far as it is the same on both ends of a new connection: gives the evidence
// of this node, judges the proof of the other one, and believes it from then on. The dialler's
// messages are sent in `outbound_handshake.ts`, the acceptor's in `inbound_handshake.ts`;
// `identity/admission.ts` has the rules.
//
//   dialler    → hello                  → response
//   acceptor              → challenge              → welcome       or `refused` instead
//
// Hello and challenge prove the cluster; response and welcome the disks. A node that is
// refused is told a reason, and nothing of this node.

import {
  type Fault,
  faultOfProof,
  type IsIdFree,
  remedies,
} from "../identity/admission.ts";
import type { Identity, NodeId } from "../core/types.ts";
import {
  encodeFrame,
  frameBytesMax,
  guestFrameBytesMax,
  type Step,
} from "./frame.ts";
import { type Evidence, evidenceOf, type Side } from "../identity/evidence.ts";
import {
  type About,
  type DecodedHandshake,
  decodeHandshake,
  encodeHandshake,
  type HandshakeMessage,
  type Hello,
  type Introduction,
  introductionOf,
  type RefusalReason,
} from "../identity/hello.ts";
import type { Logger } from "../../base/logger.ts";
import { type Meeting, noNonce } from "../identity/proof.ts";
import {
  type Members,
  type PeerProof,
  type Rank,
  rankOf,
} from "../identity/peer_ranks.ts";
import type { Warnings } from "./warnings.ts";
import type { Wire } from "./wire.ts";

/** This node, and those that want to know whom it met. */
export interface HandshakeOptions {
  readonly identity: Identity;
  /** This node's description of itself. */
  readonly about: About;
  /** Where this node wants to be dialled. */
  readonly address: string;
  /** The members as they are now. */
  members(): Members;
  /** Node `id` of our cluster was met and believed. */
  met?(id: NodeId, introduction: Introduction): void;
  /** A node of another cluster, which calls itself `sender`, dialled our id; repeated. */
  claimed?(sender: NodeId): void;
  /** The node that was dialled as `id` refused us. */
  refused?(id: NodeId, reason: RefusalReason): void;
  readonly log: Logger;
}

/** Another node, as it showed itself on one connection. */
export type Peer = {
  readonly id: NodeId;
  readonly proof: PeerProof;
  readonly about: About;
  /** The host from which, or at which, it was reached. */
  readonly host: string;
  /** The incarnation that it told, and proved; empty if it told none. */
  readonly disk: string;
};

/** The part of the handshake that both ends share. */
export class Handshake {
  readonly options: HandshakeOptions;
  readonly warnings: Warnings;
  readonly #isFree: IsIdFree;

  constructor(
    options: HandshakeOptions,
    { warnings, isFree }: {
      readonly warnings: Warnings;
      readonly isFree: IsIdFree;
    },
  ) {
    this.options = options;
    this.warnings = warnings;
    this.#isFree = isFree;
  }

  /** As they are now. */
  get members(): Members {
    return this.options.members();
  }

  /** The evidence that this node gives as the side `by` of `meeting`. */
  evidence(meeting: Meeting, by: Side): Evidence {
    const { members } = this;
    return evidenceOf(this.options.identity, { members, meeting, by });
  }

  /** Why this node has no connection with one that proved this as `id`, if it has none. */
  faultOf(
    id: NodeId,
    by: { readonly proof: PeerProof; readonly isDialled: boolean },
  ): Fault | undefined {
    const { members } = this;
    return faultOfProof(id, { ...by, members, isFree: this.#isFree });
  }

  /** Takes `wire` for a connection to `peer` from now on; returns the rank of the peer. */
  believe(wire: Wire, { id, proof, about, host, disk }: Peer): Rank {
    const { members } = this;
    const rank = rankOf(id, proof, members);
    wire.trust(proof, payloadBytesMax(rank));
    const known = members.disksOf(id).find((disk) => proof.isOn(disk));
    const { mark } = proof;
    const met = { host, mark, incarnation: known ?? disk };
    this.options.met?.(id, introductionOf(about, met));
    return rank;
  }
}

/** Bytes that the payload of a frame may have: other nodes than members get little memory. */
export function payloadBytesMax(rank: Rank): number {
  return rank === "known" || rank === "claimant"
    ? frameBytesMax
    : guestFrameBytesMax;
}

/** The meeting that a hello begins, which has no nonce of the acceptor yet. */
export function meetingOf(
  { cluster }: Identity,
  { sender, receiver, nonce }: Pick<Hello, "sender" | "receiver" | "nonce">,
): Meeting {
  return {
    cluster,
    dialler: sender,
    acceptor: receiver,
    diallerNonce: nonce,
    acceptorNonce: noNonce,
  };
}

/** The fault of a message that is not the one expected. */
export const unreadable: Fault = {
  reason: "malformed",
  fact: "its greeting cannot be read",
};

/** A fault in words, with what to do about it. */
export function worded({ fact, reason }: Fault): string {
  return `${fact}; ${remedies[reason]}`;
}

/** The frame that carries `message`. */
export function handshakeFrame(message: HandshakeMessage): Uint8Array {
  return encodeFrame(encodeHandshake(message));
}

/** The message in the frame of `step`; without a frame there it is malformed. */
export function messageIn(step: Step): DecodedHandshake {
  return step.type === "frame"
    ? decodeHandshake(step.payload)
    : { type: "malformed" };
}
