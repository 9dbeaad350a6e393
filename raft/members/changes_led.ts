// The leader's half of a change: plans it (`change_plan.ts`), proposes a configuration,
// waits until that is committed and, where a vote is given, until the core has promoted the
// server. It keeps no change: `changes_asked.ts` has the list, and counts their ticks.
//
// A new voter is a learner first, and the core promotes it when it has caught up (thesis
// 4.2.1). So an address without a node never costs the cluster its quorum: when the time is
// up, the learner is taken out again.

import { findServer, withoutServer, withServer } from "../core/membership.ts";
import type { Raft } from "../core/raft.ts";
import type { Configuration, Index, NodeId } from "../core/types.ts";
import {
  type Change,
  error,
  type LeaderAnswer,
  type MemberCommand,
  type MoveCommand,
  ok,
  settle,
} from "./change.ts";
import { planChange } from "./change_plan.ts";
import { beginTransfer, concludeTransfer } from "./transfers.ts";

/** The dependencies of a leader's changes. */
export type ChangesLedOptions = {
  /** 32 hex digits; a node that asks to join must name it. */
  readonly cluster: string;
  /** Whether a configuration may be proposed now; asked again after every input. */
  readonly mayChange: () => boolean;
  /** Another node has seen that a member has moved (`address_updates.ts`). */
  readonly moved: (command: MoveCommand) => LeaderAnswer;
};

/** Carries changes out while this node leads. */
export class ChangesLed {
  readonly #raft: Raft;
  readonly #options: ChangesLedOptions;

  constructor(raft: Raft, options: ChangesLedOptions) {
    this.#raft = raft;
    this.#options = options;
  }

  /** Carries `change` as far as it goes now. To be called while this node leads. */
  advance(change: Change): void {
    const { state, command } = change;
    switch (state.type) {
      case "asked":
      case "sent-back":
        switch (command.type) {
          case "transfer":
            return this.#handOver(change, command.id);
          case "move":
            return settle(change, this.#options.moved(command));
          default:
            return this.#begin(change, command);
        }
      case "committing":
        return this.#awaitCommit(change, state.index);
      case "promoting":
        return this.#awaitPromotion(change);
      case "transferring":
        return concludeTransfer(this.#raft, { change, transfer: state });
      case "forwarded":
      case "answered":
        return;
      default:
        state satisfies never;
    }
  }

  #handOver(change: Change, id: NodeId | ""): void {
    const begun = beginTransfer(this.#raft, id);
    if ("from" in begun) change.state = { type: "transferring", ...begun };
    else settle(change, begun);
  }

  #begin(change: Change, command: MemberCommand): void {
    const { cluster } = this.#options;
    const plan = planChange(this.#raft, { command, cluster });
    switch (plan.type) {
      case "wait":
        return;
      case "promotion":
        change.state = { type: "promoting" };
        return;
      case "refuse":
        return settle(change, error(plan.text));
      case "done":
        // A later leader, of which this node has not heard, may have undone it.
        if (this.#isConfirmed(change)) settle(change, ok);
        return;
      case "hand-over":
        // No TICKET meets a cluster without a leader this way. The successor proposes once
        // this change is forwarded to it.
        if (this.#raft.transferTarget !== undefined) return;
        if (
          !change.handedOver &&
          this.#raft.transferLeadership(undefined, "vote-taken")
        ) {
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

  /** A round of confirmations that began after the request has shown that we still lead. */
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
    // The refusal passes: another change, or the term's first entry, is not committed yet.
    if (typeof index !== "number") return;
    const term = this.#raft.currentTerm;
    change.state = { type: "committing", index, term };
    change.suffrageBefore = before?.suffrage ?? "none";
  }

  #awaitCommit(change: Change, index: Index): void {
    if (this.#raft.log.commitIndex < index) return;
    const { type } = change.command;
    if (type !== "add-voter" && type !== "promote") return settle(change, ok);
    change.state = { type: "promoting" };
    this.#awaitPromotion(change);
  }

  #awaitPromotion(change: Change): void {
    const { membership, log, currentTerm: term } = this.#raft;
    const { id } = change.command;
    const server = membership.find(id);
    if (server === undefined || server.suffrage === "nonvoter") {
      const fate = server === undefined ? "removed" : "made a nonvoter";
      return settle(change, error(`server ${id} was ${fate} meanwhile`));
    }
    if (server.suffrage !== "voter") return;
    const index = membership.currentIndex;
    change.state = { type: "committing", index, term };
    if (log.commitIndex >= index) settle(change, ok);
  }

  /**
   * Answers `change`, whose time is up, unless no true answer is known yet. To be called
   * again at every tick, while this node leads.
   */
  giveUp(change: Change): void {
    const { state } = change;
    switch (state.type) {
      case "transferring":
        return settle(
          change,
          error(`server ${state.target} has not taken over yet`),
        );
      case "committing":
        return settle(
          change,
          error("the change is not committed: a majority does not answer"),
        );
      case "promoting":
        return this.#giveUpPromotion(change);
      case "asked":
      case "sent-back":
        return settle(
          change,
          change.round === undefined
            ? error("another configuration change is in progress")
            : error("it seems to be done, but a majority does not answer"),
        );
      case "forwarded":
      case "answered":
        return;
      default:
        state satisfies never;
    }
  }

  /** A learner that did not catch up stays one, if it joined by itself, or is put back. */
  #giveUpPromotion(change: Change): void {
    const { command: { type, id }, suffrageBefore: before } = change;
    const { current } = this.#raft.membership;
    const learner = findServer(current, id);
    // Removed or promoted in this very tick: `advance()` knows the answer.
    if (learner?.suffrage !== "learner") return;
    const name = `server ${id} at ${learner.address}`;
    const isAdded = before === "none" || before === "nonvoter";
    if (learner.incarnation !== "" || type === "promote" || !isAdded) {
      const text = `${name} has not caught up yet: it is a learner, and ` +
        `becomes a voter as soon as it has`;
      return settle(change, error(text));
    }
    const index = this.#raft.changeMembership(
      before === "none"
        ? withoutServer(current, id)
        : withServer(current, { ...learner, suffrage: before }),
    );
    // Another change is under way: until it is done, the learner may still be promoted.
    if (typeof index !== "number") return;
    const fate = before === "none" ? "was not added" : "stays a nonvoter";
    const text = `${name} did not catch up in time and ${fate}: is it ` +
      `running, and was it started with --join?`;
    settle(change, error(text));
  }
}
