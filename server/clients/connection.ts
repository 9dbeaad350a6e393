// One client: reads, runs all complete commands, writes once. Not here: what commands
// mean, the order of replies (`replies.ts`), who may connect (`listener.ts`), how long a
// client may do nothing (`patience.ts`).
//
// One read and one write are under way at most; what is answered meanwhile joins the
// next write. While too much waits, nothing is parsed or read, so a client that never
// reads costs a bounded amount of memory, and one that pipelines without end is served
// at the pace at which it reads, a share of each turn of the event loop at most.
//
// An end is gentle unless the client is gone: the replies are sent, then FIN, and what
// the client still sends is read and dropped for a while. To close with unread bytes
// would send RST, which can destroy the last reply on its way.

import { formatAddress } from "../../base/address.ts";
import type { ClientInfo, Service, Session } from "../commands/command.ts";
import { nameOf, runCommand } from "../commands/commands.ts";
import { internalErrorText, tooManyClientsText } from "../tickets/refusals.ts";
import { Replies } from "../resp/replies.ts";
import { RespParser } from "../resp/resp_parser.ts";
import type { FairTurns } from "./fair_turns.ts";

/** What of a socket is used here: a test needs no more. */
export type Socket = Pick<
  Deno.TcpConn,
  "read" | "write" | "closeWrite" | "close" | "remoteAddr"
>;

/** What all connections of an isolate share. */
export type ConnectionService = Service & {
  readonly turns: Pick<FairTurns, "next">;
  /** Command `name` of `client` has failed by a fault of ours. */
  readonly failed: (
    error: unknown,
    by: { readonly name: string; readonly client: ClientInfo },
  ) => void;
};

/** How long a client may keep its half open after ours was closed. */
const lingerMillis = 1000;
/**
 * What a client may have done in one turn, before others get theirs: as many TICKETs as
 * one read brings, about a third of a millisecond. Other commands cost more: by the word,
 * and by the bytes of their replies.
 */
const turnShare = 4096;
const wordCost = 8;
const replyBytesPerCost = 4;
/**
 * What it may send in one turn, for to read has its price, too, even if no command is in
 * it, or none is run any more. A read that is small counts as if it were larger.
 */
const turnBytes = 64 * 1024;
const readBytesLeast = 256;
/** While all clients hold too much, one with no more than this, or an even share, goes on. */
const modestBytes = 16 * 1024;

export class Connection implements Session {
  client: ClientInfo;
  readonly host: string;
  readonly request = new RespParser();
  readonly replies = new Replies(
    () => this.#writeSoon(),
    (error) => this.#broke(error),
  );
  /** It has one of the places that are kept: to look and to manage, not for tickets. */
  isVisitor = false;
  /** How often a command was completed, and bytes of replies were taken by the client. */
  commandsRun = 0;
  writesDone = 0;

  readonly #socket: Socket;
  readonly #service: ConnectionService;
  /** The end has begun: no command is run any more. */
  #ending: Promise<void> | undefined;
  #closed = false;
  /** It counts no more. */
  #released = false;
  #linger: ReturnType<typeof setTimeout> | undefined;
  #writing = false;
  #writeScheduled = false;
  /** What it may still do, and send, in this turn. */
  #share = turnShare;
  #bytesLeft = turnBytes;
  /** Bytes of buffers that the census knows of. */
  #counted = 0;
  /** Resolved when a write has ended; there only while somebody waits for it. */
  #progress: PromiseWithResolvers<void> | undefined;

  constructor(
    socket: Socket,
    options: { readonly id: number; readonly service: ConnectionService },
  ) {
    this.#socket = socket;
    this.#service = options.service;
    const { hostname, port } = socket.remoteAddr;
    // An IPv4 client of a socket on `::`: others must be able to dial what it is told.
    this.host = hostname.replace(/^::ffff:(?=\d+\.)/i, "");
    const address = formatAddress({ host: this.host, port });
    this.client = { id: options.id, address, name: "", protocol: 2 };
    this.#count();
  }

