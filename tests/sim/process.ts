// One process of a simulated computer: all that a process of ticketd runs except for its
// sockets. It gives a node its disk, network, clock and chance, lets its time pass, and asks
// the other computers to let it join. Does with simulated time what `raft/host.ts` and
// `raft/joining.ts` do with real sockets. Not here: the isolates that serve clients
// (`isolates.ts`), the checks of the node (`node_check.ts`), and what outlives a process
// (`computer.ts`).

import type { AdminAnswer, FromNode } from "../../raft/channel/messages.ts";
import type {
  Forward,
  NodeId,
  PeerMessage,
  Saved,
  Server,
} from "../../raft/core/types.ts";
import type { Environment } from "../../raft/environment.ts";
import { isMember } from "../../raft/members/bootstrap.ts";
import type { Founding } from "./founding.ts";
import { Node } from "../../raft/node.ts";
import { decodeForwarded } from "../../raft/tickets/group_forward.ts";
import type { NodeSettings } from "../../raft/node_settings.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Micros } from "./clock.ts";
import type { Computer } from "./computer.ts";
import { takenBy } from "./group_request.ts";
import { Isolates } from "./isolates.ts";
import { findsDirectly, reportMoves } from "./moves.ts";
import { NodeCheck } from "./node_check.ts";
import { Pace } from "./pace.ts";
import { mayDie } from "./victims.ts";
import type { World } from "./world.ts";

/** The id of every simulated cluster that is not founded by several nodes together. */
export const cluster = "c".repeat(32);

/** How a process begins if its disk is empty. */
export type Origin =
  | { readonly type: "founds"; readonly servers: readonly Server[] }
  /** It founds the cluster together with others (`--bootstrap-expect`). */
  | { readonly type: "expects"; readonly count: number }
  | { readonly type: "joins" };

/** Returns a line for the trace, if there is anything to say. */
export type Act = () => string | void;

export class Process {
  readonly computer: Computer;
  readonly isolates: Isolates;
  /** Fails if what the node must do soon takes long. */
  readonly pace: Pace;
  /** `undefined` until its disk is read or created. */
  node: Node | undefined;
  /** How it founds a cluster together with others, if it does. */
  founding: Founding | undefined;
  /** The disk has a fault, so that the process may end because of it. */
  mayFail: boolean;
  /** The process has ended, or was killed: nothing happens in it any more. */
  isGone = false;
  readonly #world: World;
  /** It was started with --join, and asks to be let in while it is no member. */
  readonly #joins: boolean;
  #isJoining = false;
  /** Ids of the Forwards of groups that it has sent. */
  readonly #forwarded = new Set<number>();
  #hasRejoined = false;
  #check: NodeCheck | undefined;
  /** The last number that the node gave; for a canary. */
  #lastGiven = 0n;

  constructor(
    world: World,
    { computer, origin }: {
      readonly computer: Computer;
      readonly origin: Origin;
    },
  ) {
    this.#world = world;
    this.computer = computer;
    this.isolates = new Isolates(world, this);
    this.mayFail = computer.drive.full || computer.drive.failSync;
    // People start a removed node again, to have it back or because they do not know.
    this.#joins = origin.type !== "founds" || world.random(2) === 0;
    this.pace = new Pace(world.options);
  }

