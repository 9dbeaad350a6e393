// The commands about numbers that this node is asked, by its own clients or by another node
// (Forward): each is carried until it is answered, once. While this node leads,
// `numbers_led.ts` answers them. While another node leads, a client's command is forwarded to
// that one, and another node's is sent back, for that node to ask elsewhere.
//
// To ask twice does no harm: a raise never lowers, and the others change nothing. So a command
// is simply asked again when its leader is lost or does not answer, until its time is up. It is
// forwarded whatever `--forward` says, as all commands of operators are.

import type { NumberCommand } from "../channel/messages.ts";
import type { Raft } from "../core/raft.ts";
import type {
  Forward,
  ForwardResponse,
  NodeId,
  PeerMessage,
  Term,
} from "../core/types.ts";
import {
  decodeNumberAnswer,
  decodeNumberCommand,
  encodeNumberAnswer,
  encodeNumberCommand,
  type ForwardedAnswer,
  type NumberAnswer,
} from "./number_codec.ts";
import {
  type NumberQuestion,
  NumbersLed,
  type NumbersLedOptions,
} from "./numbers_led.ts";
import type { RaiseLog } from "./raise_log.ts";

/** Commands that may wait at once; more are refused. */
const questionsMax = 200;

const notLeader = { type: "not-leader" } as const;

/** The dependencies of the commands that a node is asked. */
export type NumbersAskedOptions = Omit<NumbersLedOptions, "raised"> & {
  readonly raiseLog: RaiseLog;
  /** Ticks after which a command that got nowhere is answered with an error. */
  readonly ticksMax: number;
  /** No Forward of this process has the same id. */
  readonly nextForwardId: () => number;
  readonly send: (message: PeerMessage) => void;
  /** Whether this node belongs to no cluster. */
  readonly isOut: () => boolean;
};

type Forwarded = {
  readonly to: NodeId;
  /** In which `to` leads, as far as this node knows. */
  readonly term: Term;
  /** Of the Forward, for its answer. */
  readonly id: number;
  /** Ticks since it was sent. */
  ticks: number;
};

/** A command that waits for its answer. */
type Asked = NumberQuestion & {
  /** To be called once. */
  readonly answer: (answer: ForwardedAnswer) => void;
  /** The Forward that brought it; `undefined` if an own client asks. */
  readonly from: Pick<Forward, "from" | "id"> | undefined;
  /** `later`: the node that was asked does not lead; another is asked after the next tick. */
  state: "waiting" | "later" | "answered" | Forwarded;
  /** A leader has had it: a raise may be done, whatever happens here. */
  isTried: boolean;
  /** Ticks until it is given up. */
  ticksLeft: number;
};

/** The commands about numbers that one node is asked, until each is answered. */
export class NumbersAsked {
  readonly #raft: Raft;
  readonly #options: NumbersAskedOptions;
  readonly #led: NumbersLed;
  /** In the order in which they were asked. */
  #questions: Asked[] = [];

  constructor(raft: Raft, options: NumbersAskedOptions) {
    this.#raft = raft;
    this.#options = options;
    const { raiseLog } = options;
    const raised = (to: bigint) => raiseLog.raised(to);
    this.#led = new NumbersLed(raft, { ...options, raised });
  }

  /** Whether any command waits for its answer. */
  get isWaiting(): boolean {
    return this.#questions.length > 0;
  }

