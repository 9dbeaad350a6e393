// Writes a log line for each change of a node since the last look, with its reason: role, term,
// leader, members. Each line has one fact to act on, with times, so that it can be read at
// night. No line on the path of a ticket. Reads the core and decides nothing. The words of
// a reason are in `reason_words.ts`; the disk's lines in `disk_log.ts`.

import { spanText } from "../../base/duration.ts";
import type { Logger } from "../../base/logger.ts";
import type { Role } from "../core/options.ts";
import type { Raft } from "../core/raft.ts";
import type { Candidacy, Loss } from "../core/reasons.ts";
import type { Configuration, Term } from "../core/types.ts";
import { type ReasonOptions, ReasonWords } from "./reason_words.ts";
import type { Standstill } from "./standstill.ts";

/** Milliseconds between two lines that say the same about elections that failed. */
const repeatMillis = 60_000;
/** Milliseconds between two of them that say different things. */
const changeMillis = 5_000;
/** Milliseconds without a leader after which clients are refused by default: a warning. */
const lastingMillis = 10_000;

/** The dependencies of one node's change log. */
export type ChangeLogOptions = ReasonOptions & {
  readonly log: Logger;
  /** Microseconds of a monotonic clock. */
  readonly micros: () => number;
  readonly standstill: Pick<Standstill, "since">;
};

/** The log lines about one node's changes. */
export class ChangeLog {
  readonly #raft: Raft;
  readonly #options: ChangeLogOptions;
  readonly #words: ReasonWords;
  // As logged last.
  #role: Role | undefined;
  #leaderId: string | undefined;
  #term = 0;
  #configuration: Configuration | undefined;
  #candidacy: Candidacy | undefined;
  /** What was said about failed elections last, and when, in milliseconds. */
  #failure = { text: "", millis: -Infinity };

  constructor(raft: Raft, options: ChangeLogOptions) {
    this.#raft = raft;
    this.#options = options;
    this.#words = new ReasonWords(raft, options);
    this.#configuration = raft.membership.current;
  }

  /** Logs what has changed. */
  report(): void {
    const { role, leaderId, currentTerm, reasons } = this.#raft;
    if (reasons.candidacy !== this.#candidacy) this.#reportCandidacy();
    if (
      role !== this.#role || leaderId !== this.#leaderId ||
      currentTerm !== this.#term
    ) this.#reportRole();
    if (this.#raft.membership.current !== this.#configuration) {
      this.#reportMembers();
    }
  }

  /**
   * The first entry of a leader of `term` is committed, and the entries before it took numbers up
   * to `last`; 0n for none. If that leader is this node, says that its own begin above: one that
   * was killed can tell nobody what it had in hand.
   */
  termBegan(term: Term, last: bigint): void {
    const { role, currentTerm } = this.#raft;
    if (role !== "leader" || term !== currentTerm || last === 0n) return;
    this.#log(
      "info",
      `gives numbers above ${last} in term ${term}: those up to there that ` +
        `no client has got are burnt`,
    );
  }

  #reportRole(): void {
    const { role, leaderId, currentTerm: term } = this.#raft;
    const lost = this.#role === "leader" && role !== "leader";
    const formerTerm = this.#term;
    this.#role = role;
    this.#leaderId = leaderId;
    this.#term = term;
    if (lost) this.#reportLoss(formerTerm);
    if (role === "leader") {
      this.#log(
        "info",
        `became leader in term ${term} ${this.#words.election}`,
      );
    } else if (leaderId !== undefined) {
      const leader = this.#words.name(leaderId);
      const { following } = this.#words;
      this.#log("info", `follows ${leader} in term ${term}, ${following}`);
    } else if (role === "candidate") {
      const { standing } = this.#words;
      this.#log(
        "info",
        `stands for election in term ${term}, because ${standing}`,
      );
    } else if (role === "preCandidate") {
      this.#log(
        "debug",
        `asks whether it could be elected after term ${term}, because ` +
          this.#words.standing,
      );
    } else this.#log("debug", `has no leader in term ${term}`);
    if (leaderId !== undefined) this.#failure.millis = -Infinity;
  }

  #reportLoss(term: number): void {
    const { loss } = this.#raft.reasons;
    if (loss === undefined) {
      return this.#log("warning", `lost leadership of term ${term}`);
    }
    const level = isWanted(loss) ? "info" : "warning";
    this.#log(
      level,
      `lost leadership of term ${term}: ${this.#words.loss(loss)}` +
        this.#recentStandstill,
    );
  }

  /** A candidacy has ended. If that was not for an election, says which voters were missing. */
  #reportCandidacy(): void {
    const { reasons, role, leaderId, currentTerm } = this.#raft;
    const { candidacy } = reasons;
    this.#candidacy = candidacy;
    const isOn = candidacy?.role === "preCandidate" && role === "candidate";
    // In a later term another node stands, and this one may have voted for it.
    const isOvertaken = role === "follower" && currentTerm !== this.#term;
    if (leaderId !== undefined || isOn || isOvertaken) return;
    const { unelected } = this.#words;
    const { text, millis: toldMillis } = this.#failure;
    const pauseMillis = text === unelected ? repeatMillis : changeMillis;
    if (unelected === "" || this.#now - toldMillis < pauseMillis) return;
    this.#failure = { text: unelected, millis: this.#now };
    const millis = reasons.silentTicks * this.#options.tickMillis;
    this.#log(
      millis < lastingMillis ? "info" : "warning",
      `was not elected, without a leader for ${spanText(millis)}: ${unelected}`,
    );
  }

  #reportMembers(): void {
    const { current, currentIndex } = this.#raft.membership;
    this.#configuration = current;
    const servers = current.servers.map((server) =>
      `${server.id} at ${server.address} (${server.suffrage})`
    );
    this.#log(
      "info",
      `members at index ${currentIndex}: ${servers.join(", ")}`,
    );
  }

  /**
   * A standstill that ended two election timeouts ago at most: after it, a leader whose followers
   * have left it learns so within one.
   */
  get #recentStandstill(): string {
    const { tickMillis, standstill, micros } = this.#options;
    const { electionTicks } = this.#raft.options;
    const millis = standstill.since(
      micros() - 2 * electionTicks * tickMillis * 1000,
    );
    if (millis === 0) return "";
    return `; this process stood still for ${spanText(millis)} before`;
  }

  get #now(): number {
    return this.#options.micros() / 1000;
  }

  get #log(): Logger {
    return this.#options.log;
  }
}

/** Nothing is wrong: people asked for it. */
function isWanted(loss: Loss): boolean {
  return loss.type === "left" ||
    (loss.type === "handed-over" && loss.cause !== "disk");
}
