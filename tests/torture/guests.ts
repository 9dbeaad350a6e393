// Badly behaved guests of a node's client port: each kind repeats something that would harm
// other clients, or the process, if a client could. They count what the node does about it,
// because a guest to which nothing ever happens proves nothing. The checker is told of
// tickets that they ask for and do not read, which may be used up. A visit waits without a
// deadline of its own: the end of the party closes its connection.

import { encode, ticketRequest } from "../lib/client.ts";
import { isGone, writeAll } from "./clients.ts";
import { Parted, type Party } from "./party.ts";
import type { RangeChecker } from "./range_checker.ts";

/** What the node did about a guest. */
export type Bite =
  | "told that there is no place"
  | "closed without having read"
  | "refused a long argument"
  | "refused a long name"
  | "given a list of clients"
  | "given no setting for a pattern"
  | "ended for what is no request"
  | "reset";

/** What all guests of a party have in common. */
export type Guests = {
  readonly party: Party<Bite>;
  readonly checker: RangeChecker;
  /** Some random bytes, other ones at each call. */
  noise(): Uint8Array<ArrayBuffer>;
};

type Visit = Guests & { readonly conn: Deno.TcpConn };

type Kind = {
  /** How many come at once. */
  readonly count: number;
  visit(visit: Visit): Promise<void>;
};

const utf8 = new TextEncoder();
const latin1 = new TextDecoder("latin1");
const noPlace = "-ERR max number of clients reached\r\n";
const tickets = 2000;
const ticketsBytes = utf8.encode(ticketRequest.repeat(tickets));

/** They ask for tickets, or for replies much longer than the requests, and never read. */
const deafKinds: readonly Kind[] = [
  {
    count: 60,
    visit: (visit) =>
      floods(visit, () => {
        visit.checker.unanswered(tickets);
        return ticketsBytes;
      }),
  },
  {
    count: 60,
    visit: (visit) =>
      floods(visit, () => utf8.encode(encode(["COMMAND", "DOCS"]).repeat(500))),
  },
];

/** Each does one thing, again and again. */
const workKinds: Readonly<Record<string, Kind>> = {
  /** Begin a command and do not end it. */
  halves: {
    count: 40,
    async visit({ conn, party }) {
      const [half] = encode(["ECHO", "x".repeat(60_000)]).split("x\r\n");
      await writeAll(conn, utf8.encode(half!));
      await rest(conn, party);
    },
  },
  patterns: {
    count: 3,
    visit: (visit) =>
      asks(visit, async (ask) => {
        for (const pattern of ["a".repeat(40_000), "*?".repeat(16_000)]) {
          const reply = await ask("CONFIG", "GET", pattern);
          if (reply !== "*0\r\n") throw new SyntaxError(reply);
          visit.party.bit("given no setting for a pattern");
        }
      }),
  },
  names: {
    count: 6,
    visit: (visit) =>
      asks(visit, async (ask) => {
        const { party } = visit;
        const long = await ask("CLIENT", "SETNAME", "n".repeat(64_000));
        if (!long.startsWith("-ERR Client names cannot contain")) {
          throw new SyntaxError(long);
        }
        party.bit("refused a long name");
        await ask("CLIENT", "SETNAME", "n".repeat(64));
        const list = await ask("CLIENT", "LIST");
        if (!list.startsWith("$")) throw new SyntaxError(list);
        party.bit("given a list of clients");
      }),
  },
  snapshots: {
    count: 24,
    visit: (visit) =>
      asks(visit, async (ask) => {
        await ask("RAFT.SNAPSHOT");
      }),
  },
  admins: {
    count: 6,
    visit: (visit) =>
      asks(visit, async (ask) => {
        const { party } = visit;
        const long = "x".repeat(60_000);
        for (
          const words of [
            ["RAFT.JOIN", long, long, long, long],
            ["RAFT.ADDVOTER", "2", long],
            ["RAFT.STATS"],
          ]
        ) {
          const reply = await ask(...words);
          if (/^-ERR the \w+ has more than/.test(reply)) {
            party.bit("refused a long argument");
          }
        }
      }),
  },
  /** Ask and leave before the answer, which the node sees as a reset. */
  resets: {
    count: 4,
    async visit({ conn, party }) {
      await writeAll(conn, utf8.encode(encode(["PING"]).repeat(100)));
      party.bit("reset");
    },
  },
  noise: {
    count: 4,
    async visit({ conn, party, noise }) {
      await writeAll(conn, noise());
      await rest(conn, party);
      if (!party.isOver) party.bit("ended for what is no request");
    },
  },
};

