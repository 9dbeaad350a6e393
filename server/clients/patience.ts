// How long a client may hold what it holds: looks at all clients of an isolate once a
// second and ends those that take no replies, never finish a command or, if that is
// asked for, do nothing; and the largest, while all together hold too much memory.
// Nothing here reads a clock: time is counted in looks.

import type { ClientCount } from "../client_count.ts";
import type { ClientInfo } from "../commands/command.ts";
import { pressCollector, trim } from "../resp/slabs.ts";

/** What of a connection is looked at. */
export interface Watched {
  readonly client: ClientInfo;
  readonly memoryBytes: number;
  /** Replies are on their way; how often some of them were taken. */
  readonly isWriting: boolean;
  readonly writesDone: number;
  /** The rest of a command is waited for; how many were completed. */
  readonly isPartial: boolean;
  readonly commandsRun: number;
  readonly isIdle: boolean;
  close(): void;
  resume(): void;
}

/** Between two looks. */
export const lookMillis = 1000;
/** Looks for which replies may wait, and a command be unfinished. */
export const patienceLooks = 60;
/**
 * As many clients as leave something behind worth collecting, and how often that is done:
 * the collector gives back a little more each time.
 */
const crowdMin = 500;
const collections = 10;
/** Looks for which too much memory may be held before the largest are closed. */
const excessLooks = 2;

export type PatienceOptions = {
  readonly sessions: ReadonlySet<Watched>;
  readonly clientCount: ClientCount;
  /** Looks for which a client may do nothing; Infinity: for ever. */
  readonly idleLooks: number;
  readonly log: (level: "info" | "warning", text: string) => void;
};

/** Looks in a row at which a client was found so, and what it had done by then. */
type Seen = {
  writesDone: number;
  commandsRun: number;
  unread: number;
  partial: number;
  idle: number;
};

export class Patience {
  readonly #options: PatienceOptions;
  readonly #seen = new WeakMap<Watched, Seen>();
  #looksOverMemory = 0;
  /** The most clients since the collector was called, and calls that are still due. */
  #most = 0;
  #collectionsLeft = 0;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  look(): void {
    const { sessions, log } = this.#options;
    const ended = new Map<string, ClientInfo[]>();
    for (const session of sessions) {
      const reason = this.#judge(session);
      if (reason === undefined) continue;
      ended.set(reason, [...ended.get(reason) ?? [], session.client]);
      session.close();
    }
    for (const [reason, clients] of ended) {
      log("info", `closed ${named(clients)}: ${reason}`);
    }
    this.#relieveMemory();
    if (trim()) this.#collectionsLeft = collections;
    this.#collect();
  }

  /** After a crowd or a flood: its objects would stay for as long as nothing else is done. */
  #collect(): void {
    const here = this.#options.sessions.size;
    this.#most = Math.max(this.#most, here);
    if (this.#most - here >= crowdMin && here < this.#most / 2) {
      this.#most = here;
      this.#collectionsLeft = collections;
    }
    if (this.#collectionsLeft === 0) return;
    this.#collectionsLeft--;
    pressCollector();
  }

  /** Why to end it, or `undefined`. */
  #judge(session: Watched): string | undefined {
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
    if (seen.unread >= patienceLooks) {
      return `no reply was read for ${patienceLooks} s`;
    }
    if (seen.partial >= patienceLooks) {
      return `a command was not finished for ${patienceLooks} s`;
    }
    if (seen.idle >= this.#options.idleLooks) {
      return "idle for as long as --client-idle says";
    }
    return undefined;
  }

  /** Those that hold most are not read from; if that does not help, they are closed. */
  #relieveMemory(): void {
    const { clientCount, sessions, log } = this.#options;
    if (!clientCount.isOverMemory) {
      this.#looksOverMemory = 0;
      // It may have been over in between: whoever was held back waits for this.
      for (const session of sessions) session.resume();
      return;
    }
    if (++this.#looksOverMemory < excessLooks) return;
    const held = clientCount.memoryBytes;
    let excess = clientCount.excessBytes;
    const closed: ClientInfo[] = [];
    const largestFirst = Array.from(sessions).toSorted((a, b) =>
      b.memoryBytes - a.memoryBytes
    );
    for (const session of largestFirst) {
      // Those that hold more may be other isolates' clients, which see to it there.
      if (excess <= 0 || session.memoryBytes <= clientCount.evenShareBytes) {
        break;
      }
      excess -= session.memoryBytes;
      closed.push(session.client);
      session.close();
    }
    if (closed.length === 0) return;
    log(
      "warning",
      `closed ${named(closed)}, which held most, because the buffers of all ` +
        `clients took ${held} bytes: more than --client-memory`,
    );
  }
}

function named(clients: readonly ClientInfo[]): string {
  const [first] = clients;
  if (clients.length === 1) return `client ${first?.id} at ${first?.address}`;
  return `${clients.length} clients, the first of them ${first?.address}`;
}
