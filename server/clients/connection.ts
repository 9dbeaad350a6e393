// One client: reads, runs all complete commands, has the replies written at once. Not here:
// what commands mean, the order of replies (`replies.ts`), their writing (`reply_sender.ts`),
// who may connect (`listener.ts`), how long a client may do nothing (`slow_clients.ts`).
//
// One read is under way at most. While too much waits, nothing is parsed or read, so a
// client that never reads costs a bounded amount of memory, and one that pipelines without
// end is served at the pace at which it reads, and no more than its share of each turn of
// the event loop (`fair_turns.ts`).
//
// An end is gentle unless the client is gone: the replies are sent, then FIN, and what
// the client still sends is read and dropped for a while. To close with unread bytes
// would send RST, which can destroy the last reply on its way.

import { formatAddress } from "../../base/address.ts";
import type { ClientInfo, Service, Session } from "../commands/command.ts";
import { isForVisitors, nameOf, runCommand } from "../commands/commands.ts";
import { internalErrorText, tooManyClientsText } from "../tickets/refusals.ts";
import { Replies } from "../resp/replies.ts";
import { RespParser } from "../resp/resp_parser.ts";
import { type FairTurns, TurnShare } from "./fair_turns.ts";
import { ReplySender } from "./reply_sender.ts";

/** The part of a socket that is used here: a test needs no more. */
export type Socket = Pick<
  Deno.TcpConn,
  "read" | "write" | "closeWrite" | "close" | "remoteAddr"
>;

/** The services that all connections of an isolate share. */
export type ConnectionService = Service & {
  readonly turns: Pick<FairTurns, "next">;
  /** Command `name` of `client` has failed by a fault of ours. */
  readonly failed: (
    error: unknown,
    by: { readonly name: string; readonly client: ClientInfo },
  ) => void;
};

/** Milliseconds that a client may keep its half open after ours was closed. */
const lingerMillis = 1000;
/** While all clients hold too much, one with no more bytes than this, or an even share, goes on. */
const modestBytes = 16 * 1024;

/** One connected client; `serve()` runs to the end of the connection. */
export class Connection implements Session {
  client: ClientInfo;
  readonly host: string;
  readonly request = new RespParser();
  readonly replies = new Replies(
    () => this.#sender.sendSoon(),
    (error) => this.#broke(error),
  );
  /** It has a kept place: it may look and manage, and gets no tickets. */
  isVisitor = false;
  /** How many commands were completed. */
  commandsRun = 0;

  readonly #socket: Socket;
  readonly #service: ConnectionService;
  readonly #sender: ReplySender;
  readonly #share = new TurnShare();
  /** The end has begun: no command is run any more. */
  #ending: Promise<void> | undefined;
  #closed = false;
  /** Its buffers count no more. */
  #released = false;
  #linger: ReturnType<typeof setTimeout> | undefined;
  /** Bytes of its buffers that `ClientCount` knows of. */
  #counted = 0;
  /** Resolved when a write has ended; there only while something waits for it. */
  #progress: PromiseWithResolvers<void> | undefined;