  /** Does `act` in this process after `delay`, unless the process is gone by then. */
  after(delay: Micros, act: Act): void {
    this.#world.clock.after(delay, () => {
      if (this.isGone) return;
      this.computer.run(() => this.isGone ? undefined : act());
    });
  }

  /** The node begins; `saved` is what `storage` holds. */
  begin(storage: Storage, saved: Saved): void {
    const { checker } = this.#world;
    const began = checker.commitIndex;
    const node = this.node = new Node(
      this.#environment(storage),
      saved,
      this.#settings,
    );
    checker.started(this.computer);
    this.#check = new NodeCheck(node, {
      world: this.#world,
      computer: this.computer,
      began,
    });
    this.#isJoining = !isMember(saved);
    if (this.#isJoining) this.#join();
    this.#tick();
  }

  /** To be called after each input: the node may have changed. */
  check(): void {
    this.#check?.changed();
  }

  #environment(storage: Storage): Environment {
    const { computer } = this;
    const { clock, network } = this.#world;
    return {
      storage,
      peers: {
        send: (messages) => {
          if (messages.length > 0) this.#mayStillSpeak();
          for (const message of messages) this.#send(message);
        },
        connect: (servers) =>
          computer.connected = new Map(
            servers.map(({ id, address }) => [id, address]),
          ),
        reaches: (id: NodeId) => network.reaches(computer, id),
        reachesDirectly: (id: NodeId) =>
          findsDirectly(this.#world, { from: computer, id }),
      },
      post: (message) => this.#post(message),
      log: () => {},
      now: () => Math.round(clock.now / 1000),
      micros: () => clock.now,
      about: computer.about,
      joins: this.#joins,
      ended: (error) => computer.ended(this, error),
    };
  }

  get #settings(): NodeSettings {
    const { options, random } = this.#world;
    const { tickMicros, forward } = this.computer;
    return {
      tickMillis: tickMicros / 1000,
      heartbeatTicks: 2,
      electionTicks: options.electionTicks,
      flushTicks: 4,
      changeTicks: options.changeTicks,
      snapshotTicks: Math.round(options.changeTicks / 10),
      forward,
      lends: options.isolates === 1,
      takesMin: options.takesMin,
      aheadMax: options.aheadMax,
      sequencesMax: options.sequencesMax,
      restTicksMax: 1,
      chunkBytes: options.chunkBytes,
      random,
    };
  }

  #tick(): void {
    const { computer } = this;
    this.after(computer.tickMicros, () => {
      this.node?.tick();
      reportMoves(this.#world, computer);
      this.#rejoin();
      if (computer.raft !== undefined) {
        this.pace.tick(computer.raft, computer.drive.ledger.underWay);
      }
      this.#tick();
    });
  }

  // What the node says.

  #send(message: PeerMessage): void {
    const { checker, counts, network } = this.#world;
    const { computer } = this;
    // The checker knows the protocol alone; a message with an id is none of it.
    if (!("id" in message)) checker.sent(computer, message);
    if (message.type === "Take") counts.takesForwarded++;
    if (message.type === "Forward") this.#countForwarded(message);
    if (message.type === "Confirm") counts.confirmations++;
    if (message.type === "TimeoutNow") {
      counts.transfers++;
      if (computer.raft?.isStalled) counts.handOvers++;
    }
    network.send(computer, message);
  }

  /** A leader may carry forwarded groups out, and its answer be lost. */
  #countForwarded({ id, data }: Forward): void {
    const { groups } = decodeForwarded(data) ?? {};
    if (groups === undefined || this.#forwarded.has(id)) return; // it is sent again
    this.#forwarded.add(id);
    this.#world.counts.groupsForwarded++;
    for (const group of groups) {
      this.#world.tickets.unanswered(takenBy(group));
    }
  }

  #post(message: FromNode): void {
    this.#mayStillSpeak();
    if (message.type === "removed") this.#check!.mayBeRemoved();
    this.isolates.post(
      message.type === "taken" ? this.#perhapsTwice(message) : message,
    );
  }

  /** The canary "twice" gives the same numbers again, now and then. */
  #perhapsTwice(
    message: FromNode & { readonly type: "taken" },
  ): FromNode {
    const { canary, random } = this.#world;
    const before = this.#lastGiven;
    const isRepeated = canary === "twice" && before >= BigInt(message.count) &&
      random(20) === 0;
    this.#lastGiven = isRepeated ? before : message.last;
    return { ...message, last: this.#lastGiven };
  }

  #mayStillSpeak(): void {
    if (!this.isGone) return;
    this.#world.fail(new Error(`${this.computer.id} speaks after its end`));
  }

  // Joining.

  /**
   * A node that was removed while it was away asks to be let in again, as in
   * `raft/joining.ts`; once, because the 10 s until it may ask again outlast most runs.
   */
  #rejoin(): void {
    if (!this.#joins || this.#isJoining || this.#hasRejoined) return;
    if (!this.node?.removal.mustAskToJoin) return;
    this.#hasRejoined = this.#isJoining = true;
    this.#world.counts.rejoins++;
    this.computer.say("is outside, and asks to join again");
    this.#join();
  }

  /** Asks one member after the other until it is let in, as `raft/members/join.ts` does. */
  #join(): void {
    const { up, options } = this.#world;
    const { computer } = this;
    const asked = this.#world.pick(up.filter((other) => other !== computer));
    const { id, address, incarnation, nonvoter } = computer;
    const { cluster } = computer.drive.identity;
    asked?.admin(
      { type: "join", id, address, incarnation, cluster, nonvoter },
      (answer) => this.#joinAnswered(answer),
    );
    this.after(8 * options.tickMicros, () => {
      if (this.#isJoining) this.#join();
    });
  }

  #joinAnswered(answer: AdminAnswer): void {
    const { computer } = this;
    if (this.isGone) return;
    if (answer.type === "ok") this.#isJoining = computer.isLost = false;
    else if (answer.type === "error" && answer.text.startsWith("cannot")) {
      computer.say(answer.text);
      this.#world.counts.impostors++;
      this.#isJoining = false;
      this.#killInTime();
    }
  }

  /** In service it ends in order: at durability low with all on disk (seed 77160088). */
  #killInTime(): void {
    const { computer } = this;
    if (mayDie(computer)) return computer.kill();
    this.after(this.#world.options.tickMicros, () => this.#killInTime());
  }
}
