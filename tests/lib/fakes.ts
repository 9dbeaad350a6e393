// Fakes for the tests of `server/`: a node that only counts, a session without a socket, and
// a client with one. The node answers when it is told to, or by itself.

import assert from "node:assert/strict";
import type {
  AdminAnswer,
  AdminCommand,
  Door,
  FromNode,
  NodeOptions,
  Refusal,
  TakeRequest,
  ToNode,
} from "../../raft/channel/messages.ts";
import { defaultSequence } from "../../base/sequence_name.ts";
import { AdminLimit } from "../../server/commands/admin_limit.ts";
import { KeySearches } from "../../server/commands/key_searches.ts";
import { ClientCount } from "../../server/client_count.ts";
import type {
  ClientInfo,
  Service,
  Session,
} from "../../server/commands/command.ts";
import { runCommand } from "../../server/commands/commands.ts";
import type { ConnectionService } from "../../server/clients/connection.ts";
import { RaftLink } from "../../server/tickets/raft_link.ts";
import { Replies } from "../../server/resp/replies.ts";
import { RespParser } from "../../server/resp/resp_parser.ts";
import {
  decodeGroups,
  encodeOutcomes,
} from "../../raft/channel/operation_codec.ts";
import { SequenceModel } from "./sequence_model.ts";
import { within } from "./until.ts";

export const encoder = new TextEncoder();
export const decoder = new TextDecoder();

/** A node that gives 1, 2, 3 … of each sequence. */
export class FakeNode implements Door<ToNode> {
  /** The last number of the default sequence. */
  get last(): bigint {
    return this.lasts.get(defaultSequence) ?? 0n;
  }

  set last(last: bigint) {
    this.lasts.set(defaultSequence, last);
  }

  /** The last number of each sequence. */
  readonly lasts = new Map<string, bigint>();
  /** The counts of all takes that ever came. */
  readonly takes: number[] = [];
  readonly commands: AdminCommand[] = [];
  readonly #model = new SequenceModel({ lasts: this.lasts });
  started: NodeOptions | undefined;
  refusal: Refusal | undefined;
  /** Messages that are not answered yet, in the order in which they came. */
  readonly waiting: ToNode[] = [];
  /** Answers by itself, at the end of the turn. */
  prompt: boolean;
  /** Runs when a message has come. */
  onMessage = () => {};
  readonly events: string[] = [];
  readonly link: RaftLink;
  #answers = new Map<AdminCommand["type"], AdminAnswer>();

  constructor(
    options: {
      prompt: boolean;
      asksAgain?: boolean;
      defer?: (task: () => void) => void;
    },
  ) {
    this.prompt = options.prompt;
    this.link = new RaftLink(this, {
      ready: () => this.events.push("ready"),
      removed: () => this.events.push("removed"),
      stopped: (error) => this.events.push(`stopped ${error}`),
      defer: options.defer,
      asksAgain: options.asksAgain ?? false,
      timeoutMillis: 10_000,
    });
  }

  postMessage(message: ToNode): void {
    if (message.type === "start") this.started = message.options;
    if (message.type === "take") this.takes.push(message.count);
    if (message.type === "admin") this.commands.push(message.command);
    this.waiting.push(message);
    if (this.prompt) queueMicrotask(() => this.answer());
    this.onMessage();
  }

  willAnswer(type: AdminCommand["type"], answer: AdminAnswer): void {
    this.#answers.set(type, answer);
  }

  /** Answers the oldest message, or the oldest of a type. */
  answer(type?: ToNode["type"]): void {
    const at = this.waiting.findIndex((m) => (type ?? m.type) === m.type);
    const [message] = this.waiting.splice(at, at < 0 ? 0 : 1);
    if (message?.type === "take") this.#take(message);
    if (message?.type === "admin") {
      const answer = this.#answers.get(message.command.type) ?? { type: "ok" };
      this.say({ type: "answered", id: message.id, answer });
    }
    if (message?.type === "operations") this.#run(message.data);
  }

  /** Carries out groups of operations as a model does. */
  #run(groups: Uint8Array): void {
    const outcomes = decodeGroups(groups).map((group) =>
      this.#model.run(group)
    );
    this.say({ type: "results", door: 0, data: encodeOutcomes(outcomes) });
  }

  say(message: FromNode): void {
    this.link.receive(structuredClone(message));
  }

  #take({ name, count }: TakeRequest): void {
    const reason = this.refusal;
    const door = 0;
    if (reason !== undefined) {
      return this.say({ type: "refused", door, name, reason });
    }
    const last = (this.lasts.get(name) ?? 0n) + BigInt(count);
    this.lasts.set(name, last);
    this.say({ type: "taken", door, name, last, count });
  }
}

