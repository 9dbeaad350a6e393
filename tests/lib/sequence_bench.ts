// The commands about sequences over a model of them, without a node: what is asked is answered
// from a Map when the turn ends, or when a test says so. For tests of what commands ask and
// reply. Not here: how takes and groups are gathered (`server/tickets/`).

import type {
  AdminAnswer,
  AdminCommand,
  NodeStatus,
} from "../../raft/channel/messages.ts";
import type { Group, GroupOutcome } from "../../raft/channel/operations.ts";
import { AdminLimit } from "../../server/commands/admin_limit.ts";
import { KeySearches } from "../../server/commands/key_searches.ts";
import { ClientCount } from "../../server/client_count.ts";
import type {
  ClientInfo,
  Service,
  Session,
} from "../../server/commands/command.ts";
import { runCommand } from "../../server/commands/commands.ts";
import type {
  TicketClient,
  TicketRequest,
} from "../../server/tickets/ticket_request.ts";
import { refusalText } from "../../server/tickets/refusals.ts";
import { Replies } from "../../server/resp/replies.ts";
import { RespParser } from "../../server/resp/resp_parser.ts";
import { SequenceModel } from "./sequence_model.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A take as it was asked. */
export type SeenTake = { readonly name: string } & TicketRequest;

/** Clients of one isolate, over a model. */
export class SequenceBench {
  readonly model: SequenceModel;
  /** All takes and groups that were ever asked for. */
  readonly takes: SeenTake[] = [];
  readonly groups: Group[] = [];
  readonly admins: AdminCommand[] = [];
  /** The outcome of all groups, instead of what the model says. */
  outcome: GroupOutcome | undefined;
  /** Whether takes and groups find room. */
  /** Numbers are lent: a take for which nothing waits is answered at once. */
  lends = false;
  hasRoom = true;
  status: NodeStatus = {
    state: "Follower",
    term: 0,
    leaderAddress: "",
    memberHosts: [],
    lastTicket: 0n,
    sequences: 0,
  };
  readonly service: Service;
  readonly client: SequenceClient;
  /** Answers that are due, the oldest first; those of one lane come in this order. */
  readonly #due: { readonly lane: string; readonly run: () => void }[] = [];
  readonly #clientCount = new ClientCount();
  readonly #clients: SequenceClient[] = [];

  constructor({ sequencesMax = 1000 } = {}) {
    this.model = new SequenceModel({ sequencesMax });
    const status = () => this.status;
    this.service = {
      link: {
        get status() {
          return status();
        },
        admin: (command, callback) => this.#admin(command, callback),
        dispenser: {
          hasRoom: () => this.hasRoom,
          take: (name, client, request) => this.#take(name, client, request),
          takeLent: (name, request) => this.#takeLent(name, request),
        },
        groups: {
          hasRoom: () => this.hasRoom,
          ask: (group, client) => this.#ask(group, client),
        },
      },
      version: "1.2.3",
      sessions: new Set(),
      clientCount: this.#clientCount,
      admins: new AdminLimit(this.#clientCount),
      searches: new KeySearches(),
    };
    this.client = this.connect();
  }

  connect(): SequenceClient {
    const client = new SequenceClient(this);
    this.#clients.push(client);
    return client;
  }

  /**
   * Answers the oldest question; false if there is none. `pick` chooses another one, as a leader
   * may answer takes of different names, and groups, in any order.
   */
  answer(pick = 0): boolean {
    const lanes = [...new Set(this.#due.map(({ lane }) => lane))];
    const lane = lanes[pick % Math.max(1, lanes.length)];
    const at = this.#due.findIndex((due) => due.lane === lane);
    const [next] = this.#due.splice(at, at < 0 ? 0 : 1);
    next?.run();
    for (const client of this.#clients) client.goOn();
    return next !== undefined;
  }

  /** Answers all, and what is asked meanwhile. */
  settle(): void {
    while (this.answer());
  }

  /** The reply to `text` of the first client, when all was answered. */
  ask(text: string): string {
    return this.client.ask(text);
  }

  #admin(
    command: AdminCommand,
    callback: (answer: AdminAnswer) => void,
  ): void {
    this.admins.push(command);
    this.#due.push({ lane: "admin", run: () => callback({ type: "ok" }) });
  }

  #take(name: string, client: TicketClient, request: TicketRequest): void {
    this.takes.push({ name, ...request });
    const { count, isBlock, isCapped } = request;
    const run = () => {
      const counts = isBlock ? [count] : Array<number>(count).fill(1);
      for (const count of counts) {
        const last = this.model.take(name, { count, isCapped });
        if (typeof last === "bigint") client.granted(last, count);
        else if (last !== "changed") {
          client.refused(count, refusalText(last, { name, count }));
        }
      }
    };
    this.#due.push({ lane: `take ${name}`, run });
  }

  #takeLent(name: string, request: TicketRequest): bigint | undefined {
    const isAwaited = this.#due.some(({ lane }) => lane === `take ${name}`);
    if (!this.lends || isAwaited) return undefined;
    const last = this.model.take(name, request);
    return typeof last === "bigint" ? last : undefined;
  }

  #ask(group: Group, client: (outcome: GroupOutcome) => void): void {
    this.groups.push(group);
    const run = () => client(this.outcome ?? this.model.run(group));
    this.#due.push({ lane: "groups", run });
  }
}

/** One client of a bench. */
export class SequenceClient implements Session {
  client: ClientInfo = {
    id: 1,
    address: "192.0.2.7:40000",
    name: "",
    protocol: 2,
  };
  readonly host = "192.0.2.7";
  readonly ticketsLeft = Infinity;
  readonly request = new RespParser();
  readonly replies = new Replies(() => {});
  transaction: Session["transaction"] = undefined;
  isFinished = false;
  /** What its commands were charged. */
  charged = 0;

  constructor(readonly bench: SequenceBench) {}

  spent(count: number): void {
    this.charged += count;
  }

  finish(): void {
    this.isFinished = true;
  }

  /** Runs all complete commands of `text`, as far as none has to wait for one before it. */
  send(text: string): void {
    this.request.feed(encoder.encode(text));
    this.goOn();
  }

  /** Runs the commands that had to wait, as a connection does. */
  goOn(): void {
    while (
      !this.isFinished && !this.replies.congested &&
      this.request.next() === "command"
    ) runCommand(this, this.bench.service);
  }

  /** All that may have left by now. */
  received(): string {
    let text = "";
    do {
      text += decoder.decode(this.replies.next());
      this.replies.left();
    } while (this.replies.ready > 0);
    return text;
  }

  ask(text: string): string {
    this.send(text);
    this.bench.settle();
    return this.received();
  }
}
