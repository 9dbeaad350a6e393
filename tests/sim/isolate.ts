// One isolate that serves clients in a simulated process: its link to the node, the door
// between them and the take box beside the door. A message and a box take different times,
// so that one may overtake the other, as in `raft/channel/take_box.ts`; now and then the box
// has no room. Counts the numbers that are on their way through the door. Not here: what the
// isolates of a process do together (`isolates.ts`), and the node (`process.ts`).

import assert from "node:assert/strict";
import type {
  Door,
  FromNode,
  TakeRequest,
  ToNode,
} from "../../raft/channel/messages.ts";
import { RaftLink } from "../../server/tickets/raft_link.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

type Answer = FromNode & { readonly type: "taken" | "lent" };
type Request = ToNode & { readonly type: "take" | "refill" };

/** An answer in the box that this isolate has not seen. */
type Boxed = {
  readonly message: Answer;
  /** Tickets that it lends. */
  readonly surplus: number;
  readonly slot: Slot;
};

/** What passes for one sequence. */
type Slot = {
  /** Tickets that the newest take asks for; 0 if it was answered. */
  wanted: number;
  /** How the newest request went. */
  way: "box" | "message";
  /** Tickets that the node may take along with its next answer. */
  offered: number;
  isOfferCapped: boolean;
  /** Answers in the box that were not seen, two at most. */
  unseen: number;
};

