// The clients. Each keeps one connection to some computer, asks for some tickets at once, or for
// a group of operations, waits, thinks and asks again. It looks for another computer when it is
// refused or the connection closes. Not here: one request and the checks of its answer
// (`ticket_asker.ts`, `group_request.ts`), and the computer's end of a connection (`isolates.ts`).

import type { GroupOutcome } from "../../raft/channel/operations.ts";
import { noClusterText, stoppingText } from "../../server/tickets/refusals.ts";
import type { Micros } from "./clock.ts";
import type { Computer } from "./computer.ts";
import { drawGroup, GroupRequest } from "./group_request.ts";
import { Lines } from "./sequences.ts";
import { drawTickets, TicketAsker, type TicketsAsked } from "./ticket_asker.ts";
import type { World } from "./world.ts";

export class Connection {
  readonly computer: Computer;
  readonly #client: Client;
  readonly #world: World;
  readonly #lines: Lines;
  readonly #requests = new Set<TicketAsker | GroupRequest>();
  #closed = false;
  #refused = false;
  /** Where the leader serves clients, if a refusal said so. */
  #movedTo: string | undefined;

  constructor(world: World, client: Client, computer: Computer) {
    this.#world = world;
    this.#client = client;
    this.computer = computer;
    this.#lines = new Lines(world.tickets);
    computer.attach(this);
  }

  get waits(): boolean {
    return this.#requests.size > 0;
  }

  ask(asked: TicketsAsked): void {
    const line = this.#lines.of(asked.name);
    const asker = new TicketAsker(this.#world, { ...asked, line }, {
      refused: (text, count) => this.#turnedAway(text, count),
      done: () => this.#done(asker),
    });
    this.#requests.add(asker);
    const { name, request } = asked;
    this.computer.ask((isolates) =>
      isolates.take({ connection: this, client: asker, name }, request)
    );
  }

  /** Asks for some operations at once, in one group. */
  askGroup(): void {
    const group = drawGroup(this.#world);
    const request = new GroupRequest(this.#world, group, this.#lines);
    this.#requests.add(request);
    const told = (outcome: GroupOutcome) => {
      if (this.#closed) return;
      request.told(outcome);
      if (outcome.type !== "done") this.#groupTurnedAway(outcome);
      this.#done(request);
    };
    this.computer.ask((isolates) =>
      isolates.group(group, { connection: this, told })
    );
  }

  #turnedAway(text: string, count: number): void {
    const [word, , address] = text.split(" ");
    const { counts, tickets } = this.#world;
    const isForeign = text === noClusterText;
    const isLate = word === "CLUSTERDOWN" && !isForeign;
    if (isLate) counts.timeouts++;
    if (isForeign) counts.turnedAway++;
    // Most refusals mean that no number was taken. But if the time ran out, or the node
    // ended, a leader may have taken numbers for a request that was forwarded to it.
    // `isolate.ts` counts the takes that a lost leader may have done.
    if (isLate || text === stoppingText) tickets.unanswered(count);
    if (text.includes("--max-sequences")) counts.namesRefused++;
    else if (text.startsWith("ERR no sequence")) counts.unknownNames++;
    else this.#refused = true;
    if (word === "MOVED") this.#movedTo = address;
  }

  #groupTurnedAway(outcome: GroupOutcome): void {
    if (outcome.type === "refused") {
      return void this.#world.counts.groupsRefused++;
    }
    this.#refused = true;
    if (outcome.type === "moved") this.#movedTo = outcome.to;
  }

  /** The computer is gone, or does not serve. */
  lost(): void {
    if (this.#closed) return;
    this.close();
    this.#client.turnedAway(this.#movedTo);
  }

  close(): void {
    this.#closed = true;
    for (const request of this.#requests) {
      request.abandoned();
      this.#world.tickets.unanswered(request.left);
    }
    this.#requests.clear();
    this.computer.detach(this);
  }

  #done(request: TicketAsker | GroupRequest): void {
    if (this.#closed) return;
    this.#requests.delete(request);
    if (this.waits) return;
    if (this.#refused) this.lost();
    else this.#client.answered();
  }
}

export class Client {
  readonly #world: World;
  #connection: Connection | undefined;
  #movedTo: string | undefined;
  #active = true;
  /** While it asks: the answers may come within the call. */
  #asking = false;
  /** When it asked last. */
  #asked: Micros = 0;
  #restsUntil: Micros = 0;

  constructor(world: World) {
    this.#world = world;
    this.#later(world.options.thinkMicros);
  }

  get waits(): boolean {
    return this.#connection?.waits ?? false;
  }

  /** Closes its connection if it waits for an answer. */
  abandon(): void {
    if (this.waits) this.#connection!.lost();
  }

  /** Asks nothing before then. */
  rest(until: Micros): void {
    this.#restsUntil = until;
  }

  /** Asks nothing more. */
  leave(): void {
    this.#active = false;
  }

  answered(): void {
    if (this.#asking) return; // the rest of the pipeline follows
    // A client that held requests back may ask them within the dispenser's call.
    const isHeldBack = this.#world.options.thinkMicros === 0 &&
      this.#world.random(2) === 0;
    if (isHeldBack) this.#ask();
    else this.#think();
  }

  /** Asks another computer after a while: the one at `movedTo`, if there is one. */
  turnedAway(movedTo?: string): void {
    this.#connection = undefined;
    this.#movedTo = movedTo;
    this.#later(this.#world.options.tickMicros);
  }

  get #redirected(): Computer | undefined {
    const { servers, counts } = this.#world;
    const found = servers.find(({ about }) => about.client === this.#movedTo);
    if (found !== undefined) counts.redirects++;
    return found;
  }

  /** A client that does not think still needs the time that a message takes. */
  #think(): void {
    const { thinkMicros, latencyMicros } = this.#world.options;
    this.#later(Math.max(thinkMicros, latencyMicros));
  }

  #later(mean: Micros): void {
    this.#world.clock.after(this.#world.wait(mean), () => this.#ask());
  }

  #ask(): void {
    if (!this.#active || this.waits) return;
    const { servers, random, options, clock } = this.#world;
    if (clock.now < this.#restsUntil) {
      return this.#later(this.#restsUntil - clock.now);
    }
    if (this.#connection === undefined) {
      const computer = this.#redirected ?? this.#world.pick(servers);
      this.#movedTo = undefined;
      if (computer === undefined) return this.#later(options.tickMicros);
      this.#connection = new Connection(this.#world, this, computer);
    }
    const connection = this.#connection;
    this.#asking = true;
    if (options.groups > 0 && random(options.groups) === 0) {
      connection.askGroup();
    } else {
      // Sometimes a second pipeline follows the first at once.
      const rounds = 1 + (random(4) === 0 ? 1 : 0);
      for (let i = 0; i < rounds; i++) {
        connection.ask(drawTickets(this.#world));
      }
    }
    this.#asking = false;
    if (connection !== this.#connection) return;
    if (!this.waits) this.#think();
    this.#asked = clock.now;
    this.#giveUpLater(connection, clock.now);
  }

  /** Closes the connection if the computer has said nothing for 20 election timeouts. */
  #giveUpLater(connection: Connection, asked: Micros): void {
    const { clock, options } = this.#world;
    clock.after(20 * options.electionTicks * options.tickMicros, () => {
      if (connection.waits && asked === this.#asked) connection.lost();
    });
  }
}