  get ticketsLeft(): number {
    return Math.max(1, Math.min(this.#share, this.replies.ticketsLeft));
  }

  spent(count: number): void {
    this.#share -= count;
  }

  /** Bytes that its buffers take. */
  get memoryBytes(): number {
    return this.#counted;
  }

  /** Replies are on their way, which the client has not taken yet. */
  get isWriting(): boolean {
    return this.#writing;
  }

  /** A command has begun whose rest has not come, though it is waited for. */
  get isPartial(): boolean {
    return this.request.isPartial && !this.isHeld;
  }

  /** It reads no command now, for reasons of ours or of its own. */
  get isHeld(): boolean {
    return this.replies.congested || this.#isImmodest ||
      this.#ending !== undefined;
  }

  /** All replies and FIN have left: what follows is for the client to say. */
  get hasFinished(): boolean {
    return this.#linger !== undefined;
  }

  /** Nothing is asked, and nothing owed. */
  get isIdle(): boolean {
    return this.replies.empty && !this.#writing && this.#ending === undefined;
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
      if (this.#share <= 0 || this.#bytesLeft <= 0) {
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
      this.#bytesLeft -= Math.max(count, readBytesLeast);
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
    this.replies.forget();
    this.#count();
    try {
      this.#socket.close();
    } catch {
      // The runtime has closed it already.
    }
    this.#progressed();
  }

  /** Tells a client that is not to be served any more why, and ends. */
  refuse(error: string): void {
    if (this.#ending !== undefined) return;
    this.replies.writer.error(error);
    this.finish();
  }

  /** What held it back may be over. */
  resume(): void {
    this.#progressed();
  }

  /** Runs what was received, and writes once; false if commands are left over. */
  #runAll(): boolean {
    let all = false;
    // The commands of a client that is gone must not take tickets.
    while (
      !all && this.#share > 0 && !this.#closed && this.#ending === undefined &&
      !this.replies.congested && this.#mayRead
    ) {
      const outcome = this.request.next();
      if (outcome === "command") this.#run();
      else if (outcome === "error") this.refuse(`ERR ${this.request.error}`);
      else all = true;
    }
    this.#write();
    this.#count();
    return all;
  }

  #run(): void {
    const mark = this.replies.mark();
    const share = this.#share;
    try {
      if (this.isVisitor && !isForVisitors(nameOf(this))) {
        return this.refuse(tooManyClientsText);
      }
      runCommand(this, this.#service);
    } catch (error) {
      return this.#failed(error, this.replies.undo(mark));
    }
    if (this.#share === share) {
      const written = this.replies.writtenSince(mark);
      this.#share -= Math.ceil(written / replyBytesPerCost);
    }
    this.#share -= wordCost * this.request.count;
    this.commandsRun++;
    this.#count(); // a pipeline of small commands may have large replies
  }

  /** A command has failed, and with it this client: nobody knows what it has left behind. */
  #failed(error: unknown, isUndone: boolean): void {
    const { client } = this;
    this.#service.failed(error, { name: nameOf(this), client });
    if (isUndone) this.refuse(internalErrorText);
    else this.close(); // a reply was promised that nobody will give
  }

  /** The same, where no command is at fault alone. */
  #broke(error: unknown): void {
    if (this.#closed) return;
    const { client } = this;
    this.#service.failed(error, { name: "a reply", client });
    this.close();
  }

  /** Whether it may hold more than it does, while all together hold too much. */
  get #mayRead(): boolean {
    return !this.#isImmodest || this.#ending !== undefined;
  }

  get #isImmodest(): boolean {
    const { clientCount } = this.#service;
    return this.#counted > modestBytes && clientCount.isOverMemory &&
      this.#counted > clientCount.evenShareBytes;
  }

  /** Tells the census what the buffers take now. */
  #count(): void {
    const bytes = this.#released
      ? 0
      : this.request.reservedBytes + this.replies.reservedBytes;
    if (bytes === this.#counted) return;
    this.#service.clientCount.holds(bytes - this.#counted);
    this.#counted = bytes;
  }

  async #finish(): Promise<void> {
    this.#write();
    while (!this.#closed && (this.#writing || !this.replies.empty)) {
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

  /** At the end of the turn: one answer of the node may hold several of our replies. */
  #writeSoon(): void {
    if (this.#writeScheduled || this.#writing) return;
    this.#writeScheduled = true;
    queueMicrotask(() => {
      this.#writeScheduled = false;
      this.#write();
    });
  }

  #write(): void {
    if (!this.#writing && this.replies.ready > 0) this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    try {
      while (this.replies.ready > 0 && !this.#closed) {
        const bytes = this.replies.leave();
        for (let at = 0; at < bytes.length; this.writesDone++) {
          try {
            at += await this.#socket.write(bytes.subarray(at));
          } catch {
            this.close(); // the client is gone; what it waited for burns
            break;
          }
        }
        this.#progressed();
      }
    } catch (error) {
      this.#broke(error);
    }
    this.#writing = false;
    this.replies.rest();
    this.#count();
    this.#progressed();
  }

  #nextTurn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#service.turns.next(resolve);
    return promise.then(() => {
      this.#share = turnShare;
      this.#bytesLeft = turnBytes;
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

/** What an operator and a joining node send, and what client libraries send before it. */
function isForVisitors(name: string): boolean {
  return /^(raft\.|info$|hello$|auth$|quit$|client\b|command\b|config\b)/.test(
    name,
  );
}