export type IsolateOptions = {
  readonly process: Process;
  /** The node asks for the numbers of a sequence that it has lent to this isolate. */
  readonly recalled: (name: string) => void;
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
  readonly #slots = new Map<string, Slot>();
  /** Requests in the box that the node has not heard. */
  readonly #asked: Request[] = [];
  /** Answers in the box that this isolate has not seen. */
  readonly #boxed: Boxed[] = [];
  #onTheWay = 0;

  constructor(world: World, options: IsolateOptions) {
    this.#world = world;
    this.#options = options;
    const { process, removed } = options;
    this.link = new RaftLink({
      postMessage: (message) => this.#toNode(message),
    }, {
      offers: {
        offer: (offer) => this.#offer(offer),
        withdraw: (name) => takeOffer(this.#slot(name)),
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

  #slot(name: string): Slot {
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      slot = {
        ...{ wanted: 0, way: "box", offered: 0, unseen: 0 },
        isOfferCapped: false,
      };
      this.#slots.set(name, slot);
    }
    return slot;
  }

  #offer(
    { name, count, isCapped }: Pick<TakeRequest, "name" | "count" | "isCapped">,
  ): boolean {
    const slot = this.#slot(name);
    if (slot.way === "message") return false;
    slot.offered += count;
    slot.isOfferCapped ||= isCapped;
    return true;
  }

  #toNode(message: ToNode): void {
    const { counts, options: { doorMicros } } = this.#world;
    const { process } = this.#options;
    if (message.type === "take" || message.type === "refill") {
      return this.#request(message);
    }
    const returned = message.type === "returned" ? message.count : 0;
    if (returned > 0) counts.recalled++;
    if (message.type === "returned" && this.#slot(message.name).wanted > 0) {
      counts.recallsCrossed++;
    }
    this.#onTheWay += returned;
    process.after(doorMicros, () => {
      // As `raft/channel/doors.ts`: a take with the rest of the loan comes first.
      if (message.type === "returned") this.#hearRequests();
      this.#onTheWay -= returned;
      this.#receive(message);
    });
  }

  #request(message: Request): void {
    const { counts, random, options: { boxMicros, doorMicros } } = this.#world;
    const { process } = this.#options;
    const slot = this.#slot(message.name);
    slot.way = slot.unseen === 0 && random(16) === 0 ? "message" : "box";
    if (message.type === "refill") counts.refills++;
    else {
      slot.wanted = message.count;
      this.#onTheWay += message.rest;
    }
    if (slot.way === "message") {
      return process.after(doorMicros, () => this.#hearRequest(message));
    }
    this.#asked.push(message);
    process.after(boxMicros, () => this.#hearRequests());
  }

  #hearRequests(): void {
    for (const message of this.#asked.splice(0)) this.#hearRequest(message);
  }

  #hearRequest(message: Request): void {
    if (message.type === "take") this.#onTheWay -= message.rest;
    this.#receive(message);
  }

  #fromNode(message: FromNode): void {
    const { counts, options: { boxMicros, doorMicros } } = this.#world;
    const { process, recalled } = this.#options;
    if (message.type === "recall") recalled(message.name);
    const isAnswer = message.type === "lent" || message.type === "taken";
    const slot = isAnswer ? this.#slot(message.name) : undefined;
    const surplus = isAnswer ? surplusOf(message, slot!.wanted) : 0;
    this.#onTheWay += surplus;
    if (surplus > 0) counts.lent++;
    if (!isAnswer || slot?.way !== "box") {
      return process.after(doorMicros, () => {
        this.#onTheWay -= surplus;
        return this.#hearMessage(message);
      });
    }
    const { name } = message;
    const along = message.type === "taken"
      ? this.#takeAlong(message.count, slot)
      : undefined;
    slot.unseen++;
    this.#boxed.push({ message, surplus, slot });
    process.after(boxMicros, () => this.#lookIntoBox());
    if (along === undefined) return;
    counts.takenAlong++;
    process.after(0, () => this.#receive({ type: "take", name, ...along }));
  }

  #hearMessage(message: FromNode): string | void {
    const { type } = message;
    // A link looks into its box first: what lies there was answered, or lent, before.
    const isLate = type === "recall" || type === "taken" ||
      type === "refused" || type === "lent";
    const seen = isLate ? this.#lookIntoBox() : undefined;
    const heard = this.#hear(message);
    return seen === undefined ? heard : `${seen}; ${heard ?? ""}`;
  }

  /** As `raft/channel/node_box.ts`: the next take, if it is taken along. */
  #takeAlong(count: number, slot: Slot): Omit<TakeRequest, "name"> | undefined {
    const mayTake = count === slot.wanted && slot.unseen === 0 &&
      slot.offered >= count;
    if (!mayTake) return undefined;
    const isCapped = slot.isOfferCapped;
    slot.wanted = takeOffer(slot);
    return { count: slot.wanted, isCapped, rest: 0 };
  }

  /** Hears the answers in the box that it has not heard before. */
  #lookIntoBox(): string | void {
    const lines: string[] = [];
    for (const { message, surplus, slot } of this.#boxed.splice(0)) {
      this.#onTheWay -= surplus;
      slot.unseen--;
      lines.push(this.#hear(message) ?? "");
    }
    if (lines.length > 0) return lines.join("; ");
  }

  /** Returns a line for the trace, if there is anything to say. */
  #hear(message: FromNode): string | void {
    const { model } = this.#world;
    const isAnswer = message.type === "taken" || message.type === "lent";
    if (isAnswer) {
      const last = model.state.last(message.name);
      assert(message.last <= last, `${message.last} is given, ${last} taken`);
    }
    const wanted = "name" in message ? this.#slot(message.name).wanted : 0;
    this.link.receive(message); // which may ask for more
    switch (message.type) {
      case "taken":
        return `gives ${message.count} of ${message.name}, ${message.last}`;
      case "lent":
        return `lends ${message.count} of ${message.name}, ${message.last}`;
      case "nothing-lent":
        return `lends nothing of ${message.name}`;
      case "refused": {
        const { reason, name } = message;
        if (reason === "leadership-lost") this.#outcomeUnknown(wanted);
        return `refuses ${wanted} of ${name}`;
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

function takeOffer(slot: Slot): number {
  const { offered } = slot;
  slot.offered = 0;
  slot.isOfferCapped = false;
  return offered;
}

/** The tickets of an answer that the take for `wanted` did not ask for. */
function surplusOf({ type, count }: Answer, wanted: number): number {
  return type === "lent" ? count : count - wanted;
}