  constructor(
    socket: Socket,
    options: { readonly id: number; readonly service: ConnectionService },
  ) {
    this.#socket = socket;
    this.#service = options.service;
    this.#sender = new ReplySender({
      socket,
      replies: this.replies,
      progressed: () => {
        this.#count();
        this.#progressed();
      },
      gone: () => this.close(),
      failed: (error) => this.#broke(error),
    });
    const { hostname, port } = socket.remoteAddr;
    // An IPv4 client of a socket on `::`: others must be able to dial what it is told.
    this.host = hostname.replace(/^::ffff:(?=\d+\.)/i, "");
    const address = formatAddress({ host: this.host, port });
    this.client = { id: options.id, address, name: "", protocol: 2 };
    this.#count();
  }

  get ticketsLeft(): number {
    return Math.max(
      1,
      Math.min(this.#share.ticketsLeft, this.replies.ticketsLeft),
    );
  }

  spent(count: number): void {
    this.#share.spend(count);
  }

  /** Bytes that its buffers take. */
  get memoryBytes(): number {
    return this.#counted;
  }

  /** Whether replies are on their way. */
  get isWriting(): boolean {
    return this.#sender.isWriting;
  }

  /** How often the client has taken bytes of replies. */
  get writesDone(): number {
    return this.#sender.writesDone;
  }

  /** Whether a command has begun whose rest has not come, though we read on. */
  get isPartial(): boolean {
    return this.request.isPartial && !this.isHeld;
  }

  /** Whether no command is read now: too much waits or is held, or the end has begun. */
  get isHeld(): boolean {
    return this.replies.congested || this.#isImmodest ||
      this.#ending !== undefined;
  }

  /** Whether all replies and FIN have left: only the client's end is awaited. */
  get hasFinished(): boolean {
    return this.#linger !== undefined;
  }

  /** Whether the client asks nothing and is owed nothing. */
  get isIdle(): boolean {
    return this.replies.empty && !this.isWriting && this.#ending === undefined;
  }

  /** Serves the client to the end of the connection. */
  async serve(): Promise<void> {
    try {
      await this.#serve();
    } catch (error) {
      this.#broke(error);
    }
    this.close();
    this.request.release(); // nothing is read into it any more
    this.#released = true;
    this.#count();
  }

  async #serve(): Promise<void> {
    for (;;) {
      const all = this.#runAll();
      const ending = this.#ending;
      if (ending !== undefined) await ending;
      if (this.#closed) break; // nothing makes progress any more
      if (this.#share.isUsedUp) {
        await this.#nextTurn();
        continue;
      }
      if (ending === undefined && !(all && this.#mayRead)) {
        await this.#nextProgress();
        continue;
      }
      let count: number | null;
      try {
        count = await this.#socket.read(this.request.space());
      } catch {
        break; // reset by the client, or closed by us
      }
      if (count === null) {
        await this.finish(); // it may have closed only its own half: `printf … | nc`
        break;
      }
      this.#share.read(count);
      if (this.#ending === undefined) this.request.filled(count);
    }
  }

  /** Runs no further command, sends the replies so far and FIN. */
  finish(): Promise<void> {
    return this.#ending ??= this.#finish();
  }

  /** Ends it at once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#linger);
    this.#sender.close();
    this.replies.forget();
    this.#count();
    try {
      this.#socket.close();
    } catch {
      // The runtime has closed it already.
    }
    this.#progressed();
  }

  /** Serves the client no further: sends `error` as the last reply, and ends. */
  refuse(error: string): void {
    if (this.#ending !== undefined) return;
    this.replies.writer.error(error);
    this.finish();
  }

  /** Goes on, if what held it back is over. */
  resume(): void {
    this.#progressed();
  }

  /** Runs the commands received, and has them answered; false if some are left over. */
  #runAll(): boolean {
    let all = false;
    // The commands of a client that is gone must not take tickets.
    while (
      !all && this.#share.ticketsLeft > 0 && !this.#closed &&
      this.#ending === undefined && !this.replies.congested && this.#mayRead
    ) {
      const found = this.request.next();
      if (found === "command") this.#run();
      else if (found === "error") this.refuse(`ERR ${this.request.error}`);
      else all = true;
    }
    this.#sender.send();
    this.#count();
    return all;
  }

  #run(): void {
    const mark = this.replies.mark();
    const before = this.#share.ticketsLeft;
    try {
      if (this.isVisitor && !isForVisitors(this)) {
        return this.refuse(tooManyClientsText);
      }
      runCommand(this, this.#service);
    } catch (error) {
      return this.#failed(error, this.replies.undo(mark));
    }
    // A command that has said what it costs is not charged for its replies again.
    const isCharged = this.#share.ticketsLeft !== before;
    const replyBytes = isCharged ? 0 : this.replies.writtenSince(mark);
    this.#share.ranCommand({ words: this.request.count, replyBytes });
    this.commandsRun++;
    this.#count(); // a pipeline of small commands may have large replies
  }

  /** A command has failed by a fault of ours. The client is closed, because its state is unknown. */
  #failed(error: unknown, isUndone: boolean): void {
    const { client } = this;
    this.#service.failed(error, { name: nameOf(this), client });
    if (isUndone) this.refuse(internalErrorText);
    else this.close(); // a reply was promised that nobody will give
  }

  /** Something else has failed by a fault of ours. */
  #broke(error: unknown): void {
    if (this.#closed) return;
    const { client } = this;
    this.#service.failed(error, { name: "a reply", client });
    this.close();
  }

  /** Whether the client may be read from, as far as memory goes. */
  get #mayRead(): boolean {
    return !this.#isImmodest || this.#ending !== undefined;
  }

  /** Whether it holds too much while all clients together do. */
  get #isImmodest(): boolean {
    const { clientCount } = this.#service;
    return this.#counted > modestBytes && clientCount.isOverMemory &&
      this.#counted > clientCount.evenShareBytes;
  }

  /** Tells `ClientCount` what the buffers take now. */
  #count(): void {
    const bytes = this.#released
      ? 0
      : this.request.reservedBytes + this.replies.reservedBytes;
    if (bytes === this.#counted) return;
    this.#service.clientCount.holds(bytes - this.#counted);
    this.#counted = bytes;
  }

  async #finish(): Promise<void> {
    this.#sender.send();
    while (!this.#closed && (this.isWriting || !this.replies.empty)) {
      await this.#nextProgress();
    }
    if (this.#closed) return;
    this.#linger = setTimeout(() => this.close(), lingerMillis);
    try {
      await this.#socket.closeWrite();
    } catch {
      this.close();
    }
  }

  #nextTurn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#service.turns.next(resolve);
    return promise.then(() => {
      this.#share.renew();
    });
  }

  #nextProgress(): Promise<void> {
    return (this.#progress ??= Promise.withResolvers<void>()).promise;
  }

  #progressed(): void {
    this.#progress?.resolve();
    this.#progress = undefined;
  }
}
