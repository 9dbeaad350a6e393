// One run, in three phases. First faults strike, and no promise may be broken. Then a
// majority is healed and the rest stays broken for good: within so many election timeouts
// the majority must have a leader, give tickets and agree on the state; and the same once
// more, without that leader. At the end all stops, and no more numbers may be used up than
// clients asked for. Not here: the faults (`faults.ts`), and the checks after each input
// (`node_check.ts`).

import assert from "node:assert/strict";
import type { Index, Server } from "../../raft/core/types.ts";
import { checkAftermath } from "./aftermath.ts";
import { Client } from "./clients.ts";
import type { Computer } from "./computer.ts";
import type { Counts } from "./counts.ts";
import { Faults } from "./faults.ts";
import { FoundingPhase } from "./founding_phase.ts";
import { drawOptions, type Options } from "./options.ts";
import { type Canary, World } from "./world.ts";

export type Outcome = {
  readonly seed: number;
  /** Of the trace. */
  readonly hash: string;
  /** Events of the clock, traced or not. */
  readonly events: number;
  /** Simulated seconds. */
  readonly seconds: number;
  readonly counts: Counts;
  readonly elections: number;
  readonly committed: number;
  /** Tickets that clients received. */
  readonly tickets: number;
  /** Tickets that may be used up without an answer, at most. */
  readonly unknown: number;
  /** The computers that were left had no majority, and rightly committed nothing. */
  readonly stuck: boolean;
  readonly failure: Error | undefined;
};

export type RunOptions = {
  readonly print?: ((line: string) => void) | undefined;
  readonly canary?: Canary | undefined;
};

/** Events after which the first phase ends: hundreds of eager clients make very many. */
const misbehavingStepsMax = 50_000;

/**
 * Election timeouts in which a healed majority must reach each goal. A client that waits for
 * a broken computer tries another after 20.
 */
const patience = { leader: 15, ticket: 30, agreement: 20 };

/** Runs the simulation of `seed`; a failure is returned, not thrown. */
export function simulate(seed: number, options: RunOptions = {}): Outcome {
  return new Simulation(drawOptions(seed), options).run();
}

class Simulation {
  readonly #world: World;
  readonly #clients: Client[] = [];
  #stuck = false;
  #isOver = false;

  constructor(options: Options, { print, canary }: RunOptions) {
    this.#world = new World(options, { print, canary });
  }

  run(): Outcome {
    let failure: Error | undefined;
    try {
      this.#begin();
      this.#misbehave();
      this.#recover();
      this.#goHome();
      checkAftermath(this.#world);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    const { options, trace, clock, counts, checker, tickets } = this.#world;
    return {
      seed: options.seed,
      hash: trace.hash,
      events: this.#world.steps,
      seconds: clock.now / 1e6,
      counts,
      elections: checker.elections,
      committed: checker.commitIndex,
      tickets: tickets.answered,
      unknown: tickets.unknown,
      stuck: this.#stuck,
      failure,
    };
  }

  #begin(): void {
    const { options, computers } = this.#world;
    const voters = [...computers.values()].slice(0, options.voters);
    if (options.founding === "asking") {
      new FoundingPhase(this.#world, voters).run();
    } else if (options.founding === "together") {
      const servers = voters.map(({ founder }) => founder);
      for (const voter of voters) voter.start({ type: "founds", servers });
    } else {
      const [founder, ...others] = voters;
      founder!.start({ type: "founds", servers: [founder!.founder] });
      for (const other of others) {
        this.#world.clock.after(
          this.#world.wait(options.phaseMicros / 8),
          () => {
            if (!other.isRunning && other.drive.ledger.isEmpty) {
              other.start({ type: "joins" });
            }
          },
        );
      }
    }
    for (let i = 0; i < options.clients; i++) {
      this.#clients.push(new Client(this.#world));
    }
  }

  #misbehave(): void {
    const faults = new Faults(this.#world, this.#clients);
    const { options } = this.#world;
    this.#world.run(
      options.phaseMicros,
      () => this.#world.steps > misbehavingStepsMax,
    );
    faults.end();
  }

