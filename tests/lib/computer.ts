// One computer of a cluster in tests: a disk that outlives its node, the node while it is
// up, and the clients that ask here. Checks every answer, whatever a test does: nothing
// is answered twice or unasked, no ticket is given twice, and a ticket asked for after
// another was received, or after a number was passed over, is larger. `nodes.ts` has the cluster.

import assert from "node:assert/strict";
import type {
  AdminAnswer,
  FromNode,
  NodeStatus,
  Refusal,
} from "../../raft/channel/messages.ts";
import type { Range } from "../../base/range.ts";
import type { NodeId, Saved } from "../../raft/core/types.ts";
import type { About } from "../../raft/identity/hello.ts";
import type { Node, NodeCommand } from "../../raft/node.ts";
import { Disk } from "../unit/raft/disk.ts";

/** A take, and what became of it. */
export type Asked = {
  readonly count: number;
  /** Tickets not yet answered. */
  left: number;
  readonly given: bigint[];
  readonly refusals: { readonly reason: Refusal; readonly count: number }[];
  /** The highest number that had been received, or passed over, when this was asked. */
  readonly floor: bigint;
};

/** An admin command, and what was answered. */
export type Question = {
  readonly command: NodeCommand;
  /** The highest ticket that any client had received when this was asked. */
  readonly highest: bigint;
  answer: AdminAnswer | undefined;
};

/** The tickets that clients of all computers have received. */
export class Received {
  readonly numbers = new Set<bigint>();
  highest = 0n;
  /** No ticket that is asked for from now on may be this one, or below it. */
  floor = 0n;

  /** A client is told that later tickets are above `number`. */
  pass(number: bigint): void {
    if (number > this.floor) this.floor = number;
  }

  /** A client receives `number`, and had asked when `floor` was the highest. */
  add(number: bigint, floor: bigint, label: string): void {
    assert(!this.numbers.has(number), `${label} is given twice`);
    assert(number > floor, `${label} was passed by ${floor}`);
    this.numbers.add(number);
    if (number > this.highest) this.highest = number;
    this.pass(number);
  }
}

export class Computer {
  readonly id: NodeId;
  readonly disk: Disk;
  node: Node | undefined;
  /** All that its present process has posted. */
  posted: FromNode[] = [];
  status: NodeStatus | undefined;
  /** Its node says that it was removed; here it runs on until somebody stops it. */
  removed = false;
  logged: string[] = [];
  /** The nodes that its node wants to be connected to. */
  connected: readonly { readonly id: string; readonly address: string }[] = [];
  /** How its last process ended, once it has. */
  end: { readonly error: Error | undefined } | undefined;
  /** Not answered in full, in the order in which they were asked. */
  readonly takes: Asked[] = [];
  /** Not answered, by number. */
  readonly questions = new Map<number, Question>();
  /** Numbers that the node has lent to its clients' isolate, rising. */
  loan: bigint[] = [];
  /** The node recalls the loan. */
  recalled = false;
  /** More was asked for, and it is not answered. */
  refilling = false;
  readonly #received: Received;
  #lastGiven = 0n;
  #lastQuestion = 0;

  constructor(
    saved: Saved,
    { received, changed }: {
      readonly received: Received;
      /** Told what the disk holds, whenever that has changed. */
      readonly changed: (saved: Saved) => void;
    },
  ) {
    this.id = saved.identity.node;
    this.disk = new Disk(saved, changed);
    this.#received = received;
  }

  get incarnation(): string {
    return this.disk.saved.identity.incarnation;
  }

  get about(): About {
    return { client: `${this.id}.example:2`, version: "1.2.3" };
  }

  dials(id: NodeId): boolean {
    return this.connected.some((server) => server.id === id);
  }

  /** A new process begins. */
  begin(): void {
    assert(this.node === undefined, `${this.id} is up`);
    this.end = undefined;
    this.posted = [];
    this.status = undefined;
    this.removed = false;
    this.loan = [];
    this.recalled = false;
    this.refilling = false;
    this.#lastGiven = 0n;
  }

  /** The node says that it has ended. */
  ended(error: Error | undefined): void {
    assert(this.end === undefined, `${this.id} ends twice`);
    this.end = { error };
    if (error === undefined) {
      assert.equal(this.takes.length, 0, "a take is left unanswered");
      assert.equal(this.questions.size, 0, "a question is left unanswered");
    }
    this.forget({ saved: false });
  }

  /** The process is gone: its clients never hear of what they asked. */
  forget({ saved }: { readonly saved: boolean }): void {
    this.node = undefined;
    this.disk.crash({ saved });
    this.takes.length = 0;
    this.questions.clear();
    this.connected = [];
  }

  // What its clients do.

