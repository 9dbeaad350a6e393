// A node that is started with --bootstrap-expect: keeps its draft, asks the other nodes in
// rounds, makes durable what it agrees to, and ends when it has a cluster to found or to
// join. Answers the same question of others, before that and ever after. Not here: what a
// round means (`members/founding.ts`), the words (`members/founding_answer.ts`), and the
// first content of the log (`resume_or_join.ts`).

import {
  type Address,
  completedAddress,
  formatAddress,
  parseAddress,
} from "../base/address.ts";
import { assert } from "../base/assert.ts";
import { reasonOf } from "../base/dial.ts";
import type { Logger } from "../base/logger.ts";
import { pause } from "../base/pause.ts";
import { resolve } from "../base/resolve.ts";
import { tryRequest } from "../base/resp_client.ts";
import { type Storage, StorageError } from "../storage/storage.ts";
import type { NodeOptions } from "./channel/messages.ts";
import { newClusterId, newIncarnation } from "./members/bootstrap.ts";
import { type Answer, decide, type Self } from "./members/founding.ts";
import {
  type Asker,
  type Heard,
  memberPairs,
  type Pairs,
  question,
  readAnswer,
  waitingPairs,
} from "./members/founding_answer.ts";
import {
  type Draft,
  draftText,
  parseDraft,
  type Proposal,
  withAccepted,
} from "./members/proposal.ts";
import { FoundingReport } from "./founding_report.ts";

/** Milliseconds between two rounds, at first; they double while nothing changes … */
const pauseMillisMin = 100;
/** … up to this. */
const pauseMillisMax = 1000;
/** Milliseconds for one question, and for a name to be resolved. */
const questionMillis = 1000;

/** The dependencies of a node that founds with others. */
export type FoundingOptions = {
  readonly log: Logger;
  /** Ends all asking, with its reason. */
  readonly signal: AbortSignal;
  readonly storage: Storage;
};

/** The end of the waiting. */
export type Founded =
  | { readonly type: "found"; readonly proposal: Proposal }
  | { readonly type: "join"; readonly cluster: string };

/** An address to ask, and the host by which other nodes dial what answers there. */
type Target = { readonly address: Address; readonly host: string };

/** A round: the answers, and why others gave none. */
type Round = {
  readonly heard: readonly Heard[];
  /** By address. */
  readonly silent: ReadonlyMap<string, string>;
};

/** The way of one node to a cluster that several found together. */
export class Founding {
  readonly #node: NodeOptions;
  readonly #options: FoundingOptions;
  readonly #report: FoundingReport;
  #draft: Draft | undefined;
  /** The draft is durable: others may be told. */
  #isWaiting = false;
  /** Where other nodes dial this one, as far as its peers have shown. */
  #address: string;

  constructor(node: NodeOptions, options: FoundingOptions) {
    this.#node = node;
    this.#options = options;
    this.#address = node.advertise;
    this.#report = new FoundingReport(options.log, node.expect);
  }

  /** The node was started to found a cluster with others. */
  get isWanted(): boolean {
    return this.#node.expect > 1;
  }

  /** The node's draft, once `load` has read or `result` has made it. */
  get draft(): Draft | undefined {
    return this.#draft;
  }

  /** The state of the waiting, as the end of a sentence. */
  get state(): string {
    return this.#report.state;
  }

  /**
   * Reads the draft; to be called after the storage's `load`, which has found a log or not. A
   * member can do without its draft, so one that is unsound is only warned of.
   *
   * @throws {StorageError} If there is no log, and the draft is damaged, another node's, or has
   * lost its log.
   */
  load({ hasLog }: { readonly hasLog: boolean }): void {
    try {
      this.#load(hasLog);
    } catch (error) {
      if (!hasLog || !(error instanceof StorageError)) throw error;
      const { log } = this.#options;
      log("warning", `goes on without its founding draft: ${error.message}`);
    }
  }

