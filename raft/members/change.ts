// Changes of the membership that people and joining nodes ask for, from the question to
// the one answer. Any node may be asked; the leader does it on the asker's behalf.
//
//   asked ──▶ forwarded ──▶ answered by the leader             (on any other node)
//   asked ──▶ committing ──▶ answered                          (on the leader)
//                       └──▶ promoting ──▶ answered            (a vote is given)
//         └──▶ transferring ──▶ answered       (leadership is handed over: `transfers.ts`)
//
// A new voter is a learner first and is promoted by the core when it has caught up, so
// that an address where nobody lives never costs the cluster its quorum: when its time
// is up it is taken out again. A change whose leader is lost is asked again, unless it
// names the configuration it builds on or hands leadership over: that is done once.

import type { AdminAnswer } from "../channel/messages.ts";
import {
  decodeAnswer,
  decodeCommand,
  encodeJson,
  type LeaderAnswer,
} from "./change_codec.ts";
import {
  type ChangeCommand,
  error,
  type MemberCommand,
  ok,
  planChange,
  prevIndexOf,
} from "./change_plan.ts";
import { leaderless } from "./change_risk.ts";
import { isShortText, textBytesMax } from "../../base/bytes.ts";
import { findServer, withoutServer, withServer } from "../core/membership.ts";
import type { Raft } from "../core/raft.ts";
import type {
  Configuration,
  Forward,
  ForwardResponse,
  Index,
  NodeId,
  PeerMessage,
  Suffrage,
  Term,
} from "../core/types.ts";
import { beginTransfer, type Transfer, transferOutcome } from "./transfers.ts";

type Change = {
  readonly command: ChangeCommand;
  /** Told to another node, it may also be that nobody knows. */
  readonly answer: (answer: LeaderAnswer) => void;
  /** Asked by another node, which asks elsewhere if we cannot. */
  readonly remote: boolean;
  ticksLeft: number;
  /** Leadership was handed over for its sake: once, or two could do so for ever. */
  handedOver: boolean;
  /** Somebody who is lost was at it, and may have done it. */
  mayBeDone: boolean;
  /** The round after which we may say that it is so already, and its term. */
  round: { readonly number: number; readonly term: Term } | undefined;
  /** What the server was when we proposed to make it a voter; `none`: no member. */
  before: Suffrage | "none" | undefined;
  state:
    | { readonly type: "asked" }
    | {
      readonly type: "forwarded";
      readonly to: NodeId;
      readonly id: number;
      readonly term: Term;
    }
    /** Whom we took for the leader does not lead: ask again after a tick. */
    | { readonly type: "turned-away" }
    | {
      readonly type: "committing";
      readonly index: Index;
      readonly term: Term;
    }
    | { readonly type: "promoting" }
    | ({ readonly type: "transferring" } & Transfer)
    | { readonly type: "answered" };
};

const notLeader = error("node is not the leader");
const lost = error("leadership lost while committing log");

/** Changes that may wait at once; more are refused. */
const changesMax = 100;