  /** Asks for `count` tickets, to be answered once; from the loan as far as it goes. */
  take(count: number): Asked {
    const { node } = this;
    assert(node, `${this.id} is down`);
    const given = this.serve(Math.min(count, this.loan.length));
    const left = count - given.length;
    const { floor } = this.#received;
    const asked: Asked = { count, left, given, refusals: [], floor };
    if (left === 0) return asked;
    this.takes.push(asked);
    node.take(left);
    return asked;
  }

  /** The loan is low: more is asked for. */
  refill(): void {
    assert(!this.refilling, "one refill is under way");
    this.refilling = true;
    this.node!.refill();
  }

  /** Gives `count` tickets of the loan. */
  serve(count: number): bigint[] {
    assert(this.loan.length >= count, `${this.id} has not been lent so much`);
    const served = this.loan.splice(0, count);
    for (const number of served) this.#give(number, this.#received.floor);
    return served;
  }

  /** Returns all that is left of a loan that is recalled. */
  giveBack(): void {
    assert(this.recalled, `nobody has recalled ${this.id}'s loan`);
    this.recalled = false;
    const { length } = this.loan;
    const last = this.loan.at(-1) ?? 0n;
    this.loan = [];
    this.node!.returned({ last, count: length });
  }

  ask(command: NodeCommand): Question {
    const { node } = this;
    assert(node, `${this.id} is down`);
    const { highest } = this.#received;
    const question: Question = { command, highest, answer: undefined };
    const number = ++this.#lastQuestion;
    this.questions.set(number, question);
    node.admin(number, command);
    return question;
  }

  // What its node says to them.

  hear(message: FromNode): void {
    assert(this.end === undefined, `${this.id} speaks after its end`);
    this.posted.push(message);
    switch (message.type) {
      case "taken":
        return this.#taken(message);
      case "lent":
        this.#refilled();
        return this.#lent(message);
      case "nothing-lent":
        return this.#refilled();
      case "refused": {
        const { count, reason } = message;
        this.#answered(count).refusals.push({ count, reason });
        return;
      }
      case "answered": {
        const question = this.questions.get(message.id);
        assert(
          question,
          `${this.id} answers ${message.id}, which is not asked`,
        );
        this.questions.delete(message.id);
        question.answer = message.answer;
        return this.#checkNumbers(question);
      }
      case "status":
        this.status = message.status;
        return;
      case "recall":
        assert(!this.recalled, `${this.id} recalls twice`);
        this.recalled = true;
        return;
      case "removed":
        assert(!this.removed, `${this.id} says twice that it was removed`);
        this.removed = true;
        return;
      default:
        assert.fail(`${this.id} says ${message.type}`);
    }
  }

  /** Both sides of what is said of numbers: tickets given before, and those to come. */
  #checkNumbers({ command, highest, answer }: Question): void {
    if (command.type === "raise" && answer?.type === "ok") {
      this.#received.pass(command.to);
    }
    if (command.type === "last" && answer?.type === "number") {
      const { number } = answer;
      assert(number >= highest, `last ${number}, and ${highest} was given`);
      this.#received.pass(number);
    }
    if (command.type === "backup" && answer?.type === "pairs") {
      const found = answer.pairs.find(([name]) => name === "ticket");
      const last = BigInt(found?.[1] ?? 0);
      assert(last >= highest, `${last} is kept, and ${highest} was given`);
    }
  }

  /** `count` tickets are answered: they are of the oldest take. */
  #answered(count: number): Asked {
    const asked = this.takes[0];
    assert(
      asked !== undefined && 0 < count && count <= asked.left,
      `${this.id} answers ${count}, ${asked?.left} are asked for`,
    );
    asked.left -= count;
    if (asked.left === 0) this.takes.shift();
    return asked;
  }

  /** Tickets beyond those asked for are lent. */
  #taken({ last, count }: Range): void {
    const wanted = Math.min(count, this.takes[0]?.left ?? 0);
    const asked = this.#answered(wanted);
    let number = last - BigInt(count);
    for (let i = 0; i < wanted; i++) {
      this.#give(++number, asked.floor);
      asked.given.push(number);
    }
    if (number < last) this.#lent({ last, count: Number(last - number) });
  }

  #lent({ last, count }: Range): void {
    assert(count > 0, `${this.id} lends nothing`);
    assert(!this.recalled, `${this.id} lends and recalls`);
    for (let left = count - 1; left >= 0; left--) {
      this.loan.push(last - BigInt(left));
    }
  }

  #refilled(): void {
    assert(this.refilling, `${this.id} answers a refill unasked`);
    this.refilling = false;
  }

  #give(number: bigint, floor: bigint): void {
    const label = `ticket ${number} of ${this.id}`;
    this.#received.add(number, floor, label);
    assert(number > this.#lastGiven, `${label} comes out of order`);
    this.#lastGiven = number;
  }
}
