// One computer of a cluster in tests: a disk that outlives its node, the node while it is
// up, and the clients that ask here. Checks every answer, whatever a test does: nothing
// is answered twice or unasked, no ticket is given twice, and a ticket asked for after
// another was received, or after a number was passed over, is larger. `nodes.ts` has the cluster.

import assert from "node:assert/strict";
import type {
  AdminAnswer,
  DoorId,
  FromNode,
  NodeStatus,
  Refusal,
} from "../../raft/channel/messages.ts";
import type { Group } from "../../raft/channel/operations.ts";
import type { Range } from "../../base/range.ts";
import { defaultSequence } from "../../base/sequence_name.ts";
import type { NodeId, Saved } from "../../raft/core/types.ts";
import type { About } from "../../raft/identity/hello.ts";
import type { Node } from "../../raft/node.ts";
import type { NodeCommand } from "../../raft/node_command.ts";
import { Disk } from "../unit/raft/disk.ts";
import { type AllReceived, GroupClients, type Grouped } from "./grouped.ts";

/** A take, and what became of it. */
export type Asked = {
  readonly name: string;
  /** The isolate that asks: each has one take of a sequence under way. */
  readonly door: DoorId;
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
  answer: AdminAnswer | undefined;
};

/** How tickets are asked for. */
export type AskOptions = {
  /** Of the sequence; the default one if left out. */
  readonly name?: string;
  readonly isCapped?: boolean;
  /** All in one range: the loan goes back with the take. */
  readonly isBlock?: boolean;
};

/** The numbers of one sequence that main may give to clients by itself. */
type Loan = {
  /** Rising. */
  numbers: bigint[];
  recalled: boolean;
  /** More was asked for, and it is not answered. */
  refilling: boolean;
};

