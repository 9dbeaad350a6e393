// The changes that this node is asked for, by its own clients or by another node (Forward):
// each is carried until it is answered, once. While this node leads, `changes_led.ts`
// carries them. While another node leads, a client's change is forwarded to that one, and
// another node's is sent back, for that node to ask elsewhere. While no leader is known,
// a client's change waits. One that gets nowhere is answered when its time is up.
//
// When a leader is lost, the outcome of its changes is unknown. The next leader is asked
// again, which changes nothing if the change is done. Two kinds are not asked again. A
// transfer would be made twice. A change that names the configuration it builds on would be
// refused if it is done, because that configuration is gone.

import { isShortText, textBytesMax } from "../../base/bytes.ts";
import type { Raft } from "../core/raft.ts";
import type { Forward, ForwardResponse, PeerMessage } from "../core/types.ts";
import {
  type Change,
  type ChangeAnswer,
  type ChangeCommand,
  error,
  type LeaderAnswer,
  ok,
  prevIndexOf,
  settle,
} from "./change.ts";
import {
  decodeAnswer,
  decodeCommand,
  encodeAnswer,
  encodeCommand,
} from "./change_codec.ts";
import { whyLeaderless } from "./change_risk.ts";
import { ChangesLed, type ChangesLedOptions } from "./changes_led.ts";
import { concludeTransfer } from "./transfers.ts";

const notLeader = error("node is not the leader");
const lost = error("leadership lost while committing log");

/** Changes that may wait at once; more are refused. */
const changesMax = 100;

/** The dependencies of the changes that a node is asked for. */
export type ChangesAskedOptions = ChangesLedOptions & {
  /**
   * Ticks after which the leader gives a change up. A node that forwards one waits twice
   * as long, to hear the leader's answer.
   */
  readonly ticksMax: number;
  /** No Forward of this process has the same id, nor is one likely in a former process. */
  readonly nextForwardId: () => number;
  readonly send: (message: PeerMessage) => void;
};

/** The changes that one node is asked for, until each is answered. */
export class ChangesAsked {
  readonly #raft: Raft;
  readonly #options: ChangesAskedOptions;
  readonly #led: ChangesLed;
  /** In the order in which they were asked. */
  #changes: Change[] = [];

  constructor(raft: Raft, options: ChangesAskedOptions) {
    this.#raft = raft;
    this.#options = options;
    this.#led = new ChangesLed(raft, options);
  }

  /** Whether any change waits for its answer. */
  get isWaiting(): boolean {
    return this.#changes.length > 0;
  }

