// Opens connections to other nodes and lets theirs in: exchanges greetings (their bytes
// stand in `hello.ts`, who is let in in `admission.ts`) under a time limit, and tells
// the log what was refused and why, without letting a stubborn node or a port scanner
// fill it. What a stranger is told is a reason, and nothing of this node.

import { type Address, formatAddress } from "../../base/address.ts";
import {
  factOfRefusal,
  type Fault,
  faultOfChallenge,
  faultOfHello,
  faultOfProof,
  type Places,
  proofOf,
  remedies,
} from "../identity/admission.ts";
import type { Identity, NodeId } from "../core/types.ts";
import { Crowd, type CrowdLimits } from "./crowd.ts";
import { encodeFrame, frameBytesMax, guestFrameBytesMax } from "./frame.ts";
import type { Step } from "./frame.ts";
import {
  type About,
  type Claim,
  decodeGreeting,
  encodeGreeting,
  type Evidence,
  type Greeted,
  type Greeting,
  type Hello,
  type Introduction,
  introductionOf,
  type Refused,
} from "../identity/hello.ts";
import type { Logger } from "../../base/logger.ts";
import {
  markOf,
  type Meeting,
  newNonce,
  noNonce,
  prove,
} from "../identity/proof.ts";
import {
  knownDisk,
  type Members,
  type PeerProof,
  type Rank,
  rankOf,
  sinceOf,
} from "../identity/ranks.ts";
import { dial, reasonOf } from "../../base/dial.ts";
import { Wire } from "./wire.ts";

/** Nodes of which we remember what was said; ids are a stranger's to invent. */
const saidMax = 256;

export interface HandshakeOptions {
  readonly identity: Identity;
  /** What this node tells of itself. */
  readonly about: About;
  /** Where this node wants to be dialled. */
  readonly address: string;
  /** As it is now. */
  members(): Members;
  /** Node `id`, of our cluster, introduced itself; nobody else is let in under the id. */
  met?(id: NodeId, introduction: Introduction): void;
  /** A node of another cluster, `sender` by its word, looks for one with our id; repeated. */
  claimed?(sender: NodeId): void;
  /** The node that we dialled as `id` will not talk to us. */
  refused?(id: NodeId, reason: Refused): void;
  readonly log: Logger;
}

export type HandshakeTimes = {
  /** For connection and greetings of one dial. */
  readonly dialMillis: number;
  /** For a stranger to say who it is. */
  readonly helloMillis: number;
  /** Between two complaints about strangers. */
  readonly complaintMillis: number;
};

/** A node that was let in; `welcome` is to be written to it first of all. */
export type Guest = {
  readonly sender: NodeId;
  readonly rank: Rank;
  /** Where it wants to be dialled, as it says. */
  readonly address: string;
  readonly welcome: Uint8Array;
};

export class Handshake {
  readonly #options: HandshakeOptions;
  readonly #times: HandshakeTimes;
  readonly #places: Places;
  /** Accepted connections that have not said who they are. */
  readonly #strangers: Crowd<Wire>;
  readonly #said = new Map<string, string>();
  #complainedMillis = -Infinity;
  #complaintsKept = 0;
  #closing = false;

  constructor(
    options: HandshakeOptions,
    { times, strangers, places }: {
      readonly times: HandshakeTimes;
      readonly strangers: CrowdLimits;
      readonly places: Places;
    },
  ) {
    this.#options = options;
    this.#times = times;
    this.#places = places;
    this.#strangers = new Crowd(strangers);
  }

