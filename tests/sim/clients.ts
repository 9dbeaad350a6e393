// The clients. Each keeps one connection to some computer, asks for some tickets at once,
// waits, thinks and asks again. It looks for another computer when it is refused or the
// connection closes. The checker of tickets (`tests/torture/range_checker.ts`) hears every
// answer, in the order in which clients read them. Not here: the computer's end of a
// connection (`isolates.ts`).

import assert from "node:assert/strict";
import { noClusterText, stoppingText } from "../../server/tickets/refusals.ts";
import type { TicketClient } from "../../server/tickets/ticket_request.ts";
import type { Line } from "../torture/range_checker.ts";
import type { Micros } from "./clock.ts";
import type { Computer } from "./computer.ts";
import type { World } from "./world.ts";

/** Some tickets asked for at once. */
type Request = {
  /** The highest number that any client had received when this was asked: answers are larger. */
  readonly floor: number;
  /** Tickets that are not answered. */
  left: number;
  /** The least number that may come next, once the first has come. */
  next: number | undefined;
};

export class Connection implements TicketClient {
  readonly computer: Computer;
  readonly #client: Client;
  readonly #world: World;
  readonly #line: Line;
  readonly #requests: Request[] = [];
  #closed = false;
  #refused = false;
  /** Where the leader serves clients, if a refusal said so. */
  #movedTo: string | undefined;

  constructor(world: World, client: Client, computer: Computer) {
    this.#world = world;
    this.#client = client;
    this.computer = computer;
    this.#line = world.tickets.line();
    computer.attach(this);
  }

  get waits(): boolean {
    return this.#requests.length > 0;
  }

  ask(count: number): void {
    const floor = this.#world.tickets.asks();
    this.#requests.push({ floor, left: count, next: undefined });
    this.computer.take(this, count);
  }

  granted(last: bigint, count: number): void {
    let first = Number(last) - count + 1;
    this.#answered(count, (request, part) => {
      const { tickets } = this.#world;
      const { floor, next = first } = request;
      assert(first >= next, "what is asked at once rises");
      request.next = first + part;
      tickets.answers(this.#line, { first, last: first + part - 1, floor });
      const [violation] = tickets.violations.values();
      assert.equal(violation, undefined);
      first += part;
    });
  }

  refused(count: number, text: string): void {
    const [word, , address] = text.split(" ");
    const { counts } = this.#world;
    const isForeign = text === noClusterText;
    const isLate = word === "CLUSTERDOWN" && !isForeign;
    if (isLate) counts.timeouts++;
    if (isForeign) counts.turnedAway++;
    // Most refusals mean that no number was taken. But if the time ran out, or the node
    // ended, a leader may have taken numbers for a request that was forwarded to it.
    // `isolate.ts` counts the takes that a lost leader may have done.
    const mayBeDone = isLate || text === stoppingText;
    this.#refused = true;
    if (word === "MOVED") this.#movedTo = address;
    this.#answered(count, (_, part) => {
      if (mayBeDone) this.#world.tickets.unanswered(part);
    });
  }

  /** The computer is gone, or does not serve. */
  lost(): void {
    if (this.#closed) return;
    this.close();
    this.#client.turnedAway(this.#movedTo);
  }

  close(): void {
    this.#closed = true;
    for (const { left } of this.#requests.splice(0)) {
      this.#world.tickets.unanswered(left);
    }
    this.computer.detach(this);
  }

  #answered(
    count: number,
    give: (request: Request, part: number) => void,
  ): void {
    if (this.#closed) return;
    while (count > 0) {
      const request = this.#requests[0];
      assert(request !== undefined, "an answer that nobody waits for");
      const part = Math.min(count, request.left);
      give(request, part);
      request.left -= part;
      count -= part;
      if (request.left === 0) this.#requests.shift();
    }
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
    // Sometimes a second pipeline follows the first at once.
    const rounds = 1 + (random(4) === 0 ? 1 : 0);
    const connection = this.#connection;
    this.#asking = true;
    for (let i = 0; i < rounds; i++) {
      connection.ask(1 + random(options.pipelineMax));
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
