// One client: takes its bytes, runs all complete commands, has the replies written at once. Not here:
// what commands mean, the order of replies (`replies.ts`), their writing (`reply_sender.ts`),
// who may connect (`listener.ts`), how long a client may do nothing (`slow_clients.ts`).
//
// Bytes come by callback. While too much waits, nothing is parsed or read, so a
// client that never reads costs a bounded amount of memory, and one that pipelines without
// end is served at the pace at which it reads, and no more than its share of each turn of
// the event loop (`fair_turns.ts`).
//
// An end is gentle unless the client is gone: the replies are sent, then FIN, and what
// the client still sends is read and dropped for a while. To close with unread bytes
// would send RST, which can destroy the last reply on its way.

import { formatAddress, plainHost } from "../../base/address.ts";
import type { Socket, SocketListener } from "../../base/socket.ts";
import type { ClientInfo, Service, Session } from "../commands/command.ts";
import { isForVisitors, nameOf, runCommand } from "../commands/commands.ts";
import { internalErrorText, tooManyClientsText } from "../tickets/refusals.ts";
import { Replies } from "../resp/replies.ts";
import { RespParser } from "../resp/resp_parser.ts";
import { type FairTurns, TurnShare } from "./fair_turns.ts";
import { ReplySender } from "./reply_sender.ts";

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

/** One connected client, from `start()` to the end of the connection. */
export class Connection implements Session, SocketListener {
  client: ClientInfo;
  readonly host: string;
  readonly request = new RespParser();
  readonly replies = new Replies(
    () => this.#sendSoon(),
    (error) => this.#broke(error),
  );
  transaction: Session["transaction"] = undefined;
  /** It has a kept place: it may look and manage, and gets no tickets. */
  isVisitor = false;
  /** How many commands were completed. */
  commandsRun = 0;

  readonly #socket: Socket;
  readonly #service: ConnectionService;
  readonly #over: (connection: Connection) => void;
  readonly #sender: ReplySender;
  readonly #share = new TurnShare();
  /** Commands are being run: what happens meanwhile is seen to behind them. */
  #isRunning = false;
  #isPaused = false;
  #isSendDue = false;
  /** It waits for its next turn. */
  #waitsForTurn = false;
  /** Bytes that have come meanwhile. */
  #early = 0;
  /** Commands that came are left over: too much waits for the client, or for the node. */
  #hasLeft = false;
  /** The client sends no more. */
  #hasEnded = false;
  /** The end has begun: no command is run any more. */
  #ending = false;
  #closed = false;
  #linger: ReturnType<typeof setTimeout> | undefined;
  /** Bytes of its buffers that `ClientCount` knows of. */
  #counted = 0;

  /** `over` is called once, when the connection has ended. */
  constructor(
    socket: Socket,
    { id, service, over }: {
      readonly id: number;
      readonly service: ConnectionService;
      readonly over: (connection: Connection) => void;
    },
  ) {
    this.#socket = socket;
    this.#service = service;
    this.#over = over;
    this.#sender = new ReplySender({ socket, replies: this.replies });
    const { host, port } = socket.remote;
    this.host = plainHost(host);
    const address = formatAddress({ host: this.host, port });
    this.client = { id, address, name: "", protocol: 2 };
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
      this.#ending;
  }

  /** Whether all replies and FIN have left: only the client's end is awaited. */
  get hasFinished(): boolean {
    return this.#linger !== undefined;
  }

  /** Whether the client asks nothing and is owed nothing. */
  get isIdle(): boolean {
    return this.replies.empty && !this.isWriting && !this.#ending;
  }

  /** Serves the client from now on. */
  start(): void {
    this.#socket.start(this);
  }