export type ChangesOptions = {
  readonly cluster: string;
  /** Ticks after which a change that got nowhere is answered. */
  readonly ticksMax: number;
  /** Whether the members may change now; if not, it is asked again when they may. */
  readonly mayChange: () => boolean;
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

  get isWaiting(): boolean {
    return this.#changes.length > 0;
  }

  get cluster(): string {
    return this.#options.cluster;
  }

  ask(command: ChangeCommand, answer: (answer: AdminAnswer) => void): void {
    this.#ask(command, (told) => answer(told.type === "lost" ? lost : told), {
      remote: false,
    });
  }

  #ask(
    command: ChangeCommand,
    answer: Change["answer"],
    { remote }: { remote: boolean },
  ): void {
    if (this.#changes.length >= changesMax) {
      return answer(error("too many configuration changes are waiting"));
    }
    // Here, before it travels or is told back: no format has room for more.
    for (const [name, value] of Object.entries(command)) {
      if (typeof value !== "string" || isShortText(value)) continue;
      return answer(error(`the ${name} has more than ${textBytesMax} bytes`));
    }
    this.#changes.push({
      command,
      answer,
      remote,
      // Who asks the leader waits longer than the leader, to hear its answer.
      ticksLeft: this.#options.ticksMax *
        (remote || this.#raft.role === "leader" ? 1 : 2),
      handedOver: false,
      round: undefined,
      mayBeDone: false,
      before: undefined,
      state: { type: "asked" },
    });
  }

  /** Another node asks on behalf of its client. */
  forwarded({ from, to, id, data }: Forward): void {
    const answer = (answer: LeaderAnswer) =>
      this.#options.send({
        type: "ForwardResponse",
        from: to,
        to: from,
        id,
        data: encodeJson(answer),
      });
    const command = decodeCommand(data);
    if (command !== undefined) this.#ask(command, answer, { remote: true });
    else answer(error("the leader does not know this command"));
  }

  forwardAnswered({ from, id, data }: ForwardResponse): void {
    const change = this.#changes.find(({ state }) =>
      state.type === "forwarded" && state.id === id && state.to === from
    );
    if (change === undefined) return;
    const answer = decodeAnswer(data);
    if (answer.type === "lost") this.#askAgain(change);
    else if (answer.type !== "error" || answer.text !== notLeader.text) {
      return this.#settle(change, answer);
    } else change.state = { type: "asked" };
    // Not again at once: he may not know yet that another leads.
    if (change.state.type === "asked") change.state = { type: "turned-away" };
  }

  tick(): void {
    for (const change of this.#changes) {
      if (--change.ticksLeft <= 0) this.#giveUp(change);
      const { state } = change;
      if (state.type === "turned-away") change.state = { type: "asked" };
      // Whom we asked leads no more, or again after a restart: it may never answer.
      const { leaderId, currentTerm } = this.#raft;
      if (
        state.type === "forwarded" &&
        (state.to !== leaderId || state.term !== currentTerm)
      ) this.#askAgain(change);
    }
  }

  /** The node ends: whatever waits is answered. */
  stop(): void {
    for (const change of this.#changes.splice(0)) {
      if (change.remote) this.#turnAway(change);
      else this.#settle(change, error("the node is stopping"));
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
    if (this.#isDone(change)) return this.#settle(change, ok);
    const { type } = change.state;
    if (type === "committing" || type === "promoting") this.#askAgain(change);
    if (type === "transferring") this.#settleTransfer(change, change.state);
    if (change.state.type !== "asked") return;
    if (change.remote) return this.#turnAway(change);
    const { leaderId, currentTerm: term } = this.#raft;
    if (leaderId === undefined) return;
    const id = this.#nextId++;
    change.state = { type: "forwarded", to: leaderId, id, term };
    this.#options.send({
      type: "Forward",
      from: this.#raft.id,
      to: leaderId,
      id,
      data: encodeJson(change.command),
    });
  }

  /** We lead no more because of what we proposed: it took our vote away. */
  #isDone({ state, command }: Change): boolean {
    const { log } = this.#raft;
    return state.type === "committing" &&
      (command.type === "remove-server" || command.type === "demote") &&
      log.commitIndex >= state.index && log.matches(state.index, state.term);
  }

  /** Whoever was at it leads no more, and may have done it or not. */
  #askAgain(change: Change): void {
    const { command, state } = change;
    if (command.type === "transfer") {
      if (state.type !== "forwarded") return;
      const anybody = command.id === "";
      const target = anybody ? undefined : command.id;
      return this.#settleTransfer(change, {
        from: state.to,
        term: undefined,
        target,
        anybody,
      });
    }
    change.mayBeDone = true;
    if (prevIndexOf(command) === 0n) change.state = { type: "asked" };
    // The configuration that it builds on may be gone because it is done.
    else this.#settle(change, lost);
  }

  #settleTransfer(change: Change, transfer: Transfer): void {
    const outcome = transferOutcome(this.#raft, transfer);
    if (outcome !== undefined) this.#settle(change, outcome);
  }

  #lead(change: Change): void {
    const { state, command } = change;
    const { membership, log, currentTerm } = this.#raft;
    switch (state.type) {
      case "forwarded":
        this.#askAgain(change);
        return this.#lead(change);
      case "asked":
      case "turned-away":
        return command.type === "transfer"
          ? this.#handOver(change, command.id)
          : this.#begin(change, command);
      case "transferring":
        return this.#settleTransfer(change, state);
      case "committing":
        if (log.commitIndex < state.index) return;
        if (command.type !== "add-voter" && command.type !== "promote") {
          return this.#settle(change, ok);
        }
        change.state = { type: "promoting" };
        return this.#lead(change);
      case "promoting": {
        const server = membership.find(command.id);
        if (server === undefined || server.suffrage === "nonvoter") {
          const fate = server === undefined ? "removed" : "made a nonvoter";
          const text = `server ${command.id} was ${fate} meanwhile`;
          return this.#settle(change, error(text));
        }
        if (server.suffrage !== "voter") return;
        change.state = {
          type: "committing",
          index: membership.currentIndex,
          term: currentTerm,
        };
        if (log.commitIndex >= membership.currentIndex) {
          this.#settle(change, ok);
        }
        return;
      }
      case "answered":
        return;
      default:
        state satisfies never;
    }
  }

  #handOver(change: Change, id: NodeId | ""): void {
    const begun = beginTransfer(this.#raft, id);
    if ("from" in begun) change.state = { type: "transferring", ...begun };
    else this.#settle(change, begun);
  }

  #begin(change: Change, command: MemberCommand): void {
    const plan = planChange(this.#raft, { command, cluster: this.cluster });
    switch (plan.type) {
      case "wait":
        return;
      case "promotion":
        change.state = { type: "promoting" };
        return;
      case "answer":
        // It may have been undone by a later leader, of whom we do not know yet.
        if (plan.answer === ok && !this.#isConfirmed(change)) return;
        return this.#settle(change, plan.answer);
      case "hand-over":
        // No request meets a cluster without a leader so; the successor goes on as soon
        // as this change is forwarded to it.
        if (this.#raft.transferTarget !== undefined) return;
        if (!change.handedOver && this.#raft.transferLeadership()) {
          change.handedOver = true;
          return;
        }
        return this.#propose(change, plan.configuration);
      case "propose":
        return this.#propose(change, plan.configuration);
      default:
        plan satisfies never;
    }
  }

  /** Whether we led after we were asked. */
  #isConfirmed(change: Change): boolean {
    const { currentTerm: term, confirmedRound } = this.#raft;
    if (change.round?.term !== term) {
      change.round = { number: this.#raft.confirm(), term };
    }
    return change.round.number <= confirmedRound;
  }

  #propose(change: Change, configuration: Configuration): void {
    if (!this.#options.mayChange()) return;
    const before = this.#raft.membership.find(change.command.id);
    const index = this.#raft.changeMembership(configuration);
    // A refusal passes: another change, or the own term's first entry, is on its way.
    if (typeof index !== "number") return;
    const term = this.#raft.currentTerm;
    change.state = { type: "committing", index, term };
    change.before = before?.suffrage ?? "none";
  }

  /** Its time is up. What cannot be answered truly yet is tried again at the next tick. */
  #giveUp(change: Change): void {
    const { state, command } = change;
    if (state.type === "forwarded") {
      this.#settle(change, error("the leader did not answer in time"));
    } else if (this.#raft.role !== "leader") {
      if (change.remote) this.#turnAway(change);
      else this.#settle(change, this.#noLeader(change));
    } else if (state.type === "transferring") {
      const text = `server ${state.target} has not taken over yet`;
      this.#settle(change, error(text));
    } else if (state.type === "committing") {
      const text = "the change is not committed: a majority does not answer";
      this.#settle(change, error(text));
    } else if (state.type !== "promoting") {
      const text = change.round === undefined
        ? "another configuration change is in progress"
        : "it seems to be done, but a majority does not answer";
      this.#settle(change, error(text));
    } else this.#giveUpPromoting(change, command);
  }

  /** Who asked us goes on asking elsewhere, and must know whether we began. */
  #turnAway(change: Change): void {
    const { state, mayBeDone } = change;
    const began = mayBeDone || state.type === "committing" ||
      state.type === "promoting" || state.type === "transferring";
    this.#settle(change, began ? { type: "lost" } : notLeader);
  }

  /** With what could be done about it, and whether anything may have happened. */
  #noLeader({ state, mayBeDone }: Change): AdminAnswer {
    const untouched = !mayBeDone &&
      (state.type === "asked" || state.type === "turned-away");
    const why = this.#raft.leaderId === undefined
      ? `, and ${leaderless(this.#raft)}`
      : "";
    return error(
      `${notLeader.text}${why}; ` +
        (untouched
          ? "nothing was changed"
          : "whether it was done before that is not known"),
    );
  }

  /** The learner did not catch up. One that nobody has joined as is put back. */
  #giveUpPromoting(change: Change, { type, id }: ChangeCommand): void {
    const { current } = this.#raft.membership;
    const learner = findServer(current, id);
    // Gone or promoted in this very tick: the pump knows what to answer.
    if (learner?.suffrage !== "learner") return;
    const name = `server ${id} at ${learner.address}`;
    const { before } = change;
    const isAdded = before === "none" || before === "nonvoter";
    if (learner.incarnation !== "" || type === "promote" || !isAdded) {
      return this.#settle(
        change,
        error(
          `${name} has not caught up yet: it is a learner, and becomes a voter ` +
            `as soon as it has`,
        ),
      );
    }
    // It could still be promoted until this is done.
    const index = this.#raft.changeMembership(
      before === "none"
        ? withoutServer(current, id)
        : withServer(current, { ...learner, suffrage: before }),
    );
    if (typeof index !== "number") return;
    const fate = before === "none" ? "was not added" : "stays a nonvoter";
    const text = `${name} did not catch up in time and ${fate}: is it ` +
      `running, and was it started with --join?`;
    this.#settle(change, error(text));
  }

  #settle(change: Change, answer: LeaderAnswer): void {
    change.state = { type: "answered" };
    change.answer(answer);
  }
}