/** They come only to take places. */
const crowdKind: Kind = {
  count: 200,
  visit: async ({ conn, party }) => await rest(conn, party),
};

/** Invites all that do something and read the replies. */
export function inviteWorks(guests: Guests): void {
  for (const kind of Object.values(workKinds)) invite(kind, guests);
}

/** Invites those that never read. */
export function inviteDeaf(guests: Guests): void {
  for (const kind of deafKinds) invite(kind, guests);
}

/** Invites more than there are places; they stay. */
export function inviteCrowd(guests: Guests): void {
  invite(crowdKind, guests);
}

function invite({ count, visit }: Kind, guests: Guests): void {
  const { party } = guests;
  party.invite((conn) => visit({ ...guests, conn }), { count });
}

/** Writes without end what `make` makes, and never reads. */
async function floods(
  { conn, party }: Visit,
  make: () => Uint8Array<ArrayBuffer>,
): Promise<void> {
  try {
    while (!party.isOver) await writeAll(conn, make());
  } catch (error) {
    if (!party.isOver && isGone(error)) {
      party.bit("closed without having read");
    }
    throw error;
  }
}

/** Repeats `story`, whose requests follow each other, until the party is over. */
async function asks(
  { conn, party }: Visit,
  story: (ask: (...words: string[]) => Promise<string>) => Promise<void>,
): Promise<void> {
  const replies = new Replies(conn);
  const ask = async (...words: string[]) => {
    await writeAll(conn, utf8.encode(encode(words)));
    const reply = await replies.next();
    if (reply === noPlace) {
      party.bit("told that there is no place");
      throw new Parted();
    }
    return reply;
  };
  while (!party.isOver) await story(ask);
}

/** Sends nothing more, and reads what the node sends until it closes. */
async function rest(conn: Deno.TcpConn, party: Party<Bite>): Promise<void> {
  const chunk = new Uint8Array(1024);
  let text = "";
  for (;;) {
    const length = await conn.read(chunk);
    if (length === null) return;
    text = (text + latin1.decode(chunk.subarray(0, length))).slice(0, 100);
    if (text === noPlace) party.bit("told that there is no place");
  }
}

/** Reads whole replies as they are: a line, a bulk string with its length, or an array. */
class Replies {
  readonly #conn: Deno.TcpConn;
  readonly #chunk = new Uint8Array(64 * 1024);
  #text = "";

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  async next(): Promise<string> {
    const line = await this.#take(await this.#lineLength());
    const count = Number(line.slice(1, -2));
    if (line[0] === "$" && count >= 0) {
      return line + await this.#take(count + 2);
    }
    if (line[0] !== "*") return line;
    let all = line;
    for (let i = 0; i < count; i++) all += await this.next();
    return all;
  }

  async #lineLength(): Promise<number> {
    for (;;) {
      const end = this.#text.indexOf("\r\n");
      if (end >= 0) return end + 2;
      await this.#fill();
    }
  }

  async #take(length: number): Promise<string> {
    while (this.#text.length < length) await this.#fill();
    const taken = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    return taken;
  }

  async #fill(): Promise<void> {
    const count = await this.#conn.read(this.#chunk);
    if (count === null) throw new Parted();
    this.#text += latin1.decode(this.#chunk.subarray(0, count));
  }
}
