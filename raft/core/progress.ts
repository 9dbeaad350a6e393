// What the leader knows of one follower, and its only legal transitions.
//
//   probe      the logs' last common entry is sought: one message, then wait for the
//              answer. A snapshot is sent from here too.
//   replicate  the logs agree up to matchIndex: appends are sent without waiting, and
//              nextIndex runs ahead of the answers.
//
// Every message of a leader to a follower has a sequence number, and answers carry it
// back. That dates them: an answer to a message older than the last turn into probe
// describes a follower that is no longer so (it may even be of a former life, one whose
// log at a lower durability has lost what it had acknowledged) and moves nothing.
// Invariant: matchIndex < nextIndex.

import { assert } from "../../base/assert.ts";
import type { Index } from "./types.ts";

/** Appends under way to one follower; bounds what a silent one can pile up. */
export const appendsInFlightMax = 128;

export class Progress {
  state: "probe" | "replicate" = "probe";
  /** The last entry known to equal ours and to be durable there. */
  matchIndex: Index = 0;
  /** The next entry to send. */
  nextIndex: Index;
  /** In probe: an answer is awaited. Heartbeats go on, and their answers count. */
  paused = false;
  /** Leader ticks since it last answered, or since it is followed. */
  silentTicks = 0;
  /** It has answered this leader; a new one does not know yet who lives. */
  hasAnswered = false;
  /** The last round of confirmation that it has answered. */
  confirmedRound = 0;
  /** Heartbeats left to a removed server, to let it learn of its removal. */
  heartbeatsLeft: number | undefined;

  /** The number of the last message to it; no leader uses a number twice. */
  lastSequence: number;

  /** Where our log ended when the round began; a round lasts one election timeout. */
  #roundTarget: Index;
  #roundTicks = 0;

  /** Answers to older messages are history. */
  #answersFrom: number;
  /** Sequences of the appends under way, rising. */
  #inFlight: number[] = [];

  constructor(lastIndex: Index, lastSequence: number) {
    this.nextIndex = lastIndex + 1;
    this.lastSequence = lastSequence;
    this.#roundTarget = lastIndex;
    this.#answersFrom = lastSequence + 1;
  }

  /** It answers, whatever it says. */
  heard(): void {
    this.silentTicks = 0;
    this.hasAnswered = true;
  }

  /** False when the message answered is older than what we know. */
  isCurrent(sequence: number): boolean {
    return sequence >= this.#answersFrom && sequence <= this.lastSequence;
  }

  get hasRoom(): boolean {
    return this.state === "probe"
      ? !this.paused
      : this.#inFlight.length < appendsInFlightMax;
  }

  /** Entries up to `lastIndex` are on their way in message `sequence`. */
  sent(lastIndex: Index, sequence: number): void {
    if (this.state === "probe") {
      this.paused = true;
      return;
    }
    assert(
      lastIndex >= this.nextIndex,
      "an append sends what was not sent before",
    );
    this.nextIndex = lastIndex + 1;
    this.#inFlight.push(sequence);
  }

  /** The follower's log equals ours up to `matchIndex`, durably. */
  succeeded(matchIndex: Index, sequence: number): void {
    this.#answered(sequence);
    this.matchIndex = Math.max(this.matchIndex, matchIndex);
    this.nextIndex = Math.max(this.nextIndex, this.matchIndex + 1);
    if (this.state === "probe") {
      this.state = "replicate";
      this.nextIndex = this.matchIndex + 1;
      this.#inFlight.length = 0;
    }
  }

  /** The follower lacks the entry before those sent; the logs may agree at `hint`. */
  rejected(hint: Index, sequence: number): void {
    this.#answered(sequence);
    // A current denial of what was acknowledged before: the follower has lost entries
    // (a crash at durability medium or low). Counting them would commit on fewer disks.
    if (hint < this.matchIndex) this.matchIndex = 0;
    this.probe(hint + 1);
  }

  /** Seeks the common point from `nextIndex` downwards. */
  probe(nextIndex: Index): void {
    this.state = "probe";
    this.nextIndex = Math.max(nextIndex, this.matchIndex + 1);
    this.paused = false;
    this.#inFlight.length = 0;
    this.#answersFrom = this.lastSequence + 1;
  }

  /** Counts a tick of the current round (thesis 4.2.1: rounds of catching up). */
  tickRound(lastIndex: Index, electionTicks: number): void {
    if (++this.#roundTicks >= electionTicks) this.beginRound(lastIndex);
  }

  beginRound(lastIndex: Index): void {
    this.#roundTarget = lastIndex;
    this.#roundTicks = 0;
  }

  /**
   * A whole round fitted into an election timeout: promotion would not block commits.
   * Of the present round only: who was caught up once may have lost its log since.
   */
  get caughtUp(): boolean {
    return this.state === "replicate" && this.matchIndex >= this.#roundTarget;
  }

  #answered(sequence: number): void {
    while (this.#inFlight.length > 0 && this.#inFlight[0]! <= sequence) {
      this.#inFlight.shift();
    }
    // What was sent before is answered or lost: a later denial of it would be stale.
    this.#answersFrom = Math.max(this.#answersFrom, sequence);
  }
}