/** The services of connections to `link`; a turn ends at once, and a failure fails the test. */
export function connectionService(
  link: RaftLink,
  options: Partial<ConnectionService> = {},
): ConnectionService {
  const clientCount = options.clientCount ?? new ClientCount();
  return {
    link,
    version: "1.2.3",
    sessions: new Set(),
    clientCount,
    admins: new AdminLimit(clientCount),
    searches: new KeySearches(),
    turns: { next: queueMicrotask },
    failed: (error) => {
      throw error;
    },
    ...options,
  };
}

/** All that may leave now; it has left then. */
export function leaving(replies: Replies): string {
  const text = decoder.decode(replies.next());
  replies.left();
  return text;
}

/** A client without a socket: requests in, replies out, turn by turn. */
export class MemorySession implements Session {
  client: ClientInfo;
  readonly host: string = "192.0.2.7";
  readonly ticketsLeft = Infinity;
  readonly request = new RespParser();
  readonly replies = new Replies(() => {});
  transaction: Session["transaction"] = undefined;
  finished = false;

  constructor(
    readonly service: Service,
    options?: { id: number; host?: string | undefined },
  ) {
    this.client = {
      id: options?.id ?? 1,
      address: "192.0.2.7:40000",
      name: "",
      protocol: 2,
    };
    if (options?.host !== undefined) this.host = options.host;
  }

  spent(): void {}

  finish(): void {
    this.finished = true;
  }

  /** Runs all complete commands of `text`. */
  send(text: string): void {
    this.request.feed(encoder.encode(text));
    while (!this.finished && this.request.next() === "command") {
      runCommand(this, this.service);
    }
  }

  /** All that may have left by now. */
  received(): string {
    let text = "";
    do text += leaving(this.replies); while (this.replies.ready > 0);
    return text;
  }
}

/** A process without sockets: the node, one client, and turns that are ended by hand. */
export class Bench {
  readonly #tasks: (() => void)[] = [];
  readonly node = new FakeNode({
    prompt: false,
    defer: (task) => this.#tasks.push(task),
  });
  readonly sessions = new Set<Session>();
  readonly clientCount = new ClientCount();
  readonly service: Service = connectionService(this.node.link, {
    sessions: this.sessions,
    clientCount: this.clientCount,
  });
  readonly client: MemorySession = this.connect();

  connect(host?: string): MemorySession {
    const id = this.sessions.size + 1;
    const session = new MemorySession(this.service, { id, host });
    this.sessions.add(session);
    this.clientCount.enter();
    return session;
  }

  endTurn(): void {
    for (const task of this.#tasks.splice(0)) task();
  }

  /** Sends, lets the node answer everything, and returns what came back. */
  ask(text: string): string {
    this.client.send(text);
    this.settle();
    return this.client.received();
  }

  settle(): void {
    this.endTurn();
    while (this.node.waiting.length > 0) {
      this.node.answer();
      this.endTurn();
    }
  }
}

/** `words` as a RESP array. */
export function resp(...words: string[]): string {
  const bulk = (word: string) =>
    `$${encoder.encode(word).length}\r\n${word}\r\n`;
  return `*${words.length}\r\n${words.map(bulk).join("")}`;
}

/** The replies to TICKET from `from` to `to`. */
export function tickets(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, i) => `+${from + i}\r\n`)
    .join("");
}

/** A client with a real socket. */
export class Client {
  readonly #socket: Deno.TcpConn;
  #received = "";
  #closed = false;

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  static async connect(port: number): Promise<Client> {
    const connected = Deno.connect({ hostname: "127.0.0.1", port });
    return new Client(
      await within(`port ${port} takes a connection`, connected),
    );
  }

  async send(text: string): Promise<void> {
    const bytes = encoder.encode(text);
    for (let at = 0; at < bytes.length;) {
      at += await this.#socket.write(bytes.subarray(at));
    }
  }

  /** The next `length` characters; fails if the server closes before. */
  async read(length: number): Promise<string> {
    while (this.#received.length < length) {
      assert(await this.#more(), `closed after ${this.#received}`);
    }
    const text = this.#received.slice(0, length);
    this.#received = this.#received.slice(length);
    return text;
  }

  /** Asserts that exactly this comes next. */
  async expect(text: string): Promise<void> {
    assert.equal(await this.read(text.length), text);
  }

  /** All that comes until the server closes. */
  async rest(): Promise<string> {
    while (await this.#more());
    return this.#received;
  }

  closeWrite(): Promise<void> {
    return this.#socket.closeWrite();
  }

  close(): void {
    if (!this.#closed) this.#socket.close();
    this.#closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #more(): Promise<boolean> {
    const bytes = new Uint8Array(64 * 1024);
    const count = await within(
      "the server answers, or closes",
      this.#socket.read(bytes),
    );
    if (count !== null) {
      this.#received += decoder.decode(bytes.subarray(0, count));
    }
    return count !== null;
  }
}
