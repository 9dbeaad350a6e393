// How long a client may keep the process waiting. Looks at all clients of an isolate once a
// second and closes those that read no replies, never finish a command or, with
// --client-idle, ask nothing. Reads no clock: time is counted in looks.
// Not here: clients that hold too much memory (`client_memory.ts`).

import type { ClientInfo } from "../commands/command.ts";
import { type ClientsLog, closeClients } from "./close_clients.ts";

/** The part of a connection that is used here. */
export interface TimedClient {
  readonly client: ClientInfo;
  /** Replies are on their way. */
  readonly isWriting: boolean;
  /** How often the client has taken bytes of replies. */
  readonly writesDone: number;
  /** The rest of a command has not come. */
  readonly isPartial: boolean;
  /** How many commands were completed. */
  readonly commandsRun: number;
  /** It asks nothing and is owed nothing. */
  readonly isIdle: boolean;
  close(): void;
}

/** Milliseconds between two looks. */
export const lookMillis = 1000;
/** Looks for which replies may wait to be read, and a command may be unfinished. */
export const timeoutLooks = 60;

/** The clients that are watched, and their time limit. */
export type SlowClientsOptions = {
  /** The clients of this isolate. */
  readonly sessions: ReadonlySet<TimedClient>;
  /** Looks for which a client may do nothing; Infinity: for ever. */
  readonly idleLooks: number;
  readonly log: ClientsLog;
};

/** Looks in a row at which a client was found so, and what it had done by then. */
type Seen = {
  writesDone: number;
  commandsRun: number;
  unread: number;
  partial: number;
  idle: number;
};

/** Closes one isolate's clients that keep it waiting for too long. */
export class SlowClients {
  readonly #options: SlowClientsOptions;
  readonly #seen = new WeakMap<TimedClient, Seen>();

  constructor(options: SlowClientsOptions) {
    this.#options = options;
  }

  /** To be called every `lookMillis`. */
  look(): void {
    const { sessions, log } = this.#options;
    const late = new Map<string, TimedClient[]>();
    for (const session of sessions) {
      const fault = this.#faultOf(session);
      if (fault === undefined) continue;
      late.set(fault, [...late.get(fault) ?? [], session]);
    }
    for (const [fault, clients] of late) {
      closeClients(clients, { log, level: "info", why: `: ${fault}` });
    }
  }

  /** Why to close `session`, or `undefined`. */
  #faultOf(session: TimedClient): string | undefined {
    const { writesDone, commandsRun } = session;
    const seen = this.#seen.get(session);
    if (seen === undefined) {
      const none = { unread: 0, partial: 0, idle: 0 };
      this.#seen.set(session, { writesDone, commandsRun, ...none });
      return undefined;
    }
    const hasRead = seen.writesDone !== writesDone;
    const hasAsked = seen.commandsRun !== commandsRun;
    seen.writesDone = writesDone;
    seen.commandsRun = commandsRun;
    seen.unread = session.isWriting && !hasRead ? seen.unread + 1 : 0;
    seen.partial = session.isPartial && !hasAsked ? seen.partial + 1 : 0;
    seen.idle = session.isIdle && !hasAsked ? seen.idle + 1 : 0;
    if (seen.unread >= timeoutLooks) {
      return `no reply was read for ${timeoutLooks} s`;
    }
    if (seen.partial >= timeoutLooks) {
      return `a command was not finished for ${timeoutLooks} s`;
    }
    if (seen.idle >= this.#options.idleLooks) {
      return "idle for as long as --client-idle says";
    }
    return undefined;
  }
}