  data(bytes: Uint8Array<ArrayBuffer>): void {
    try {
      if (!this.#ending) this.request.feed(bytes);
      if (this.#waitsForTurn) {
        // Most clients send on when they are answered, so it was not held up until now. No
        // more comes: a pause takes effect within the call.
        this.#early = bytes.length;
        return this.#read(false);
      }
    } catch (error) {
      return this.#broke(error);
    }
    this.#share.read(bytes.length);
    this.#go();
  }

  /** It may have closed only its own half: `printf … | nc`. */
  ended(): void {
    this.#hasEnded = true;
    this.#go();
  }

  taken(): void {
    try {
      this.#sender.taken();
    } catch (error) {
      this.#broke(error);
    }
    this.#go();
  }

  /** It is over: the client has gone, or has got all and said all. */
  closed(): void {
    this.close();
  }

  /** Runs no further command, sends the replies so far and FIN. */
  finish(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (!this.#isRunning) this.#go();
  }

  /** Ends it at once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#linger);
    this.#sender.close();
    this.#socket.close();
    // The socket writes from no buffer any more, so all may go.
    this.replies.forget();
    this.replies.rest();
    this.request.release();
    this.transaction = undefined;
    this.#count();
    this.#over(this);
  }

  /** Serves the client no further: sends `error` as the last reply, and ends. */
  refuse(error: string): void {
    if (this.#ending) return;
    this.replies.writer.error(error);
    this.finish();
  }

  /** Goes on, if what held it back is over. */
  resume(): void {
    if (this.#isPaused) this.#go();
  }

  /** Does all that can be done now, and reads on if it may. */
  #go(): void {
    if (this.#closed || this.#waitsForTurn) return;
    try {
      this.#hasLeft = !this.#runAll();
      if (this.#closed) return;
      if (this.#hasEnded && !this.#hasLeft) this.#ending = true;
      if (this.#ending) this.#endIfSent();
      if (this.#closed) return;
      if (this.#share.isUsedUp) this.#awaitTurn();
      this.#read(
        this.#ending ? this.hasFinished : !this.#hasLeft && this.#mayRead,
      );
    } catch (error) {
      this.#broke(error);
    }
  }

  #read(isWanted: boolean): void {
    if (isWanted !== this.#isPaused) return;
    this.#isPaused = !isWanted;
    if (!isWanted) this.#socket.pause();
    else this.#socket.resume();
  }

  #awaitTurn(): void {
    if (this.#waitsForTurn) return;
    this.#waitsForTurn = true;
    this.#service.turns.next(() => {
      this.#waitsForTurn = false;
      this.#share.renew();
      if (this.#early > 0) this.#share.read(this.#early);
      this.#early = 0;
      this.#go();
    });
  }

  /** Sends at the end of the turn: one answer of the node may hold several replies. */
  #sendSoon(): void {
    if (this.#isSendDue || this.#isRunning || this.#sender.isWriting) return;
    this.#isSendDue = true;
    queueMicrotask(() => {
      this.#isSendDue = false;
      if ((this.#hasLeft || this.#ending) && !this.#waitsForTurn) {
        return this.#go();
      }
      try {
        this.#sender.send();
        this.#count();
      } catch (error) {
        this.#broke(error);
      }
    });
  }

  /** Sends FIN once all replies have left. */
  #endIfSent(): void {
    if (this.isWriting || !this.replies.empty) return;
    if (this.#linger === undefined) {
      this.#linger = setTimeout(() => this.close(), lingerMillis);
      this.#socket.end();
    }
    if (this.#hasEnded) this.close();
  }

  /** Runs the commands received, and has them answered; false if some are left over. */
  #runAll(): boolean {
    let all = false;
    this.#isRunning = true;
    // The commands of a client that is gone must not take tickets.
    while (
      !all && this.#share.ticketsLeft > 0 && !this.#closed &&
      !this.#ending && !this.replies.congested && this.#mayRead
    ) {
      const found = this.request.next();
      if (found === "command") this.#run();
      else if (found === "error") this.refuse(`ERR ${this.request.error}`);
      else all = true;
    }
    this.#isRunning = false;
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
    return !this.#isImmodest || this.#ending;
  }

  /** Whether it holds too much while all clients together do. */
  get #isImmodest(): boolean {
    const { clientCount } = this.#service;
    return this.#counted > modestBytes && clientCount.isOverMemory &&
      this.#counted > clientCount.evenShareBytes;
  }

  /** Tells `ClientCount` what the buffers take now. */
  #count(): void {
    const bytes = this.#closed
      ? 0
      : this.request.reservedBytes + this.replies.reservedBytes +
        (this.transaction?.reservedBytes ?? 0);
    if (bytes === this.#counted) return;
    this.#service.clientCount.holds(bytes - this.#counted);
    this.#counted = bytes;
  }
}