  /** A client of this node asks. `answer` is called once, at the latest by `stop()`. */
  ask(command: NumberCommand, answer: (answer: NumberAnswer) => void): void {
    this.#ask(command, {
      from: undefined,
      answer: (told) => {
        if (told.type !== "not-leader") answer(told);
      },
    });
  }

  /** Another node asks on behalf of its client. Returns false if it asks something else. */
  forwarded({ from, to, id, data }: Forward): boolean {
    const command = decodeNumberCommand(data);
    if (command === undefined) return false;
    const isKnown = this.#questions.some((asked) =>
      asked.from?.from === from && asked.from.id === id
    );
    if (isKnown) return true; // it was sent again, and waits here
    this.#ask(command, {
      from: { from, id },
      answer: (answer) =>
        this.#options.send({
          type: "ForwardResponse",
          from: to,
          to: from,
          id,
          data: encodeNumberAnswer(answer),
        }),
    });
    return true;
  }

  /** The node that a command was forwarded to answers; other answers are ignored. */
  forwardAnswered({ from, id, data }: ForwardResponse): void {
    const asked = this.#questions.find(({ state }) =>
      typeof state === "object" && state.id === id && state.to === from
    );
    if (asked === undefined) return;
    const answer = decodeNumberAnswer(data);
    // Not at once: this node may not have heard of the next leader yet.
    if (answer.type === "not-leader") asked.state = "later";
    else settle(asked, answer);
  }

  /** Gives up what has waited too long, and asks again what was not answered. */
  tick(): void {
    this.#options.raiseLog.tick();
    for (const asked of this.#questions) {
      if (--asked.ticksLeft <= 0) this.#giveUp(asked);
      const { state } = asked;
      if (state === "later") asked.state = "waiting";
      if (typeof state !== "object") continue;
      const { leaderId, currentTerm, options } = this.#raft;
      if (state.to !== leaderId || state.term !== currentTerm) {
        asked.state = "waiting"; // its leader is lost
      } else if (++state.ticks >= options.electionTicks) {
        state.ticks = 0; // the command was lost, or its answer was
        this.#send(asked.command, state);
      }
    }
  }

  /** After every input: carries each command as far as it goes now. */
  pump(): void {
    if (this.#questions.length === 0) return;
    const isLeader = this.#raft.role === "leader";
    for (const asked of this.#questions) {
      if (asked.state === "answered") continue;
      if (isLeader) this.#advance(asked);
      else if (asked.from !== undefined) settle(asked, notLeader);
      else if (this.#options.isOut()) settle(asked, error(outside(asked)));
      else if (asked.state === "waiting") this.#forward(asked);
    }
    this.#questions = this.#questions.filter(({ state }) =>
      state !== "answered"
    );
  }

  /** The node ends: every command is answered now. */
  stop(): void {
    for (const asked of this.#questions.splice(0)) {
      const stopping = error(`the node is stopping${unknown(asked)}`);
      settle(asked, asked.from === undefined ? stopping : notLeader);
    }
  }

  #ask(
    command: NumberCommand,
    { from, answer }: Pick<Asked, "from" | "answer">,
  ): void {
    if (this.#questions.length >= questionsMax) return answer(tooMany);
    this.#questions.push({
      command,
      answer,
      from,
      round: undefined,
      isProposed: false,
      state: "waiting",
      isTried: false,
      ticksLeft: this.#options.ticksMax,
    });
  }

  #advance(asked: Asked): void {
    asked.state = "waiting"; // the node that it was forwarded to leads no more
    asked.isTried = true;
    const answer = this.#led.advance(asked);
    if (answer !== undefined) settle(asked, answer);
  }

  #forward(asked: Asked): void {
    const { id, leaderId: to, currentTerm: term } = this.#raft;
    if (to === undefined || to === id) return;
    const state = { to, term, id: this.#options.nextForwardId(), ticks: 0 };
    asked.state = state;
    asked.isTried = true;
    this.#send(asked.command, state);
  }

  #send(command: NumberCommand, { to, id }: Forwarded): void {
    const { id: from } = this.#raft;
    const data = encodeNumberCommand(command);
    this.#options.send({ type: "Forward", from, to, id, data });
  }

  /** The time of `asked` is up. */
  #giveUp(asked: Asked): void {
    const { role, leaderId } = this.#raft;
    const why = role === "leader"
      ? "a majority does not answer, or its disks hang"
      : leaderId === undefined
      ? "there is no leader"
      : "the leader did not answer in time";
    settle(asked, error(why + (asked.command.type === "raise" ? doubt : "")));
  }
}

function error(text: string): NumberAnswer {
  return { type: "error", text };
}

const tooMany = error("too many commands about numbers are waiting");

const doubt =
  "; whether it was done is not known, and to ask again does no harm";

/** The end of an error's text. A raise that a leader has had may be done (PITFALLS 31). */
function unknown({ command, isTried }: Asked): string {
  return command.type === "raise" && isTried ? doubt : "";
}

/** The error of a node that no leader will answer any more. */
function outside(asked: Asked): string {
  const rest = unknown(asked);
  return "this node belongs to no cluster: " +
    (rest === "" ? "nothing was done, ask another" : `ask another${rest}`);
}

/** Answers `asked`, once. */
function settle(asked: Asked, answer: ForwardedAnswer): void {
  if (asked.state === "answered") return;
  asked.state = "answered";
  asked.answer(answer);
}
