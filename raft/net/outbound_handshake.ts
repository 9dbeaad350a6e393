// The dialler's end of a handshake: connects to an address, makes sure within a time limit that
// the expected node answers there, and logs the result. A name is looked up at each try, and
// may have several addresses, of several nodes: each is tried until the expected node answers.
// Until the acceptor has proved that it knows the cluster, the dialler proves no more than that
// itself. When to dial, and where, is decided in `dialler.ts`.

import { type Address, formatAddress } from "../../base/address.ts";
import { dial, reasonOf } from "../../base/dial.ts";
import { type Lookup, resolve } from "../../base/resolve.ts";
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
  readonly #resolver: { readonly lookup?: Lookup };

  /** `dialMillis` is for one address, and for its name; `lookup` the system's if left out. */
  constructor(
    handshake: Handshake,
    { dialMillis, lookup }: {
      readonly dialMillis: number;
      readonly lookup: Lookup | undefined;
    },
  ) {
    this.#handshake = handshake;
    this.#dialMillis = dialMillis;
    this.#resolver = lookup === undefined ? {} : { lookup };
  }

  /** A connection to node `id`; `undefined` after any failure, which is logged. */
  async open(
    id: NodeId,
    { address, signal }: {
      readonly address: Address;
      readonly signal: AbortSignal;
    },
  ): Promise<Wire | undefined> {
    const { warnings } = this.#handshake;
    const where = `node ${id} at ${formatAddress(address)}`;
    const found = await this.#withinTime(
      signal,
      (signal) => resolve(address, { ...this.#resolver, signal }),
    );
    const faults: string[] = [];
    if (typeof found === "string") {
      faults.push(`cannot reach ${where}: ${found}`);
    } else {
      for (const each of found) {
        const wire = await this.#connect(each, {
          id,
          host: address.host,
          signal,
        });
        if (wire instanceof Wire) {
          warnings.well(id, `connected to ${where}`);
          return wire;
        }
        if (signal.aborted) return undefined;
        const which = found.length === 1 ? "" : ` (${formatAddress(each)})`;
        faults.push(`${wire.what} ${where}${which}: ${wire.why}`);
      }
    }
    if (!signal.aborted) warnings.once(id, faults.join(", "));
    return undefined;
  }

  /** A connection to the node that is called, at one address, or the fault in words. */
  async #connect(
    address: Address,
    { signal, ...called }: Called & { readonly signal: AbortSignal },
  ): Promise<Wire | { readonly what: string; readonly why: string }> {
    let wire: Wire | undefined;
    const fault = await this.#withinTime(signal, async (signal) => {
      const opened = wire = new Wire(await dial(address, signal));
      signal.addEventListener("abort", () => opened.close());
      const fault = await this.#introduce(opened, called);
      signal.throwIfAborted();
      return { fault };
    });
    if (typeof fault !== "string" && fault.fault === undefined && wire) {
      return wire;
    }
    wire?.close();
    return typeof fault === "string"
      ? { what: "cannot reach", why: fault }
      : { what: "no connection with", why: fault.fault ?? "" };
  }

  /** What `task` gives in time; otherwise, or if it fails, the reason in words. */
  async #withinTime<T extends object>(
    signal: AbortSignal,
    task: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | string> {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    const timer = setTimeout(stop, this.#dialMillis);
    signal.addEventListener("abort", stop);
    try {
      signal.throwIfAborted();
      return await task(attempt.signal);
    } catch (error) {
      return attempt.signal.aborted ? "no answer" : reasonOf(error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
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