  #load(hasLog: boolean): void {
    const text = this.#options.storage.readDraft();
    if (text === undefined) return;
    const draft = parseDraft(text);
    const { id, directory = "Deno KV" } = this.#node;
    if (draft === undefined) {
      throw new StorageError(
        `the founding draft in ${directory} is not one that this ticketd knows; start ` +
          "the newer ticketd that wrote it",
      );
    }
    if (draft.node !== id) {
      throw new StorageError(
        `the founding draft in ${directory} belongs to node ${draft.node}, not to node ` +
          `${id}; start with --id ${draft.node}, or with another --dir`,
      );
    }
    if (draft.hasLog && !hasLog) {
      throw new StorageError(
        `the log of node ${id} is gone from ${directory}, and with it the node's votes; ` +
          "bring it back; or empty the directory, have the node removed from its cluster " +
          "(RAFT.REMOVESERVER), and start it again",
      );
    }
    this.#draft = draft;
  }

  /**
   * Returns once this node has a cluster to found, which it has agreed to durably, or a
   * cluster to join.
   *
   * @throws {Error} If the draft cannot be written; or the signal's reason.
   */
  async result(): Promise<Founded> {
    const { signal } = this.#options;
    this.#report.begin();
    // Written again after a crash: what was read may not be durable yet (PITFALLS 11).
    await this.#keep(this.#draft ?? this.#newDraft());
    this.#isWaiting = true;
    let pauseMillis = pauseMillisMin;
    for (;;) {
      signal.throwIfAborted();
      const round = await this.#round();
      signal.throwIfAborted();
      this.#learnAddress(round.heard);
      const answers = round.heard.map(({ answer }) => answer);
      const decision = decide(this.#self, answers, newClusterId());
      switch (decision.type) {
        case "found":
        case "join":
          // Until its log is durable it goes on answering as before, which stays true.
          return decision;
        case "accept":
          await this.#accept(decision.proposal);
          pauseMillis = pauseMillisMin;
          continue;
        case "wait":
        case "fault":
          if (
            this.#report.waits(decision, round.silent) ||
            (decision.type === "wait" && this.#isComplete(answers))
          ) pauseMillis = pauseMillisMin;
          await pause(pauseMillis * (0.5 + Math.random() / 2), signal);
          pauseMillis = Math.min(2 * pauseMillis, pauseMillisMax);
          break;
        default:
          decision satisfies never;
      }
    }
  }

  /**
   * To be called when this node has a log, of `cluster`, and before it votes: from then on the
   * directory is nothing without that log.
   *
   * @throws {Error} If the draft cannot be written.
   */
  async begun(cluster: string): Promise<void> {
    const draft = this.#draft;
    if (draft === undefined || draft.hasLog) return;
    await this.#keep({ ...draft, hasLog: true });
    if (this.isWanted && draft.accepted?.cluster === cluster) {
      this.#report.founded(draft.accepted);
    }
  }

  /**
   * The answer to another node. `place`: this node's cluster, once it has one.
   *
   * @returns `undefined` before its draft is durable
   */
  answer(
    asker: Asker,
    place: { readonly cluster: string; readonly isLed: boolean } | undefined,
  ): Pairs | undefined {
    if (place !== undefined) {
      const member = { ...place, id: this.#node.id, draft: this.#draft };
      return memberPairs(member, asker);
    }
    return this.#isWaiting ? waitingPairs(this.#self) : undefined;
  }

  get #self(): Self {
    assert(this.#draft !== undefined, "a node that waits has a draft");
    const { expect } = this.#node;
    return { draft: this.#draft, address: this.#address, expect };
  }

  #newDraft(): Draft {
    const { id: node } = this.#node;
    return {
      node,
      incarnation: newIncarnation(),
      accepted: undefined,
      former: [],
      hasLog: false,
    };
  }

  /** All nodes are there: an agreement is a matter of moments. */
  #isComplete(answers: readonly Answer[]): boolean {
    const ids = new Set(answers.map(({ id }) => id));
    return ids.add(this.#node.id).size === this.#node.expect;
  }

  async #accept(proposal: Proposal): Promise<void> {
    const draft = this.#draft && withAccepted(this.#draft, proposal);
    if (draft === undefined) {
      throw new Error(
        `node ${this.#node.id} has agreed to found too many clusters, none of which was ` +
          "founded: empty the directories of all nodes",
      );
    }
    await this.#keep(draft);
    this.#report.accepted(proposal);
  }

  /** Returns when `draft` is durable; from then on others are told of it. */
  async #keep(draft: Draft): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.#options.storage.writeDraft(
        draftText(draft),
        (error) => error ? reject(error) : resolve(),
      )
    );
    this.#draft = draft;
  }

  // One round.

  async #round(): Promise<Round> {
    const silent = new Map<string, string>();
    const targets = await this.#targets(silent);
    const heard = await Promise.all(targets.map(async (target) => {
      const answer = await this.#ask(target);
      if (typeof answer !== "string") return answer;
      silent.set(formatAddress(target.address), answer);
      return [];
    }));
    return { heard: heard.flat(), silent };
  }

  /** All addresses of all names in --join, each once. They may change from round to round. */
  async #targets(silent: Map<string, string>): Promise<Target[]> {
    const targets = new Map<string, Target>();
    await Promise.all(this.#node.join.map(async (text) => {
      const named = parseAddress(text);
      if (named === undefined) return;
      const { signal } = this.#options;
      try {
        const found = await resolve(named, { signal, millis: questionMillis });
        // A name that means one node outlives the addresses that it has.
        const isName = found.length === 1 && named.host !== "";
        for (const address of found) {
          const host = isName ? named.host : address.host;
          targets.set(formatAddress(address), { address, host });
        }
      } catch (error) {
        silent.set(text, reasonOf(error));
      }
    }));
    return [...targets.values()];
  }

  /** The answer, or why there is none. */
  async #ask({ address, host }: Target): Promise<Heard | string> {
    const { draft } = this.#self;
    const { signal } = this.#options;
    const result = await tryRequest(address, question(draft), {
      millis: questionMillis,
      signal,
    });
    if (result.type === "failure") return result.reason;
    const { reply } = result;
    if (reply instanceof Error) return reply.message.replace(/^ERR /, "");
    const heard = readAnswer(reply, host);
    if (heard === undefined) return "a strange answer";
    const { answer } = heard;
    const isOwn = answer.type === "waiting" &&
      answer.incarnation === draft.incarnation;
    // By this name, or from this address, the others reach this node as well.
    return isOwn ? { answer, via: host } : heard;
  }

  /** Fills a missing host into this node's address, as its peers have seen it. */
  #learnAddress(heard: readonly Heard[]): void {
    const { incarnation } = this.#self.draft;
    const own = heard.filter(({ answer }) =>
      answer.type === "waiting" && answer.incarnation === incarnation
    );
    for (const { via } of [...own, ...heard]) {
      if (parseAddress(this.#address)?.host !== "") return;
      this.#address = completedAddress(this.#node.advertise, via);
    }
  }
}
