// One isolate that serves clients in a simulated process: its link to the node, the door
// between them and the take box beside the door. A message and a box take different times,
// so that one may overtake the other, as in `raft/channel/take_box.ts`. Counts the numbers
// that are on their way through the door. Not here: what the isolates of a process do
// together (`isolates.ts`), and the node (`process.ts`).

import assert from "node:assert/strict";
import type { Door, FromNode, ToNode } from "../../raft/channel/messages.ts";
import { RaftLink } from "../../server/tickets/raft_link.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

/** An answer that fits into the box. */
type Boxed = {
  readonly message: FromNode & { readonly type: "taken" | "lent" };
  /** Tickets that it lends. */
  readonly surplus: number;
};

export type IsolateOptions = {
  readonly process: Process;
  /** The node asks for the numbers that it has lent to this isolate. */
  readonly recalled: () => void;
  /** The node says that the cluster has removed it. */
  readonly removed: () => void;
};

export class Isolate {
  readonly link: RaftLink;
  /** The node's end of the door. */
  readonly door: Door<FromNode> = {
    postMessage: (message) => this.#fromNode(message),
  };
  readonly #world: World;
  readonly #options: IsolateOptions;
  /** The node's reader of the door. */
  #receive: (message: ToNode) => void = () => assert.fail("no door is open");
  /** Tickets that the newest take asks for. */
  #wanted = 0;
  /** Of these, the tickets that the node has not answered. */
  #unanswered = 0;
  /** Answers in the box that this isolate has not seen, two at most. */
  readonly #boxed: Boxed[] = [];
  /** Tickets that the node may take along with its next answer. */
  #offered = 0;
  #onTheWay = 0;

  constructor(world: World, options: IsolateOptions) {
    this.#world = world;
    this.#options = options;
    const { process, removed } = options;
    this.link = new RaftLink({
      postMessage: (message) => this.#toNode(message),
    }, {
      offers: {
        offer: (count) => this.#offered += count,
        withdraw: () => this.#takeOffer(),
      },
      ready: () => {},
      removed,
      stopped: () => {},
      timeoutMillis: world.options.timeoutMicros / 1000,
      asksAgain: process.computer.forward !== "no",
      defer: (run) => process.after(0, run),
    });
  }

  /** Numbers that cross the door now, in either direction, and that no client asked for. */
  get onTheWay(): number {
    return this.#onTheWay;
  }

  /** From now on `receive` hears all that this isolate says to the node. */
  open(receive: (message: ToNode) => void): void {
    this.#receive = receive;
  }

  #toNode(message: ToNode): void {
    const { counts, options: { boxMicros, doorMicros } } = this.#world;
    if (message.type === "take") {
      this.#wanted = this.#unanswered = message.count;
    }
    if (message.type === "refill") counts.refills++;
    const isBoxed = message.type === "take" || message.type === "refill";
    const returned = message.type === "returned" ? message.count : 0;
    if (returned > 0) counts.recalled++;
    if (message.type === "returned" && this.#unanswered > 0) {
      counts.recallsCrossed++;
    }
    this.#onTheWay += returned;
    this.#options.process.after(isBoxed ? boxMicros : doorMicros, () => {
      this.#onTheWay -= returned;
      this.#receive(message);
    });
  }

  #fromNode(message: FromNode): void {
    const { counts, options: { boxMicros, doorMicros } } = this.#world;
    const { process, recalled } = this.#options;
    if (message.type === "taken" || message.type === "refused") {
      this.#unanswered -= message.count;
    }
    if (message.type === "recall") recalled();
    // As `raft/channel/take_door.ts`: an answer in parts goes by message.
    const isBoxed = message.type === "lent" ||
      message.type === "taken" && message.count >= this.#wanted;
    if (!isBoxed) {
      return process.after(doorMicros, () => {
        const { type } = message;
        // A link looks into its box first: what lies there was answered, or lent, before.
        const isLate = type === "recall" || type === "taken" ||
          type === "refused";
        const seen = isLate ? this.#lookIntoBox() : undefined;
        const heard = this.#hear(message);
        return seen === undefined ? heard : `${seen}; ${heard ?? ""}`;
      });
    }
    const surplus = surplusOf(message, this.#wanted);
    this.#onTheWay += surplus;
    if (surplus > 0) counts.lent++;
    const along = this.#takeAlong(message);
    this.#boxed.push({ message, surplus });
    process.after(boxMicros, () => this.#lookIntoBox());
    if (along === 0) return;
    counts.takenAlong++;
    this.#wanted = this.#unanswered = along;
    process.after(0, () => this.#receive({ type: "take", count: along }));
  }

  /** As `raft/channel/take_box.ts`: tickets of the next take, if it is taken along; or 0. */
  #takeAlong({ type, count }: Boxed["message"]): number {
    const mayTake = type === "taken" && count === this.#wanted &&
      this.#boxed.length === 0 && this.#offered >= count;
    return mayTake ? this.#takeOffer() : 0;
  }

  #takeOffer(): number {
    const offered = this.#offered;
    this.#offered = 0;
    return offered;
  }

  /** Hears the answers in the box that it has not heard before. */
  #lookIntoBox(): string | void {
    const lines: string[] = [];
    for (const { message, surplus } of this.#boxed.splice(0)) {
      this.#onTheWay -= surplus;
      lines.push(this.#hear(message) ?? "");
    }
    if (lines.length > 0) return lines.join("; ");
  }

  /** Returns a line for the trace, if there is anything to say. */
  #hear(message: FromNode): string | void {
    if (message.type === "taken" || message.type === "lent") {
      const { last } = this.#world.model;
      assert(message.last <= last, `${message.last} is given, ${last} taken`);
    }
    this.link.receive(message);
    switch (message.type) {
      case "taken":
        return `gives ${message.count}, ${message.last}`;
      case "lent":
        return `lends ${message.count}, ${message.last}`;
      case "nothing-lent":
        return "lends nothing";
      case "refused": {
        const { reason, count } = message;
        if (reason === "leadership-lost") this.#outcomeUnknown(count);
        return `refuses ${count}`;
      }
    }
  }

  /** The lost leader may have taken `count` tickets yet, and they are asked for again. */
  #outcomeUnknown(count: number): void {
    const { tickets, counts } = this.#world;
    tickets.unanswered(count);
    if (this.#options.process.computer.forward !== "no") {
      counts.takesAskedAgain++;
    }
  }
}

/** The tickets of an answer that the take for `wanted` did not ask for. */
function surplusOf({ type, count }: Boxed["message"], wanted: number): number {
  return type === "lent" ? count : count - wanted;
}
