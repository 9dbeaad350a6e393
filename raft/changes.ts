// Changes of the membership that people and joining nodes ask for, from the question to
// the one answer. Any node may be asked; the leader does it on the asker's behalf.
//
//   asked ──▶ forwarded ──▶ answered by the leader             (on any other node)
//   asked ──▶ committing ──▶ answered                          (on the leader)
//                       └──▶ promoting ──▶ answered            (a voter is added)
//
// A new voter is a learner first and is promoted by the core when it has caught up, so
// that an address where nobody lives never costs the cluster its quorum: when its time
// is up it is taken out again. A change whose leader is lost is asked again; all of
// them can be asked twice, except those that name the configuration they build on.

import { parseAddress } from "./address.ts";
import type { AdminAnswer, AdminCommand } from "./channel.ts";
import { isNodeId, isShortText } from "./core/bytes.ts";
import { serversMax } from "./core/codec.ts";
import {
  configurationFault,
  findServer,
  withoutServer,
  withServer,
} from "./core/membership.ts";
import type { Raft } from "./core/raft.ts";
import type {
  Configuration,
  Forward,
  ForwardResponse,
  Index,
  NodeId,
  PeerMessage,
} from "./core/types.ts";

export type ChangeCommand = Extract<
  AdminCommand,
  { readonly type: "add-voter" | "join" | "remove-server" }
>;

type Answer = (answer: AdminAnswer) => void;

type Change = {
  readonly command: ChangeCommand;
  readonly answer: Answer;
  /** Asked by another node, which asks elsewhere if we cannot. */
  readonly remote: boolean;
  ticksLeft: number;
  state:
    | { readonly type: "asked" }
    | { readonly type: "forwarded"; readonly to: NodeId; readonly id: number }
    | { readonly type: "committing"; readonly index: Index }
    | { readonly type: "promoting" }
    | { readonly type: "answered" };
};

/** What is to be done about a change: propose, answer, or wait for the next pump. */
type Plan =
  | { readonly type: "propose"; readonly configuration: Configuration }
  | { readonly type: "answer"; readonly answer: AdminAnswer }
  | { readonly type: "promotion" }
  | { readonly type: "wait" };

const ok: AdminAnswer = { type: "ok" };
const notLeader = error("node is not the leader");

/** Changes that may wait at once; more are refused. */
const changesMax = 100;

export type ChangesOptions = {
  readonly cluster: string;
  /** Ticks after which a change that got nowhere is answered. */
  readonly ticksMax: number;
  readonly random: (below: number) => number;
  readonly send: (message: PeerMessage) => void;
};

export class Changes {
  readonly #raft: Raft;
  readonly #options: ChangesOptions;
  #changes: Change[] = [];
  /** Starts anywhere: answers to a former life's questions must not fit ours. */
  #nextId: number;

  constructor(raft: Raft, options: ChangesOptions) {
    this.#raft = raft;
    this.#options = options;
    this.#nextId = options.random(2 ** 31);
  }

  get cluster(): string {
    return this.#options.cluster;
  }

