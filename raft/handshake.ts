// Opens connections to other nodes and lets theirs in: exchanges greetings (their bytes
// and rules stand in `greeting.ts`) under a time limit, and tells the log what was
// refused and why, without letting a stubborn node or a port scanner fill it.

import { type Address, formatAddress } from "./address.ts";
import type { Identity, NodeId } from "./core/types.ts";
import { encodeFrame, frameBytesMax, type Step } from "./frame.ts";
import {
  type About,
  decodeGreeting,
  encodeGreeting,
  factOfRefusal,
  faultOfHello,
  faultOfWelcome,
  type Greeted,
  type Greeting,
  type Hello,
  type Introduction,
  introductionOf,
  lifeOf,
  type Members,
  type Refused,
  remedies,
} from "./greeting.ts";
import type { Log } from "./logger.ts";
import { dial, reasonOf, Wire } from "./wire.ts";

/** Accepted connections that have not said who they are; the oldest makes way. */
export const strangersMax = 64;

/** Nodes of which we remember what was said; ids are a stranger's to invent. */
const saidMax = 256;

export interface HandshakeOptions {
  readonly identity: Identity;
  /** What this node tells of itself. */
  readonly about: About;
  /** Where this node wants to be dialled. */
  readonly address: string;
  /** Of the newest configuration, as it is now. */
  members(): Members;
  /** Node `id`, of our cluster, introduced itself; the incarnation is verified. */
  met?(id: NodeId, introduction: Introduction): void;
  /** A node of another cluster holds this one for a member of its own. */
  claimed?(hello: Hello): void;
  /** The node that calls itself `by` will not talk to us. */
  refused?(by: NodeId, reason: Refused): void;
  readonly log: Log;
}

export type HandshakeTimes = {
  /** For connection and greeting of one dial. */
  readonly dialMillis: number;
  /** For a stranger to say hello. */
  readonly helloMillis: number;
  /** Between two complaints about strangers. */
  readonly complaintMillis: number;
};

export class Handshake {
  readonly #options: HandshakeOptions;
  readonly #times: HandshakeTimes;
  /** Oldest first. */
  readonly #strangers = new Set<Wire>();
  readonly #said = new Map<string, string>();
  #complainedMillis = -Infinity;
  #complaintsKept = 0;
  #closing = false;

  constructor(options: HandshakeOptions, times: HandshakeTimes) {
    this.#options = options;
    this.#times = times;
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

  /** Says hello on `wire` and weighs the answer; returns what is wrong with it. */
  async #introduce(
    wire: Wire,
    { id: receiver, host }: { id: NodeId; host: string },
  ): Promise<string | undefined> {
    const { identity, about, address, met, refused } = this.#options;
    const { cluster, node: sender } = identity;
    const life = lifeOf(identity, this.#options.members());
    const hello: Hello = {
      type: "hello",
      cluster,
      sender,
      ...life,
      receiver,
      ...about,
      address,
    };
    await wire.write(greetingFrame(hello));
    const step = await wire.frame();
    if (step.type === "more") return "it hung up without an answer";
    const answer = greetingIn(step);
    if (answer.type === "refused") {
      const { node, reason } = answer;
      refused?.(node, reason);
      return `${factOfRefusal(answer, identity)}; ${remedies[reason]}`;
    }
    const fault = faultOfWelcome(
      answer,
      receiver,
      this.#options.members(),
    );
    if (fault !== undefined) return `${fault.fact}; ${remedies[fault.reason]}`;
    if (answer.type === "welcome") {
      wire.trust(answer, frameBytesMax);
      met?.(receiver, introductionOf(answer, host));
    }
    return undefined;
  }

  /** The hello of an accepted connection that may stay; any other is shown out. */
  async admit(wire: Wire): Promise<Hello | undefined> {
    const [oldest] = this.#strangers;
    if (this.#strangers.size >= strangersMax) oldest?.close();
    this.#strangers.add(wire);
    const timer = setTimeout(() => wire.close(), this.#times.helloMillis);
    const step = await wire.frame();
    const hello = step.type === "frame" && !wire.closed
      ? await this.#judge(wire, greetingIn(step))
      : this.#turnAway(wire, step);
    clearTimeout(timer);
    this.#strangers.delete(wire);
    return hello;
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

  async #judge(wire: Wire, hello: Greeted): Promise<Hello | undefined> {
    const { identity, met, claimed, log } = this.#options;
    const { node, cluster } = identity;
    const fault = faultOfHello(hello, identity, this.#options.members());
    if (fault === undefined && hello.type === "hello") {
      log("debug", `node ${hello.sender} connected from ${wire.remote}`);
      this.#said.delete(`from ${hello.sender}`);
      wire.trust(hello, frameBytesMax);
      met?.(hello.sender, introductionOf(hello, wire.remoteHost));
      return hello;
    }
    const { reason, fact } = fault ?? { reason: "malformed", fact: "no hello" };
    const tail = `from ${wire.remote}: ${fact}; ${remedies[reason]}`;
    if (hello.type === "hello") {
      const { sender } = hello;
      if (reason === "wrong-cluster" && hello.receiver === node) {
        claimed?.(hello);
      }
      this.say(`from ${sender}`, `refused node ${sender} ${tail}`, reason);
    } else this.complain(`refused a connection ${tail}`);
    await wire.write(greetingFrame({ type: "refused", reason, node, cluster }));
    wire.close();
    return undefined;
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

export function greetingFrame(greeting: Greeting): Uint8Array {
  return encodeFrame(encodeGreeting(greeting));
}

function greetingIn(step: Step): Greeted {
  return step.type === "frame"
    ? decodeGreeting(step.payload)
    : { type: "malformed" };
}
