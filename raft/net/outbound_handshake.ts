// The dialler's end of a handshake: connects to an address, makes sure within a time limit that
// the expected node answers there, and logs the result. Until the acceptor has proved that it
// knows the cluster, the dialler proves no more than that itself. When to dial, and where, is
// decided in `dialler.ts`.

import { type Address, formatAddress } from "../../base/address.ts";
import { dial, reasonOf } from "../../base/dial.ts";
import {
  factOfRefusal,
  faultOfChallenge,
  remedies,
} from "../identity/admission.ts";
import type { NodeId } from "../core/types.ts";
import { proofOf } from "../identity/evidence.ts";
import type { RefusalReason } from "../identity/hello.ts";
import { type Meeting, newNonce, prove } from "../identity/proof.ts";
import {
  type Handshake,
  handshakeFrame,
  meetingOf,
  messageIn,
  unreadable,
  worded,
} from "./handshake.ts";
import { Wire } from "./wire.ts";

/** The node that is meant to answer, and the host that was dialled. */
type Called = { readonly id: NodeId; readonly host: string };

/** The handshakes of all connections that this node opens. */
export class OutboundHandshake {
  readonly #handshake: Handshake;
  readonly #dialMillis: number;

  constructor(
    handshake: Handshake,
    { dialMillis }: { readonly dialMillis: number },
  ) {
    this.#handshake = handshake;
    this.#dialMillis = dialMillis;
  }

  /** A connection to node `id`; `undefined` after any failure, which is logged. */
  async open(
    id: NodeId,
    { address, signal }: {
      readonly address: Address;
      readonly signal: AbortSignal;
    },
  ): Promise<Wire | undefined> {
    const { options: { log }, warnings } = this.#handshake;
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    const timer = setTimeout(stop, this.#dialMillis);
    signal.addEventListener("abort", stop);
    const where = `node ${id} at ${formatAddress(address)}`;
    try {
      const wire = new Wire(await dial(address, attempt.signal));
      attempt.signal.addEventListener("abort", () => wire.close());
      const fault = await this.#introduce(wire, { id, host: address.host });
      if (fault !== undefined) wire.close();
      attempt.signal.throwIfAborted();
      if (fault === undefined) {
        warnings.forget(id);
        log("info", `connected to ${where}`);
        return wire;
      }
      warnings.once(id, `no connection with ${where}: ${fault}`);
    } catch (error) {
      const reason = attempt.signal.aborted ? "no answer" : reasonOf(error);
      const text = `cannot reach ${where}: ${reason}`;
      if (!signal.aborted) warnings.once(id, text);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
    return undefined;
  }

  /** Exchanges all messages; returns the fault of the other node in words, if it has one. */
  async #introduce(wire: Wire, called: Called): Promise<string | undefined> {
    const { id } = called;
    const { identity } = this.#handshake.options;
    const hello = {
      sender: identity.node,
      receiver: id,
      nonce: newNonce(),
    };
    const begun = meetingOf(identity, hello);
    const proof = prove(begun, "dialler knows the cluster");
    await wire.write(handshakeFrame({ type: "hello", ...hello, proof }));
    const step = await wire.frame();
    if (step.type === "more") return "it hung up without an answer";
    const challenge = messageIn(step);
    if (challenge.type === "refused") {
      return this.#wasRefused(id, challenge.reason);
    }
    const meeting = challenge.type === "challenge"
      ? { ...begun, acceptorNonce: challenge.nonce }
      : begun;
    const fault = faultOfChallenge(challenge, meeting);
    if (fault !== undefined) return worded(fault);
    return await this.#respond(wire, { ...called, meeting });
  }

  /** Answers the challenge, and judges what the other node proves in its turn. */
  async #respond(
    wire: Wire,
    { id, host, meeting }: Called & { readonly meeting: Meeting },
  ): Promise<string | undefined> {
    const { identity, about, address } = this.#handshake.options;
    const evidence = this.#handshake.evidence(meeting, "dialler");
    const response = { ...evidence, ...about, address };
    await wire.write(handshakeFrame({ type: "response", ...response }));
    const answer = messageIn(await wire.frame());
    if (answer.type === "refused") return this.#wasRefused(id, answer.reason);
    if (answer.type !== "welcome") return worded(unreadable);
    const proof = proofOf(answer, { own: identity, meeting, by: "acceptor" });
    const { incarnation: disk } = answer;
    if (disk !== "" && !proof.isOn(disk)) return worded(unreadable);
    const fault = this.#handshake.faultOf(id, { proof, isDialled: true });
    if (fault !== undefined) return worded(fault);
    this.#handshake.believe(wire, { id, proof, about: answer, host, disk });
    return undefined;
  }

  #wasRefused(by: NodeId, reason: RefusalReason): string {
    const { identity, refused } = this.#handshake.options;
    refused?.(by, reason);
    return `${factOfRefusal(reason, identity)}; ${remedies[reason]}`;
  }
}