  /** A connection to node `id`; `undefined` on any failure, which the log then tells. */
  async open(
    id: NodeId,
    { address, signal }: { address: Address; signal: AbortSignal },
  ): Promise<Wire | undefined> {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    const timer = setTimeout(stop, this.#times.dialMillis);
    signal.addEventListener("abort", stop);
    const where = `node ${id} at ${formatAddress(address)}`;
    try {
      const wire = new Wire(await dial(address, attempt.signal));
      attempt.signal.addEventListener("abort", () => wire.close());
      const fault = await this.#introduce(wire, { id, host: address.host });
      if (fault !== undefined) wire.close();
      attempt.signal.throwIfAborted();
      if (fault === undefined) {
        this.#said.delete(id);
        this.#options.log("info", `connected to ${where}`);
        return wire;
      }
      this.say(id, `no connection with ${where}: ${fault}`);
    } catch (error) {
      const reason = attempt.signal.aborted ? "no answer" : reasonOf(error);
      if (!signal.aborted) this.say(id, `cannot reach ${where}: ${reason}`);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
    return undefined;
  }

  /** The dialler's part on `wire`; returns what is wrong with whoever answers. */
  async #introduce(
    wire: Wire,
    { id: receiver, host }: { id: NodeId; host: string },
  ): Promise<string | undefined> {
    const { identity, about, address } = this.#options;
    const greeted = meetingOf(identity, {
      sender: identity.node,
      receiver,
      nonce: newNonce(),
    });
    await wire.write(greetingFrame({
      type: "hello",
      sender: identity.node,
      receiver,
      nonce: greeted.diallerNonce,
      proof: prove(greeted, "dialler knows the cluster"),
    }));
    const step = await wire.frame();
    if (step.type === "more") return "it hung up without an answer";
    const challenge = greetingIn(step);
    if (challenge.type === "refused") {
      return this.#wasRefused(receiver, challenge.reason);
    }
    const meeting = challenge.type === "challenge"
      ? { ...greeted, acceptorNonce: challenge.nonce }
      : greeted;
    const fault = faultOfChallenge(challenge, meeting);
    if (fault !== undefined) return told(fault);
    const evidence = this.#evidence(meeting, { isDialler: true });
    const claim: Claim = { type: "claim", ...evidence, ...about, address };
    await wire.write(greetingFrame(claim));
    const answer = greetingIn(await wire.frame());
    if (answer.type === "refused") {
      return this.#wasRefused(receiver, answer.reason);
    }
    if (answer.type !== "welcome") return told(unreadable);
    const proof = proofOf(answer, { own: identity, meeting, isDialler: false });
    const { incarnation: disk } = answer;
    if (disk !== "" && !proof.isOn(disk)) return told(unreadable);
    const strange = this.#faultOf(receiver, { proof, isDialled: true });
    if (strange !== undefined) return told(strange);
    this.#take(wire, { id: receiver, proof, about: answer, host, disk });
    return undefined;
  }

  #wasRefused(by: NodeId, reason: Refused): string {
    const { identity, refused } = this.#options;
    refused?.(by, reason);
    return `${factOfRefusal(reason, identity)}; ${remedies[reason]}`;
  }

  /** Whoever is on an accepted connection, if it may stay; any other is shown out. */
  async admit(wire: Wire): Promise<Guest | undefined> {
    this.#strangers.add(wire, wire.remoteHost)?.close();
    const timer = setTimeout(() => wire.close(), this.#times.helloMillis);
    const step = await wire.frame();
    const guest = step.type === "frame" && !wire.closed
      ? await this.#judge(wire, greetingIn(step))
      : this.#turnAway(wire, step);
    clearTimeout(timer);
    this.#strangers.delete(wire);
    return guest;
  }

  #turnAway(wire: Wire, step: Step): undefined {
    // A client or a browser, most likely: the figures of a frame would not help it.
    const fault = step.type === "bad"
      ? ": it does not speak the peers' protocol: this is the raft port, " +
        "clients and --join use --saddr"
      : ", which is no node: no hello";
    if (!this.#closing) this.complain(`hung up on ${wire.remote}${fault}`);
    wire.close();
  }

  /** The acceptor's part on `wire`. */
  async #judge(wire: Wire, hello: Greeted): Promise<Guest | undefined> {
    const { identity, claimed } = this.#options;
    const meetingBy = (hello: Hello) => meetingOf(identity, hello);
    const fault = faultOfHello(hello, identity, meetingBy);
    if (hello.type !== "hello" || fault !== undefined) {
      const { reason, fact } = fault ?? unreadable;
      const whom = hello.type === "hello"
        ? `node ${hello.sender}`
        : "whoever is there";
      this.complain(
        `refused ${whom} from ${wire.remote}: ${fact}; ${remedies[reason]}`,
      );
      const isForUs = reason === "wrong-cluster" && hello.type === "hello" &&
        hello.receiver === identity.node;
      if (isForUs) claimed?.(hello.sender);
      return await refuse(wire, reason);
    }
    const nonce = newNonce();
    const meeting = { ...meetingBy(hello), acceptorNonce: nonce };
    const proof = prove(meeting, "acceptor knows the cluster");
    await wire.write(greetingFrame({ type: "challenge", nonce, proof }));
    const step = await wire.frame();
    if (step.type !== "frame" || wire.closed) return this.#turnAway(wire, step);
    const claim = greetingIn(step);
    if (claim.type === "claim") {
      return await this.#receive(wire, { hello, claim, meeting });
    }
    this.complain(`refused ${wire.remote}: ${unreadable.fact}`);
    return await refuse(wire, "malformed");
  }