  ask(command: ChangeCommand, answer: Answer, { remote = false } = {}): void {
    if (this.#changes.length >= changesMax) {
      return answer(error("too many configuration changes are waiting"));
    }
    this.#changes.push({
      command,
      answer,
      remote,
      // Who asks the leader waits longer than the leader, to hear its answer.
      ticksLeft: this.#options.ticksMax * (remote ? 1 : 2),
      state: { type: "asked" },
    });
  }

  /** Another node asks on behalf of its client. */
  forwarded({ from, to, id, data }: Forward): void {
    const answer = (answer: AdminAnswer) =>
      this.#options.send({
        type: "ForwardResponse",
        from: to,
        to: from,
        id,
        data: encodeJson(answer),
      });
    const command = decodeCommand(data);
    if (command !== undefined) this.ask(command, answer, { remote: true });
    else answer(error("the leader does not know this command"));
  }

  forwardAnswered({ from, id, data }: ForwardResponse): void {
    const change = this.#changes.find(({ state }) =>
      state.type === "forwarded" && state.id === id && state.to === from
    );
    if (change === undefined) return;
    const answer = decodeAnswer(data);
    // It lost the leadership meanwhile: ask the next one.
    if (answer.type === "error" && answer.text === notLeader.text) {
      change.state = { type: "asked" };
    } else this.#settle(change, answer);
  }

  tick(): void {
    for (const change of this.#changes) {
      if (--change.ticksLeft <= 0) this.#giveUp(change);
      // Whom we asked leads no more: its answer may never come.
      if (
        change.state.type === "forwarded" &&
        change.state.to !== this.#raft.leaderId
      ) change.state = { type: "asked" };
    }
  }

  /** The node ends: whatever waits is answered. */
  stop(): void {
    for (const change of this.#changes.splice(0)) {
      this.#settle(change, error("the node is stopping"));
    }
  }

  /** Carries every change as far as it goes now. */
  pump(): void {
    if (this.#changes.length === 0) return;
    for (const change of this.#changes) {
      if (this.#raft.role === "leader") this.#lead(change);
      else this.#follow(change);
    }
    this.#changes = this.#changes.filter(({ state }) =>
      state.type !== "answered"
    );
  }

  #follow(change: Change): void {
    const { state, command } = change;
    if (state.type === "forwarded" || state.type === "answered") return;
    if (state.type === "committing" && prevIndexOf(command) !== 0n) {
      return this.#settle(
        change,
        error("leadership lost while committing log"),
      );
    }
    change.state = { type: "asked" };
    if (change.remote) return this.#settle(change, notLeader);
    const { leaderId } = this.#raft;
    if (leaderId === undefined) return;
    const id = this.#nextId++;
    change.state = { type: "forwarded", to: leaderId, id };
    this.#options.send({
      type: "Forward",
      from: this.#raft.id,
      to: leaderId,
      id,
      data: encodeJson(command),
    });
  }

  #lead(change: Change): void {
    const { state, command } = change;
    const { membership, log } = this.#raft;
    switch (state.type) {
      case "asked":
      case "forwarded":
        return this.#begin(change);
      case "committing":
        if (log.commitIndex < state.index) return;
        if (command.type !== "add-voter") return this.#settle(change, ok);
        change.state = { type: "promoting" };
        return this.#lead(change);
      case "promoting":
        if (membership.find(command.id) === undefined) {
          return this.#settle(
            change,
            error(`server ${command.id} was removed meanwhile`),
          );
        }
        if (!membership.isVoter(command.id)) return;
        change.state = { type: "committing", index: membership.currentIndex };
        if (log.commitIndex >= membership.currentIndex) {
          this.#settle(change, ok);
        }
        return;
      case "answered":
        return;
      default:
        state satisfies never;
    }
  }

  #begin(change: Change): void {
    const plan = this.#plan(change.command);
    switch (plan.type) {
      case "wait":
        return;
      case "promotion":
        change.state = { type: "promoting" };
        return;
      case "answer":
        return this.#settle(change, plan.answer);
      case "propose": {
        const index = this.#raft.changeMembership(plan.configuration);
        // A refusal passes: another change, or the own term's first entry, is on its way.
        if (typeof index === "number") {
          change.state = { type: "committing", index };
        }
        return;
      }
      default:
        plan satisfies never;
    }
  }

  #plan(command: ChangeCommand): Plan {
    const { current, currentIndex } = this.#raft.membership;
    const prevIndex = prevIndexOf(command);
    if (prevIndex !== 0n && prevIndex !== BigInt(currentIndex)) {
      return refuse(
        `Configuration changed since ${prevIndex} (latest is ${currentIndex})`,
      );
    }
    switch (command.type) {
      case "add-voter":
        return this.#planAddVoter(command, current);
      case "join":
        return this.#planJoin(command, current);
      case "remove-server":
        return this.#planRemove(command, current);
      default:
        return command satisfies never;
    }
  }

  #planAddVoter(
    { id, address }: ChangeCommand & { readonly type: "add-voter" },
    current: Configuration,
  ): Plan {
    const known = findServer(current, id);
    if (known !== undefined && known.address === address) {
      return known.suffrage === "voter" && this.#isCommitted
        ? { type: "answer", answer: ok }
        : { type: "promotion" };
    }
    return proposal(withServer(current, {
      suffrage: "learner",
      incarnation: "",
      ...known,
      id,
      address,
    }));
  }

  #planJoin(
    { id, address, incarnation, cluster }:
      & ChangeCommand
      & { readonly type: "join" },
    current: Configuration,
  ): Plan {
    if (cluster !== this.cluster) {
      return refuse(`cannot join: this is cluster ${this.cluster}`);
    }
    const known = findServer(current, id);
    if (
      known !== undefined && known.incarnation !== "" &&
      known.incarnation !== incarnation
    ) {
      // Its disk was lost, or it is another node: either way it has not promised what
      // the member with this id has promised, and must not vote in its place.
      return refuse(
        `cannot join: id ${id} belongs to the server at ${known.address}; ` +
          `take another --id or, if that server's data is lost, ` +
          `send RAFT.REMOVESERVER ${id} first`,
      );
    }
    if (known?.address === address && known.incarnation === incarnation) {
      return this.#isCommitted
        ? { type: "answer", answer: ok }
        : { type: "wait" };
    }
    const plan = proposal(withServer(current, {
      suffrage: "learner",
      ...known,
      id,
      address,
      incarnation,
    }));
    return plan.type === "answer" && plan.answer.type === "error"
      ? refuse(`cannot join: ${plan.answer.text}`)
      : plan;
  }

  #planRemove(
    { id }: ChangeCommand & { readonly type: "remove-server" },
    current: Configuration,
  ): Plan {
    if (findServer(current, id) === undefined) {
      return { type: "answer", answer: ok };
    }
    const plan = proposal(withoutServer(current, id));
    if (plan.type === "propose" && id === this.#raft.id) {
      // Handed over first, no request meets a cluster without a leader; the successor
      // then removes us, as soon as this change is forwarded to it.
      if (this.#raft.transferTarget !== undefined) return { type: "wait" };
      if (this.#raft.transferLeadership()) return { type: "wait" };
    }
    return plan;
  }

  #giveUp(change: Change): void {
    const { state, command } = change;
    if (state.type === "answered") return;
    if (this.#raft.role !== "leader" || state.type === "asked") {
      const waiting = this.#raft.role === "leader"
        ? error("another configuration change is in progress")
        : notLeader;
      return this.#settle(change, waiting);
    }
    if (state.type !== "promoting" || command.type !== "add-voter") {
      return this.#settle(
        change,
        error("the change is not committed: a majority does not answer"),
      );
    }
    this.#raft.changeMembership(
      withoutServer(this.#raft.membership.current, command.id),
    );
    this.#settle(
      change,
      error(
        `server ${command.id} at ${command.address} did not catch up in time and ` +
          `was not added: is it running, and was it started with --join?`,
      ),
    );
  }

  #settle(change: Change, answer: AdminAnswer): void {
    change.state = { type: "answered" };
    change.answer(answer);
  }

  get #isCommitted(): boolean {
    const { membership, log } = this.#raft;
    return membership.currentIndex <= log.commitIndex;
  }
}

