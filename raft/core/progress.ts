// A leader's knowledge of one follower, and how it may change. Sends nothing itself.
//
//   probe      the logs' last common entry is sought: one message, then wait for the
//              answer.
//   replicate  the logs agree up to matchIndex: appends are sent without waiting, and
//              nextIndex runs ahead of the answers.
//   snapshot   the entry at nextIndex is gone: a snapshot is sent in its place, and nothing
//              else but heartbeats (`outgoing_snapshot.ts`).
//
// Every message of a leader to a follower has a sequence number, and answers carry it
// back, so a leader knows how old an answer is. An answer to a message older than the last
// turn into probe moves nothing, because the follower has changed since. It may even be of a
// former process, whose log at a lower durability lost entries that it had acknowledged.
// Invariant: matchIndex < nextIndex.

import { assert } from "../../base/assert.ts";
import type { OutgoingSnapshot } from "./outgoing_snapshot.ts";
import type { Index } from "./types.ts";

/** Appends under way to one follower at most: a silent one must not pile up more. */
export const appendsInFlightMax = 128;

/** One follower, as its leader knows it. */
export class Progress {
  state: "probe" | "replicate" | "snapshot" = "probe";
  /** The last entry known to equal ours and to be durable there. */
  matchIndex: Index = 0;
  /** The next entry to send. */
  nextIndex: Index;
  /** In probe: an answer is awaited. Heartbeats go on, and their answers count too. */
  paused = false;
  /** Leader ticks since it last answered, or since it is followed. */
  silentTicks = 0;
  /** It has answered this leader; a new leader does not know yet who is alive. */
  hasAnswered = false;
  /** The last round of confirmation that it has answered. */
  confirmedRound = 0;
  /** Heartbeats left to a removed server, to let it learn of its removal. */
  heartbeatsLeft: number | undefined;

  /** In state `snapshot`: the one that is sent. */
  outgoing: OutgoingSnapshot | undefined;

  /** The number of the last message to it; no leader uses a number twice. */
  lastSequence: number;

  /** The leader's last entry when the present catch-up round began (thesis 4.2.1). */
  #catchUpTarget: Index;
  /** Ticks since then; a catch-up round lasts one election timeout. */
  #catchUpTicks = 0;

  /** Answers to messages below this number move nothing. */
  #answersFrom: number;
  /** Sequences of the appends under way, rising. */
  #inFlight: number[] = [];

  constructor(lastIndex: Index, lastSequence: number) {
    this.nextIndex = lastIndex + 1;
    this.lastSequence = lastSequence;
    this.#catchUpTarget = lastIndex;
    this.#answersFrom = lastSequence + 1;
  }

  /** An answer of any kind came. */
  heard(): void {
    this.silentTicks = 0;
    this.hasAnswered = true;
  }

  /** False when the message that was answered is older than what the leader knows. */
  isCurrent(sequence: number): boolean {
    return sequence >= this.#answersFrom && sequence <= this.lastSequence;
  }

  /** Another append, or chunk of a snapshot, may be sent now. */
  get hasRoom(): boolean {
    if (this.outgoing !== undefined) return this.outgoing.hasRoom;
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
    if (this.state !== "replicate") {
      this.state = "replicate";
      this.nextIndex = this.matchIndex + 1;
      this.outgoing = undefined;
      this.#inFlight.length = 0;
    }
  }

  /** The follower lacks the entry before those sent; the logs may agree at `hint`. */
  rejected(hint: Index, sequence: number): void {
    this.#answered(sequence);
    // A current refusal of what was acknowledged before: the follower has lost entries
    // (a crash at durability medium or low). Counting them would commit on fewer disks.
    if (hint < this.matchIndex) this.matchIndex = 0;
    if (this.outgoing === undefined) this.probe(hint + 1);
    else this.outgoing.overtaken(sequence);
  }

  /** Sends `outgoing` from now on, in place of entries. */
  install(outgoing: OutgoingSnapshot): void {
    this.probe(this.nextIndex);
    this.state = "snapshot";
    this.outgoing = outgoing;
  }

  /** Seeks the last common entry from `nextIndex` downwards. */
  probe(nextIndex: Index): void {
    this.state = "probe";
    this.nextIndex = Math.max(nextIndex, this.matchIndex + 1);
    this.paused = false;
    this.outgoing = undefined;
    this.#inFlight.length = 0;
    this.#answersFrom = this.lastSequence + 1;
  }

  /** A tick passed, and the leader's log ends at `lastIndex`. */
  tickCatchUp(lastIndex: Index, electionTicks: number): void {
    if (++this.#catchUpTicks >= electionTicks) this.beginCatchUp(lastIndex);
  }

  /** Begins a catch-up round (thesis 4.2.1), to the present end of the leader's log. */
  beginCatchUp(lastIndex: Index): void {
    this.#catchUpTarget = lastIndex;
    this.#catchUpTicks = 0;
  }

  /**
   * It got within an election timeout what the leader had at its beginning: as a voter it
   * would not hold up commits. Only the present catch-up round counts: a follower that was
   * caught up once may have lost its log since.
   */
  get caughtUp(): boolean {
    return this.state === "replicate" &&
      this.matchIndex >= this.#catchUpTarget;
  }

  #answered(sequence: number): void {
    for (;;) {
      const oldest = this.#inFlight[0];
      if (oldest === undefined || oldest > sequence) break;
      this.#inFlight.shift();
    }
    // Earlier messages are answered or lost: a refusal of one, coming later, is stale.
    this.#answersFrom = Math.max(this.#answersFrom, sequence);
  }
}