  async #receive(
    wire: Wire,
    { hello: { sender }, claim, meeting }: {
      readonly hello: Hello;
      readonly claim: Claim;
      readonly meeting: Meeting;
    },
  ): Promise<Guest | undefined> {
    const { identity, about, log } = this.#options;
    const proof = proofOf(claim, { own: identity, meeting, isDialler: true });
    const fault = this.#faultOf(sender, { proof, isDialled: false });
    if (fault !== undefined) {
      const text = `refused node ${sender} from ${wire.remote}: ${told(fault)}`;
      // A node that is joining knows nobody yet, and those who dial it not its disk.
      const isNew = this.#options.members().configurationIndex === 0;
      // Of members there are few; any other id is a stranger's to invent, and the next.
      const isMember = this.#options.members().disksOf(sender).length > 0;
      if (isNew && fault.reason === "stranger") log("debug", text);
      else if (isMember) this.say(`from ${sender}`, text, fault.reason);
      else this.complain(text);
      return await refuse(wire, fault.reason);
    }
    log("debug", `node ${sender} connected from ${wire.remote}`);
    this.#said.delete(`from ${sender}`);
    const host = wire.remoteHost;
    const rank = this.#take(wire, { id: sender, proof, about: claim, host });
    const evidence = this.#evidence(meeting, { isDialler: false });
    const incarnation = rank === "known" ? identity.incarnation : "";
    const welcome = { ...evidence, ...about, incarnation };
    const frame = greetingFrame({ type: "welcome", ...welcome });
    return { sender, rank, address: claim.address, welcome: frame };
  }

  /** From here on `wire` is believed to lead to node `id`, on the disk that it proved. */
  #take(wire: Wire, { id, proof, about, host, disk = "" }: {
    readonly id: NodeId;
    readonly proof: PeerProof;
    readonly about: About;
    readonly host: string;
    /** That it told, and proved. */
    readonly disk?: string;
  }): Rank {
    const members = this.#options.members();
    const rank = rankOf(id, proof, members);
    wire.trust(proof, payloadBytesMax(rank));
    const known = members.disksOf(id).find((disk) => proof.isOn(disk));
    const { mark } = proof;
    const met = { host, mark, incarnation: known ?? disk };
    this.#options.met?.(id, introductionOf(about, met));
    return rank;
  }

  #faultOf(
    id: NodeId,
    by: { readonly proof: PeerProof; readonly isDialled: boolean },
  ): Fault | undefined {
    const members = this.#options.members();
    return faultOfProof(id, { ...by, members, places: this.#places });
  }

  /** What this node proves of itself. */
  #evidence(
    meeting: Meeting,
    { isDialler }: { readonly isDialler: boolean },
  ): Evidence {
    const { identity } = this.#options;
    const members = this.#options.members();
    const since = sinceOf(identity, members);
    const { incarnation } = identity;
    const [one, other] = isDialler
      ? ["dialler", "acceptor"] as const
      : ["acceptor", "dialler"] as const;
    const disk = knownDisk(meeting[other], members);
    return {
      lives: prove(meeting, `${one} lives on the disk`, incarnation),
      knows: isDialler
        ? prove(meeting, "dialler knows the acceptor's disk", disk)
        : prove(meeting, "acceptor knows the dialler's disk", disk),
      mark: markOf(identity, meeting[other]),
      since,
    };
  }

  /** A warning about `who`, given once until its `gist` changes or `who` is connected. */
  say(who: string, text: string, gist = text): void {
    if (this.#said.get(who) === gist) return;
    if (this.#said.size >= saidMax) this.#said.clear();
    this.#said.set(who, gist);
    this.#options.log("warning", text);
  }

  /** A warning about strangers, who may be many: not more than one in a while. */
  complain(text: string): void {
    const now = performance.now();
    if (now - this.#complainedMillis < this.#times.complaintMillis) {
      this.#complaintsKept++;
      return;
    }
    const kept = this.#complaintsKept;
    this.#complainedMillis = now;
    this.#complaintsKept = 0;
    const more = kept === 0 ? "" : ` (${kept} more such lines were kept back)`;
    this.#options.log("warning", text + more);
  }

  /** Hangs up on all who have not said who they are. */
  close(): void {
    this.#closing = true;
    for (const wire of this.#strangers) wire.close();
  }
}

const unreadable: Fault = {
  reason: "malformed",
  fact: "its greeting cannot be read",
};

/** Of a frame: whoever is not known gets little memory. */
export function payloadBytesMax(rank: Rank): number {
  return rank === "known" || rank === "claimant"
    ? frameBytesMax
    : guestFrameBytesMax;
}

function meetingOf(
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

function told({ fact, reason }: Fault): string {
  return `${fact}; ${remedies[reason]}`;
}

async function refuse(wire: Wire, reason: Refused): Promise<undefined> {
  await wire.write(greetingFrame({ type: "refused", reason }));
  wire.close();
  return undefined;
}

export function greetingFrame(greeting: Greeting): Uint8Array {
  return encodeFrame(encodeGreeting(greeting));
}

function greetingIn(step: Step): Greeted {
  return step.type === "frame"
    ? decodeGreeting(step.payload)
    : { type: "malformed" };
}
