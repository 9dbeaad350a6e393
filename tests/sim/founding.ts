// A process that waits for others to found a cluster with (`--bootstrap-expect`): does with
// simulated time and questions what `raft/founding.ts` does with real ones. Decisions, words
// and drafts are the production's. Not here: what goes wrong meanwhile (`founding_phase.ts`).

import assert from "node:assert/strict";
import type { Saved } from "../../raft/core/types.ts";
import { blank, founded } from "../../raft/members/bootstrap.ts";
import {
  decide,
  type Decision,
  type Self,
} from "../../raft/members/founding.ts";
import {
  type Asker,
  type Heard,
  memberPairs,
  type Pairs,
  readAnswer,
  waitingPairs,
} from "../../raft/members/founding_answer.ts";
import {
  type Draft,
  draftText,
  parseDraft,
  serversOf,
  withAccepted,
} from "../../raft/members/proposal.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Computer } from "./computer.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

export type FoundingOptions = {
  readonly process: Process;
  readonly storage: Storage;
  /** Whether the disk holds a log already. */
  readonly hasLog: boolean;
  /** Computers that found the cluster. */
  readonly expect: number;
  /** The node has a cluster; `saved` is the first content of its log. */
  readonly done: (saved: Saved) => void;
};

export class Founding {
  readonly #world: World;
  readonly #options: FoundingOptions;
  #draft: Draft | undefined;
  #isWaiting = false;
  #rounds = 0;

  constructor(world: World, options: FoundingOptions) {
    this.#world = world;
    this.#options = options;
    const text = options.storage.readDraft();
    this.#draft = text === undefined ? undefined : parseDraft(text);
    assert(text === undefined || this.#draft !== undefined, "a strange draft");
    assert(options.hasLog || !this.#draft?.hasLog, "the log is lost");
  }

  begin(): void {
    const { id: node, incarnation } = this.#computer;
    this.#keep(
      this.#draft ??
        { node, incarnation, accepted: undefined, former: [], hasLog: false },
    );
  }

  /** The log is durable, and the node is about to begin: that is noted before it votes. */
  begun(done: () => void): void {
    const draft = this.#draft;
    if (draft === undefined || draft.hasLog) return done();
    const { accepted } = draft;
    const { cluster } = this.#computer.drive.identity;
    if (accepted?.cluster === cluster) this.#world.founded(accepted);
    this.#write({ ...draft, hasLog: true }, done);
  }

  /** The answer to a node that asks; `undefined` if it must ask again. */
  tell(asker: Asker): Pairs | undefined {
    const { process } = this.#options;
    const { node } = process;
    if (node === undefined) {
      return this.#isWaiting ? waitingPairs(this.#self) : undefined;
    }
    return memberPairs({
      id: this.#computer.id,
      cluster: this.#computer.drive.identity.cluster,
      isLed: node.core.leaderId !== undefined,
      draft: this.#draft,
    }, asker);
  }

  get #computer(): Computer {
    return this.#options.process.computer;
  }

  get #self(): Self {
    const { expect } = this.#options;
    return { draft: this.#draft!, address: this.#computer.address, expect };
  }

  #keep(draft: Draft): void {
    this.#write(draft, () => {
      this.#isWaiting = true;
      this.#ask();
    });
  }

  #write(draft: Draft, done: () => void): void {
    this.#options.storage.writeDraft(draftText(draft), (error) => {
      if (error !== undefined) {
        return this.#computer.ended(this.#options.process, error);
      }
      this.#draft = draft;
      done();
    });
  }

  /** Asks all others; decides when all have answered, or time is up. */
  #ask(): void {
    const round = ++this.#rounds;
    const { process } = this.#options;
    const { computers, options } = this.#world;
    const others = [...computers.values()].filter((one) =>
      one !== this.#computer
    );
    const heard: Heard[] = [];
    const decide = () => {
      if (round === this.#rounds) this.#decide(heard);
    };
    for (const other of others) {
      this.#askOne(other, (answer) => {
        heard.push(answer);
        if (heard.length === others.length) decide();
      });
    }
    process.after(8 * options.tickMicros, decide);
  }

  #askOne(other: Computer, answered: (heard: Heard) => void): void {
    const { clock, random, options, counts } = this.#world;
    const { process } = this.#options;
    const { node, incarnation } = this.#draft!;
    const delay = () =>
      options.latencyMicros + random(2 * options.jitterMicros + 1);
    if (random(1000) < options.lost) return;
    clock.after(delay(), () =>
      other.run(() => {
        const pairs = other.tell({ node, incarnation });
        if (pairs === undefined) return;
        counts.foundingAnswers++;
        process.after(delay(), () => {
          answered(readAnswer([...pairs, ["via", "h"]].flat(), "h")!);
        });
      }));
  }

  #decide(heard: readonly Heard[]): void {
    const { random, options } = this.#world;
    this.#rounds++; // what comes from now on belongs to no round
    const answers = heard.map(({ answer }) => answer);
    const hex = () => random(2 ** 31).toString(16).padStart(8, "0");
    const decision = decide(this.#self, answers, hex() + hex() + hex() + hex());
    const computer = this.#computer;
    switch (decision.type) {
      case "wait":
      case "fault":
        return this.#options.process.after(
          random(2 * options.tickMicros + 1),
          () => this.#ask(),
        );
      case "accept": {
        const { proposal } = decision;
        computer.say(`accepts ${proposal.cluster.slice(0, 8)}`);
        return this.#keep(withAccepted(this.#draft!, proposal)!);
      }
      case "found":
      case "join":
        computer.say(`decides to ${decision.type}`);
        return this.#options.done(this.#savedOf(decision));
      default:
        decision satisfies never;
    }
  }

  #savedOf(decision: Decision & { readonly type: "found" | "join" }): Saved {
    const isJoin = decision.type === "join";
    const { cluster } = isJoin ? decision : decision.proposal;
    const { drive } = this.#computer;
    this.#world.cluster = cluster;
    drive.identity = { ...drive.identity, cluster };
    return isJoin
      ? blank(drive.identity)
      : founded(drive.identity, serversOf(decision.proposal));
  }
}
