// The acceptor's end of a handshake: finds out which node has dialled, within a time limit, and
// lets it in or refuses it with a reason. Until then the connection counts as unauthenticated:
// their number is limited, and the oldest makes way. Not here: connections that were let in
// (`peers.ts`).

import { faultOfHello, remedies } from "../identity/admission.ts";
import type { NodeId } from "../core/types.ts";
import { proofOf } from "../identity/evidence.ts";
import type {
  ChallengeResponse,
  DecodedHandshake,
  Hello,
  RefusalReason,
} from "../identity/hello.ts";
import { type Meeting, newNonce, prove } from "../identity/proof.ts";
import type { Rank } from "../identity/peer_ranks.ts";
import { ConnectionQuota, type QuotaLimits } from "./connection_quota.ts";
import { raftPortText, respCommandByte } from "../../base/wrong_port.ts";
import type { Step } from "./frame.ts";
import {
  type Handshake,
  handshakeFrame,
  meetingOf,
  messageIn,
  unreadable,
  worded,
} from "./handshake.ts";
import type { Wire } from "./wire.ts";

/** A node that was let in. */
export type Admitted = {
  readonly sender: NodeId;
  readonly rank: Rank;
  /** Where it wants to be dialled, as it says. */
  readonly address: string;
  /** The frame that is to be written to it first of all. */
  readonly welcome: Uint8Array;
};

/** The handshakes of all connections that this node accepts. */
export class InboundHandshake {
  readonly #handshake: Handshake;
  readonly #helloMillis: number;
  readonly #unauthenticated: ConnectionQuota<Wire>;
  #closing = false;

  constructor(
    handshake: Handshake,
    { helloMillis, unauthenticated }: {
      readonly helloMillis: number;
      readonly unauthenticated: QuotaLimits;
    },
  ) {
    this.#handshake = handshake;
    this.#helloMillis = helloMillis;
    this.#unauthenticated = new ConnectionQuota(unauthenticated);
  }

  /** The node on an accepted connection, if it is let in; else the connection is closed. */
  async admit(wire: Wire): Promise<Admitted | undefined> {
    this.#unauthenticated.add(wire, wire.remoteHost)?.close();
    const timer = setTimeout(() => wire.close(), this.#helloMillis);
    const step = await wire.frame();
    const admitted = step.type === "frame" && !wire.closed
      ? await this.#answerHello(wire, messageIn(step))
      : await this.#hangUp(wire, step);
    clearTimeout(timer);
    this.#unauthenticated.delete(wire);
    return admitted;
  }

  /** Hangs up on all callers in the middle of their handshake. */
  close(): void {
    this.#closing = true;
    for (const wire of this.#unauthenticated) wire.close();
  }

  /** Closes the connection of a caller that is no node. A client is told which port this is. */
  async #hangUp(wire: Wire, step: Step): Promise<undefined> {
    // A client or a browser, most likely: the figures of a frame would not help it.
    const fault = step.type === "bad"
      ? ": it does not speak the peers' protocol: this is the raft port, " +
        "clients and --join use --saddr"
      : ", which is no node: no hello";
    if (!this.#closing) {
      this.#handshake.warnings.throttled(`hung up on ${wire.remote}${fault}`);
    }
    if (step.type === "bad" && step.first === respCommandByte && !wire.closed) {
      await wire.write(new TextEncoder().encode(`-ERR ${raftPortText}\r\n`));
    }
    wire.close();
    return undefined;
  }

  async #answerHello(
    wire: Wire,
    hello: DecodedHandshake,
  ): Promise<Admitted | undefined> {
    const { options: { identity, claimed }, warnings } = this.#handshake;
    const meetingBy = (hello: Hello) => meetingOf(identity, hello);
    const fault = faultOfHello(hello, identity, meetingBy);
    if (hello.type !== "hello" || fault !== undefined) {
      const { reason, fact } = fault ?? unreadable;
      const sender = hello.type === "hello" ? hello.sender : undefined;
      const whom = sender === undefined ? "whoever is there" : `node ${sender}`;
      const text = `refused ${whom} from ${wire.remote}: ${fact}; ` +
        remedies[reason];
      // Members that have moved look for each other for a while. Of another cluster anybody
      // may claim to be, under a member's name, too.
      const isOurs = sender !== undefined && reason !== "wrong-cluster" &&
        this.#handshake.members.disksOf(sender).length > 0;
      if (isOurs) warnings.once(`from ${sender}`, text);
      else warnings.throttled(text);
      const isForUs = reason === "wrong-cluster" && hello.type === "hello" &&
        hello.receiver === identity.node;
      if (isForUs) claimed?.(hello.sender);
      return await refuse(wire, reason);
    }
    const nonce = newNonce();
    const meeting = { ...meetingBy(hello), acceptorNonce: nonce };
    const proof = prove(meeting, "acceptor knows the cluster");
    await wire.write(handshakeFrame({ type: "challenge", nonce, proof }));
    const step = await wire.frame();
    if (step.type !== "frame" || wire.closed) {
      return await this.#hangUp(wire, step);
    }
    const response = messageIn(step);
    if (response.type === "response") {
      return await this.#answerResponse(wire, { hello, response, meeting });
    }
    warnings.throttled(`refused ${wire.remote}: ${unreadable.fact}`);
    return await refuse(wire, "malformed");
  }

  async #answerResponse(
    wire: Wire,
    { hello: { sender }, response, meeting }: {
      readonly hello: Hello;
      readonly response: ChallengeResponse;
      readonly meeting: Meeting;
    },
  ): Promise<Admitted | undefined> {
    const { options: { identity, about, log }, members, warnings } =
      this.#handshake;
    const proof = proofOf(response, { own: identity, meeting, by: "dialler" });
    const fault = this.#handshake.faultOf(sender, { proof, isDialled: false });
    if (fault !== undefined) {
      const text = `refused node ${sender} from ${wire.remote}: ` +
        worded(fault);
      // A node that is joining knows no members yet, and its diallers do not know its disk.
      const isNew = members.configurationIndex === 0;
      // There are few members; a caller can invent any number of other ids.
      const isMember = members.disksOf(sender).length > 0;
      const { reason } = fault;
      if (isNew && reason === "stranger") log("debug", text);
      else if (isMember) {
        warnings.once(`from ${sender}`, text);
      } else warnings.throttled(text);
      return await refuse(wire, reason);
    }
    log("debug", `node ${sender} connected from ${wire.remote}`);
    warnings.well(`from ${sender}`);
    const rank = this.#handshake.believe(wire, {
      ...{ id: sender, proof, about: response, host: wire.remoteHost },
      disk: "",
    });
    const evidence = this.#handshake.evidence(meeting, "acceptor");
    const incarnation = rank === "known" ? identity.incarnation : "";
    const welcome = handshakeFrame({
      ...{ type: "welcome", ...evidence, ...about, incarnation },
    });
    return { sender, rank, address: response.address, welcome };
  }
}

async function refuse(wire: Wire, reason: RefusalReason): Promise<undefined> {
  await wire.write(handshakeFrame({ type: "refused", reason }));
  wire.close();
  return undefined;
}
