// All isolates of a simulated process that serve clients, as behind `--io-threads`: the
// doors to the node, the clients' connections, and the numbers that are burnt when the
// process ends. Plays what `raft/host.ts` and `server/clients/` do in service, without
// sockets. Not here: one isolate and its door (`isolate.ts`), and the node (`process.ts`).

import assert from "node:assert/strict";
import { Doors, type NodeInputs } from "../../raft/channel/doors.ts";
import type { FromNode } from "../../raft/channel/messages.ts";
import type { Group, GroupOutcome } from "../../raft/channel/operations.ts";
import { ticksPerTimeout } from "../../server/tickets/lane.ts";
import type {
  TicketClient,
  TicketRequest,
} from "../../server/tickets/ticket_request.ts";
import type { RaftLink } from "../../server/tickets/raft_link.ts";
import type { Connection } from "./clients.ts";
import { Isolate } from "./isolate.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

export class Isolates {
  readonly #world: World;
  readonly #process: Process;
  readonly #main: Isolate;
  /** The main isolate first. */
  readonly #all: readonly Isolate[];
  readonly #doors: Doors;
  readonly #connections = new Map<Connection, RaftLink>();
  /** The sequences of which the node has asked for its loan, which has not come back. */
  readonly #recalling = new Set<string>();
  #isStopping = false;

  constructor(world: World, process: Process) {
    this.#world = world;
    this.#process = process;
    const options = {
      process,
      recalled: (name: string) => this.#recalled(name),
      removed: () => this.#removed(),
    };
    const main = this.#main = new Isolate(world, options);
    const others = Array.from(
      { length: world.options.isolates - 1 },
      () => new Isolate(world, options),
    );
    this.#all = [main, ...others];
    const doors = this.#doors = new Doors(main.door, this.#inputs());
    main.open((message) => doors.receive(message));
    for (const isolate of others) isolate.open(doors.open(isolate.door));
    this.#tick();
  }

  /** The main isolate's link: the one for admin commands. */
  get main(): RaftLink {
    return this.#main.link;
  }

  get connections(): Iterable<Connection> {
    return this.#connections.keys();
  }

  get isRecalling(): boolean {
    return this.#recalling.size > 0;
  }

  /** Ends all loans; returns how many numbers are lost with this process. */
  burn(): number {
    const { burnt, size } = this.#process.node?.reserve ??
      { burnt: 0n, size: 0 };
    let lent = 0;
    for (const { onTheWay, link } of this.#all) {
      lent += onTheWay + link.dispenser.recallAll();
    }
    const { node } = this.#process;
    if (node !== undefined) {
      let known = 0;
      for (const hand of node.reserve.hands.all) known += hand.lent;
      assert(lent <= known, `${lent} lent are more than it knows`);
    }
    return Number(burnt) + size + lent;
  }

  /** Brings what the node says to the isolates that it is for. */
  post(message: FromNode): void {
    this.#doors.postMessage(message);
  }

  /** The kernel chooses an isolate for a new connection. */
  attach(connection: Connection): void {
    const all = this.#all;
    const isolate = all.length === 1 ? this.#main : this.#world.pick(all)!;
    this.#connections.set(connection, isolate.link);
  }

  detach(connection: Connection): void {
    this.#connections.delete(connection);
  }

  linkOf(connection: Connection): RaftLink {
    // The answer to the last request may have closed the connection just now.
    return this.#connections.get(connection) ?? this.main;
  }

  /** `client` asks over `connection` for tickets of sequence `name`. */
  take(
    { connection, client, name }: {
      readonly connection: Connection;
      readonly client: TicketClient;
      readonly name: string;
    },
    request: TicketRequest,
  ): void {
    this.linkOf(connection).dispenser.take(name, client, request);
  }

  /** Over `connection`, or by an operator if there is none, a group of operations is asked for. */
  group(
    group: Group,
    { connection, told }: {
      readonly connection?: Connection;
      readonly told: (outcome: GroupOutcome) => void;
    },
  ): void {
    const link = connection === undefined ? this.main : this.linkOf(connection);
    const settled = this.#process.pace.asks();
    link.groups.ask(group, (outcome) => {
      settled();
      told(outcome);
    });
  }

  /** As `main.ts`: all isolates are done with their clients before the node stops. */
  stop(): void {
    for (const { link } of this.#all) link.giveUp();
    this.main.stop();
  }

  /** Requests whose time is up are answered, for as long as the process runs. */
  #tick(): void {
    const delay = this.#world.options.timeoutMicros / ticksPerTimeout;
    this.#process.after(delay, () => {
      for (const { link } of this.#all) link.dispenser.tick();
      this.#tick();
    });
  }

  /** As `raft/host.ts`: what comes through the doors goes to the node, if there is one. */
  #inputs(): NodeInputs {
    const process = this.#process;
    return {
      start: () => assert.fail("it is started by hand"),
      take: (door, request) => process.node?.take(door, request),
      refill: (name) => process.node?.refill(name),
      returned: (rest) => {
        this.#recalling.delete(rest.name);
        process.node?.returned(rest);
      },
      operations: (door, data) => process.node?.operations(door, data),
      admin(id, command) {
        if (command.type !== "node") process.node?.admin(id, command);
      },
      stop: () => {
        this.#isStopping = true;
        if (process.node === undefined) process.computer.kill();
        else process.node.stop();
      },
    };
  }

  /** Counts why the node asks for the numbers that it has lent. */
  #recalled(name: string): void {
    const { counts } = this.#world;
    const { node, computer } = this.#process;
    this.#recalling.add(name);
    if (this.#isStopping) counts.recallsAtStop++;
    else if (node!.reserve.aheadOf(name) === 0) counts.recallsAtRest++;
    else counts.recallsAtChange++;
    this.#world.recalls(computer);
  }

  /** Stops, but not at once: the clients that wait have some time to be answered. */
  #removed(): void {
    const { counts, options: { tickMicros } } = this.#world;
    counts.ousted++;
    this.#process.computer.say("was removed, and is to stop");
    this.#process.after(4 * tickMicros, () => this.stop());
  }
}