/** The tickets of one sequence that clients of all computers have received. */
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
  /** Not answered, in the order in which they were asked. */
  readonly takes: Asked[] = [];
  /** Not answered, by number. */
  readonly questions = new Map<number, Question>();
  /** By sequence. */
  readonly #loans = new Map<string, Loan>();
  readonly #received: AllReceived;
  readonly #groups: GroupClients;
  /** By isolate and sequence. */
  readonly #lastGiven = new Map<string, bigint>();
  #lastQuestion = 0;

  constructor(
    saved: Saved,
    { received, changed }: {
      readonly received: AllReceived;
      /** Told what the disk holds, whenever that has changed. */
      readonly changed: (saved: Saved) => void;
    },
  ) {
    this.id = saved.identity.node;
    this.disk = new Disk(saved, changed);
    this.#received = received;
    this.#groups = new GroupClients(this.id, received);
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
    this.#loans.clear();
    this.#lastGiven.clear();
  }

  /** The node says that it has ended. */
  ended(error: Error | undefined): void {
    assert(this.end === undefined, `${this.id} ends twice`);
    this.end = { error };
    if (error === undefined) {
      assert.equal(this.takes.length, 0, "a take is left unanswered");
      assert.equal(this.questions.size, 0, "a question is left unanswered");
      assert.equal(this.#groups.waiting, 0, "a group is left unanswered");
    }
    this.forget({ saved: false });
  }

  /** The process is gone: its clients never hear of what they asked. */
  forget({ saved }: { readonly saved: boolean }): void {
    this.node = undefined;
    this.disk.crash({ saved });
    this.takes.length = 0;
    this.questions.clear();
    this.#groups.forget();
    this.connected = [];
  }

  // What its clients do.

  /** What its node has lent of a sequence. */
  loanOf(name = defaultSequence): Loan {
    const known = this.#loans.get(name);
    if (known !== undefined) return known;
    const fresh: Loan = { numbers: [], recalled: false, refilling: false };
    this.#loans.set(name, fresh);
    return fresh;
  }

  /** Numbers of `ticket` that the node has lent to its clients' isolate, rising. */
  get loan(): readonly bigint[] {
    return this.loanOf().numbers;
  }

  /** The node recalls them. */
  get recalled(): boolean {
    return this.loanOf().recalled;
  }

  /** More of them was asked for, and it is not answered. */
  get refilling(): boolean {
    return this.loanOf().refilling;
  }

  /** Asks for `count` tickets, to be answered once; from the loan as far as it goes. */
  take(
    count: number,
    { name = defaultSequence, isCapped = false, isBlock = false }: AskOptions =
      {},
  ): Asked {
    const { node } = this;
    assert(node, `${this.id} is down`);
    const loan = this.loanOf(name);
    const isLent = !isBlock || loan.numbers.length >= count;
    const given = isLent
      ? this.serve(Math.min(count, loan.numbers.length), name)
      : [];
    const left = count - given.length;
    const { floor } = this.#received.of(name);
    // The first isolate that asks for nothing of this sequence.
    const isBusy = (door: DoorId) =>
      this.takes.some((one) => one.door === door && one.name === name);
    let door = 0;
    while (isBusy(door)) door++;
    const asked: Asked = {
      ...{ name, door, count, left, given, refusals: [], floor },
    };
    if (left === 0) return asked;
    this.takes.push(asked);
    const rest = isLent ? 0 : loan.numbers.splice(0).length;
    node.take(door, { name, count: left, isCapped, rest });
    return asked;
  }

  /** The loan is low: more is asked for. */
  refill(name = defaultSequence): void {
    const loan = this.loanOf(name);
    assert(!loan.refilling, "one refill is under way");
    loan.refilling = true;
    this.node!.refill(name);
  }

  /** Gives `count` tickets of the loan. */
  serve(count: number, name = defaultSequence): bigint[] {
    const { numbers } = this.loanOf(name);
    assert(numbers.length >= count, `${this.id} has not been lent so much`);
    const served = numbers.splice(0, count);
    const { floor } = this.#received.of(name);
    for (const number of served) this.#give(number, { name, floor, door: 0 });
    return served;
  }

  /** Returns all that is left of a loan that is recalled. */
  giveBack(name = defaultSequence): void {
    const loan = this.loanOf(name);
    assert(loan.recalled, `nobody has recalled ${this.id}'s loan`);
    loan.recalled = false;
    const last = loan.numbers.at(-1) ?? 0n;
    const count = loan.numbers.splice(0).length;
    this.node!.returned({ name, last, count });
  }

  ask(command: NodeCommand): Question {
    const { node } = this;
    assert(node, `${this.id} is down`);
    const question: Question = { command, answer: undefined };
    const number = ++this.#lastQuestion;
    this.questions.set(number, question);
    node.admin(number, command);
    return question;
  }

  /** Asks for groups of operations, in one message. */
  group(groups: readonly Group[]): Grouped {
    assert(this.node, `${this.id} is down`);
    return this.#groups.ask(this.node, groups);
  }

  // What its node says to them.

  hear(message: FromNode): void {
    assert(this.end === undefined, `${this.id} speaks after its end`);
    this.posted.push(message);
    switch (message.type) {
      case "taken":
        return this.#taken(message);
      case "lent":
        this.#refilled(message.name);
        return this.#lent(message.name, message);
      case "nothing-lent":
        return this.#refilled(message.name);
      case "refused": {
        const { reason } = message;
        const asked = this.#answered(message);
        asked.refusals.push({ count: asked.left, reason });
        asked.left = 0;
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
        return;
      }
      case "results":
        return this.#groups.hear(message.door, message.data);
      case "status":
        this.status = message.status;
        return;
      case "recall": {
        const loan = this.loanOf(message.name);
        assert(!loan.recalled, `${this.id} recalls twice`);
        loan.recalled = true;
        return;
      }
      case "removed":
        assert(!this.removed, `${this.id} says twice that it was removed`);
        this.removed = true;
        return;
      default:
        assert.fail(`${this.id} says ${message.type}`);
    }
  }

  /** The take that is answered, once. */
  #answered({ door, name }: Pick<Asked, "door" | "name">): Asked {
    const at = this.takes.findIndex((one) =>
      one.door === door && one.name === name
    );
    const [asked] = this.takes.splice(at, at < 0 ? 0 : 1);
    assert(asked, `${this.id} answers isolate ${door}, which did not ask`);
    return asked;
  }

  /** Tickets beyond those asked for are lent. */
  #taken(
    { door, name, last, count }: Range & Pick<Asked, "door" | "name">,
  ): void {
    const asked = this.#answered({ door, name });
    const { left, floor } = asked;
    assert(count >= left, `${this.id} gives ${count} of ${left}`);
    let number = last - BigInt(count);
    for (let i = 0; i < left; i++) {
      this.#give(++number, { name, floor, door });
      asked.given.push(number);
    }
    asked.left = 0;
    if (number < last) this.#lent(name, { last, count: Number(last - number) });
  }

  #lent(name: string, { last, count }: Range): void {
    const loan = this.loanOf(name);
    assert(count > 0, `${this.id} lends nothing`);
    assert(!loan.recalled, `${this.id} lends and recalls`);
    for (let left = count - 1; left >= 0; left--) {
      loan.numbers.push(last - BigInt(left));
    }
  }

  #refilled(name: string): void {
    const loan = this.loanOf(name);
    assert(loan.refilling, `${this.id} answers a refill unasked`);
    loan.refilling = false;
  }

  #give(
    number: bigint,
    { name, floor, door }: Pick<Asked, "name" | "floor" | "door">,
  ): void {
    const label = `${number} of ${name} on ${this.id}`;
    this.#received.of(name).add(number, floor, label);
    const lane = `${door} ${name}`;
    const before = this.#lastGiven.get(lane) ?? 0n;
    assert(number > before, `${label} comes out of order`);
    this.#lastGiven.set(lane, number);
  }
}