  #recover(): void {
    const { network } = this.#world;
    network.heal();
    network.calm = true;
    const sound = this.#choose();
    if (sound === undefined) return this.#staysStuck();
    this.#stuck = !this.#mustWork(sound);
    // The broken computers come back, and the leader breaks in their place.
    const others = this.#candidates.filter(({ raft }) =>
      raft?.role !== "leader"
    );
    if (this.#stuck || !this.#isMajority(others)) return;
    this.#stuck = !this.#mustWork(others);
  }

  /**
   * Heals the computers of `sound`, and breaks all others for good. Returns whether they
   * reach all goals; false if they cannot (`#must()`).
   */
  #mustWork(sound: readonly Computer[]): boolean {
    this.#world.sound = sound;
    this.#world.network.heal();
    for (const computer of this.#world.computers.values()) {
      if (sound.includes(computer)) this.#heal(computer);
      else this.#breakForGood(computer);
    }
    this.#world.say(`a majority is healed: ${sound.map(({ id }) => id)}`);
    const before = this.#world.checker.commitIndex;
    const leaderOf = () =>
      sound.find(({ raft }) =>
        raft?.role === "leader" &&
        raft.log.termAt(raft.log.commitIndex) === raft.currentTerm
      );
    const { answered } = this.#world.tickets;
    const goals = [
      {
        timeouts: patience.leader,
        fault: "no leader",
        done: () => leaderOf() !== undefined,
      },
      {
        timeouts: patience.ticket,
        fault: "no ticket",
        done: () => this.#world.tickets.answered > answered,
      },
      {
        timeouts: patience.agreement,
        fault: "a voter lags behind",
        done: () => {
          const servers = leaderOf()?.raft?.membership.current.servers;
          return servers !== undefined &&
            sound.every((one) =>
              !one.drive.isVoterIn(servers) ||
              (one.raft?.log.lastApplied ?? 0) >= before
            );
        },
      },
    ];
    return goals.every((goal) => this.#must(sound, goal));
  }

  /**
   * Returns false if the goal cannot be reached, because the members have changed and
   * `sound` is no majority any more.
   *
   * @throws if it could be reached in time, and is not
   */
  #must(
    sound: readonly Computer[],
    { timeouts, fault, done }: {
      timeouts: number;
      fault: string;
      done: () => boolean;
    },
  ): boolean {
    const { electionTicks, tickMicros, clockSkew } = this.#world.options;
    const timeout = electionTicks * tickMicros * (1 + clockSkew / 1000);
    if (this.#world.run(timeouts * timeout, done)) return true;
    // A change that was asked for before may have come through since.
    if (!this.#isMajority(sound)) return false;
    assert.fail(
      `${fault} after ${timeouts} election timeouts: ` +
        [...this.#world.computers.values()].map(stateOf).join("; "),
    );
  }

  /**
   * Adds computers in a random order until they are a majority of every configuration that
   * any of them may act on; `undefined` if even all with a readable disk are not.
   */
  #choose(): Computer[] | undefined {
    const { random } = this.#world;
    const candidates = this.#candidates;
    const chosen: Computer[] = [];
    while (candidates.length > 0) {
      chosen.push(...candidates.splice(random(candidates.length), 1));
      if (this.#isMajority(chosen)) return chosen;
    }
    return undefined;
  }

  /** Computers whose disk is readable, not empty, and not waiting for the old one's removal. */
  get #candidates(): Computer[] {
    return [...this.#world.computers.values()].filter((one) =>
      !one.drive.damaged && !one.isLost && !one.drive.ledger.isEmpty
    );
  }

  /** Whether they are a majority of every configuration that any of them may act on. */
  #isMajority(computers: readonly Computer[]): boolean {
    const { commitIndex } = this.#world.checker;
    const known = computers.flatMap((one) =>
      configurationsOf(one, commitIndex)
    );
    return known.length > 0 && known.every((servers) => {
      const voters = servers.filter(({ suffrage }) => suffrage === "voter");
      const held = voters.filter(({ id }) =>
        computers.some((one) => one.id === id && one.drive.isVoterIn(servers))
      );
      return 2 * held.length > voters.length;
    });
  }

  #heal(computer: Computer): void {
    computer.healDisk();
    if (computer.isPaused) computer.resume();
    this.#keepRunning(computer);
  }

  /** Starts it whenever it is down: it may yet end for an earlier fault, or an earlier stop. */
  #keepRunning(computer: Computer): void {
    if (!computer.isRunning && !computer.isLost) {
      computer.start();
    }
    const { clock, options } = this.#world;
    clock.after(options.tickMicros, () => {
      if (!this.#isOver && this.#world.sound.includes(computer)) {
        this.#keepRunning(computer);
      }
    });
  }

  /** It stands still, or is cut off from the others, one way or both. */
  #breakForGood(computer: Computer): void {
    const { random, network } = this.#world;
    const hears = random(2) === 0;
    const isHeard = !hears && random(2) === 0;
    if (!hears && !isHeard && random(2) === 0) {
      if (computer.durability === "low") computer.pause();
      else computer.kill();
      return;
    }
    for (const { id } of this.#world.sound) {
      if (!hears) network.cut(id, computer.id);
      if (!isHeard) network.cut(computer.id, id);
    }
  }

  /**
   * No majority is left, as far as the logs tell. If some computers commit entries all the
   * same, they have one, and the checks go on.
   */
  #staysStuck(): void {
    const { checker, options: { electionTicks, tickMicros } } = this.#world;
    const { commitIndex } = checker;
    this.#world.run(20 * electionTicks * tickMicros);
    this.#stuck = checker.commitIndex === commitIndex;
    this.#world.say(
      `${this.#stuck ? "stuck at" : "went on from"} ${commitIndex}`,
    );
  }

  /** All computers stop; then no more numbers may be used up than clients asked for. */
  #goHome(): void {
    this.#isOver = true;
    for (const client of this.#clients) client.leave();
    const { tickMicros, electionTicks } = this.#world.options;
    this.#world.run(4 * electionTicks * tickMicros);
    for (const computer of this.#world.computers.values()) computer.kill();
    const { tickets, model: { state } } = this.#world;
    assert.equal(tickets.violation, undefined);
    for (const name of tickets.names) {
      const { answered, largest } = tickets.of(name);
      const last = Number(state.last(name));
      assert(
        answered <= last && largest <= last,
        `${answered} of ${name} up to ${largest} are given, ${last} are taken`,
      );
    }
    const used = tickets.answered + tickets.unknown;
    assert(
      Number(state.sum) <= used,
      `${state.sum} are taken, ${used} were asked for`,
    );
  }
}

/** The configurations that it may act on: the newest in its log that is committed, and later. */
function configurationsOf(
  { members, drive: { ledger } }: Computer,
  commitIndex: Index,
): (readonly Server[])[] {
  const { snapshot, entries = [] } = ledger.acknowledged ?? {};
  const known = entries.filter((entry) => entry.type === "configuration");
  const settled = known.findLastIndex(({ index }) => index <= commitIndex);
  const first = settled < 0 ? snapshot?.configuration.servers : undefined;
  return [
    members,
    ...(first === undefined ? [] : [first]),
    ...known.slice(Math.max(0, settled)).map((e) => e.configuration.servers),
  ].filter((servers) => servers.length > 0);
}

/** For a failure's message. */
function stateOf({ id, raft, isPaused }: Computer): string {
  if (raft === undefined) return `${id} down`;
  const { role, currentTerm, log, membership } = raft;
  return `${id} ${isPaused ? "paused " : ""}${role} of term ${currentTerm}, ` +
    `${log.commitIndex}/${log.lastIndex}, voters [${membership.voters}]`;
}