  /** A client of this node asks. `answer` is called once, at the latest by `stop()`. */
  ask(command: ChangeCommand, answer: (answer: ChangeAnswer) => void): void {
    this.#ask(command, (told) => answer(told.type === "lost" ? lost : told), {
      remote: false,
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
        data: encodeAnswer(answer),
      });
    const command = decodeCommand(data);
    if (command !== undefined) this.#ask(command, answer, { remote: true });
    else answer(error("the leader does not know this command"));
  }

  #ask(
    command: ChangeCommand,
    answer: Change["answer"],
    { remote }: { remote: boolean },
  ): void {
    if (this.#changes.length >= changesMax) {
      return answer(error("too many configuration changes are waiting"));
    }
    // Before it travels or is repeated in an answer: no format has room for more.
    for (const [name, value] of Object.entries(command)) {
      if (typeof value !== "string" || isShortText(value)) continue;
      return answer(error(`the ${name} has more than ${textBytesMax} bytes`));
    }
    const asksLeader = remote || this.#raft.role === "leader";
    this.#changes.push({
      command,
      answer,
      remote,
      state: { type: "asked" },
      ticksLeft: this.#options.ticksMax * (asksLeader ? 1 : 2),
      handedOver: false,
      mayBeDone: false,
      round: undefined,
      suffrageBefore: undefined,
    });
  }

  /** The node that a change was forwarded to answers. */
  forwardAnswered({ from, id, data }: ForwardResponse): void {
    const change = this.#changes.find(({ state }) =>
      state.type === "forwarded" && state.id === id && state.to === from
    );
    if (change === undefined) return;
    const answer = decodeAnswer(data);
    if (answer.type === "lost") this.#askAgain(change);
    else if (answer.type !== "error" || answer.text !== notLeader.text) {
      return settle(change, answer);
    } else change.state = { type: "asked" };
    // Not at once: this node may not have heard of the next leader yet.
    if (change.state.type === "asked") change.state = { type: "sent-back" };
  }

  tick(): void {
    for (const change of this.#changes) {
      if (--change.ticksLeft <= 0) this.#giveUp(change);
      const { state } = change;
      if (state.type === "sent-back") change.state = { type: "asked" };
      // The node that it was forwarded to lost its leadership, or leads again after a restart:
      // it may never answer.
      const { leaderId, currentTerm } = this.#raft;
      if (
        state.type === "forwarded" &&
        (state.to !== leaderId || state.term !== currentTerm)
      ) this.#askAgain(change);
    }
  }

  /** After every input: carries each change as far as it goes now. */
  pump(): void {
    if (this.#changes.length === 0) return;
    for (const change of this.#changes) {
      if (this.#raft.role !== "leader") this.#follow(change);
      else {
        if (change.state.type === "forwarded") this.#askAgain(change);
        this.#led.advance(change);
      }
    }
    this.#changes = this.#changes.filter(({ state }) =>
      state.type !== "answered"
    );
  }

  /** The node ends: every change is answered now. */
  stop(): void {
    for (const change of this.#changes.splice(0)) {
      if (change.remote) this.#sendBack(change);
      else settle(change, error("the node is stopping"));
    }
  }

  /** Carries `change` while this node does not lead. */
  #follow(change: Change): void {
    if (this.#isDone(change)) return settle(change, ok);
    const { state } = change;
    if (state.type === "transferring") {
      return concludeTransfer(this.#raft, { change, transfer: state });
    }
    if (state.type === "committing" || state.type === "promoting") {
      this.#askAgain(change);
    }
    if (change.state.type !== "asked") return;
    if (change.remote) this.#sendBack(change);
    else this.#forward(change);
  }

  #forward(change: Change): void {
    const { id: from, leaderId, currentTerm: term } = this.#raft;
    if (leaderId === undefined) return;
    const id = this.#options.nextForwardId();
    change.state = { type: "forwarded", to: leaderId, id, term };
    this.#options.send({
      type: "Forward",
      from,
      to: leaderId,
      id,
      data: encodeCommand(change.command),
    });
  }

  /** The entry that this node proposed is committed, and ended its own leadership. */
  #isDone({ state, command }: Change): boolean {
    const { log } = this.#raft;
    return state.type === "committing" &&
      (command.type === "remove-server" || command.type === "demote") &&
      log.commitIndex >= state.index && log.matches(state.index, state.term);
  }

  /** The leader that handled `change` lost its office; whether it is done is unknown. */
  #askAgain(change: Change): void {
    const { command, state } = change;
    if (command.type === "transfer") {
      if (state.type !== "forwarded") return;
      // The next leader would hand over in its turn: it is not asked; its id decides.
      const anybody = command.id === "";
      const target = anybody ? undefined : command.id;
      return concludeTransfer(this.#raft, {
        change,
        transfer: { from: state.to, term: undefined, target, anybody },
      });
    }
    change.mayBeDone = true;
    if (prevIndexOf(command) === 0n) change.state = { type: "asked" };
    else settle(change, lost);
  }

  /** The time of `change` is up. If no answer is true yet, it waits for the next tick. */
  #giveUp(change: Change): void {
    if (change.state.type === "forwarded") {
      settle(change, error("the leader did not answer in time"));
    } else if (this.#raft.role === "leader") this.#led.giveUp(change);
    else if (change.remote) this.#sendBack(change);
    else settle(change, this.#noLeader(change));
  }

  /** Sends `change` back to the node that forwarded it, and says whether it was begun. */
  #sendBack(change: Change): void {
    const { state, mayBeDone } = change;
    const began = mayBeDone || state.type === "committing" ||
      state.type === "promoting" || state.type === "transferring";
    settle(change, began ? { type: "lost" } : notLeader);
  }

  /** Says which servers are missing, and whether the change may be done. */
  #noLeader({ state, mayBeDone }: Change): ChangeAnswer {
    const untouched = !mayBeDone &&
      (state.type === "asked" || state.type === "sent-back");
    const why = this.#raft.leaderId === undefined
      ? `, and ${whyLeaderless(this.#raft)}`
      : "";
    return error(
      `${notLeader.text}${why}; ` +
        (untouched
          ? "nothing was changed"
          : "whether it was done before that is not known"),
    );
  }
}