/** To propose `configuration`, or to say what is wrong with it. */
function proposal(configuration: Configuration): Plan {
  const fault = configurationFault(configuration) ?? limitFault(configuration);
  return fault === undefined
    ? { type: "propose", configuration }
    : refuse(fault);
}

/** What the formats, unlike the protocol, have no room for. */
function limitFault({ servers }: Configuration): string | undefined {
  if (servers.length > serversMax) {
    return `${servers.length} servers are more than ${serversMax}`;
  }
  for (const { id, address } of servers) {
    if (!isNodeId(id)) {
      return `Invalid ID in configuration: ${id} is not 1 to 64 of A-Z a-z 0-9 . _ -`;
    }
    if (!isShortText(address) || parseAddress(address) === undefined) {
      return `Invalid address in configuration: ${address} is not HOST:PORT`;
    }
  }
  return undefined;
}

function refuse(text: string): Plan {
  return { type: "answer", answer: error(text) };
}

function error(text: string): AdminAnswer & { readonly type: "error" } {
  return { type: "error", text };
}

function prevIndexOf(command: ChangeCommand): bigint {
  return command.type === "join" ? 0n : command.prevIndex;
}

// Questions and answers between nodes are rare and for people: JSON, its bigints as
// decimal texts. What came is checked like any other input.

function encodeJson(value: ChangeCommand | AdminAnswer): Uint8Array {
  const text = JSON.stringify(
    value,
    (_, field) => typeof field === "bigint" ? String(field) : field,
  );
  return new TextEncoder().encode(text);
}

function decodeJson(data: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(data));
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function decodeCommand(data: Uint8Array): ChangeCommand | undefined {
  const { type, id, address, incarnation, cluster, prevIndex } = decodeJson(
    data,
  );
  if (typeof id !== "string") return undefined;
  if (type === "join") {
    if (
      typeof address !== "string" || typeof incarnation !== "string" ||
      typeof cluster !== "string"
    ) return undefined;
    return { type, id, address, incarnation, cluster };
  }
  if (typeof prevIndex !== "string" || !/^\d{1,20}$/.test(prevIndex)) {
    return undefined;
  }
  if (type === "remove-server") {
    return { type, id, prevIndex: BigInt(prevIndex) };
  }
  if (type !== "add-voter" || typeof address !== "string") return undefined;
  return { type, id, address, prevIndex: BigInt(prevIndex) };
}

function decodeAnswer(data: Uint8Array): AdminAnswer {
  const { type, text } = decodeJson(data);
  if (type === "ok") return ok;
  return error(
    typeof text === "string" ? text : "the leader's answer is unreadable",
  );
}
