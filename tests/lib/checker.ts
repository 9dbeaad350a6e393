// Decides, from what clients saw, whether ticketd kept its promises: every number once,
// real-time order, order on a connection and, when asked, no gap; and what TICKET.LAST and
// TICKET.RAISE were told of them. Exact, not a sample, in O(n log n). It knows no servers: whoever
// asks for tickets writes down a record of each that was answered, on one monotonic clock, and
// hands all of them in.
//
// A ticket that was asked for and never answered has no record; its number is burnt,
// which only density forbids.

import assert from "node:assert/strict";

/** One answered TICKET. Those of one connection stand in the order of their replies. */
export type Ticket = {
  readonly connection: number;
  /** Just before the request was sent, and just after the reply was read. */
  readonly requestedAt: number;
  readonly receivedAt: number;
  readonly number: bigint;
};

/** One answer to TICKET.LAST (its number), or an OK to TICKET.RAISE (the number raised to). */
export type Mark = {
  readonly type: "last" | "raise";
  readonly requestedAt: number;
  readonly receivedAt: number;
  readonly number: bigint;
};

/** What the checker is told beside the tickets. */
export type CheckOptions = {
  /** No number may be missing. */
  readonly dense?: boolean;
  readonly marks?: readonly Mark[];
};

/** At most one sentence a rule: the first violation found of each. */
export function violations(
  tickets: readonly Ticket[],
  { dense = false, marks = [] }: CheckOptions = {},
): string[] {
  // Among equals the last to begin comes first, so that the sweep below sees it first.
  const rising = tickets.toSorted((a, b) =>
    compare(a.number, b.number) || b.requestedAt - a.requestedAt
  );
  return [
    repeated(rising),
    againstTime(rising),
    againstConnection(tickets),
    dense ? gap(rising) : undefined,
    belowMark(tickets, marks),
    aboveLast(tickets, marks),
  ].filter((text) => text !== undefined);
}

/** Throws when a promise was broken. */
export function checkTickets(
  tickets: readonly Ticket[],
  options?: CheckOptions,
): void {
  assert.deepEqual(violations(tickets, options), []);
}

function repeated(rising: readonly Ticket[]): string | undefined {
  return firstPair(
    rising,
    (a, b) =>
      a.number === b.number
        ? `not unique: ${told(a)} and ${told(b)}`
        : undefined,
  );
}

/**
 * One that ended before another began has the smaller number. In rising order that
 * breaks exactly where a ticket ended before the latest beginning among those before it.
 */
function againstTime(rising: readonly Ticket[]): string | undefined {
  let latest: Ticket | undefined;
  for (const ticket of rising) {
    if (latest !== undefined && ticket.receivedAt < latest.requestedAt) {
      return `not in real-time order: ${told(ticket)} ended before ${
        told(latest)
      } began`;
    }
    if (latest === undefined || ticket.requestedAt > latest.requestedAt) {
      latest = ticket;
    }
  }
  return undefined;
}

function againstConnection(tickets: readonly Ticket[]): string | undefined {
  const last = new Map<number, Ticket>();
  for (const ticket of tickets) {
    const before = last.get(ticket.connection);
    if (before !== undefined && before.number >= ticket.number) {
      return `not rising on a connection: ${told(ticket)} after ${
        told(before)
      }`;
    }
    last.set(ticket.connection, ticket);
  }
  return undefined;
}

function gap(rising: readonly Ticket[]): string | undefined {
  return firstPair(
    rising,
    (a, b) =>
      b.number > a.number + 1n
        ? `not dense: ${told(b)} follows ${told(a)}`
        : undefined,
  );
}

/** A ticket that was asked for after the answer of a mark is above its number. */
function belowMark(
  tickets: readonly Ticket[],
  marks: readonly Mark[],
): string | undefined {
  const before = highestUntil(marks, ({ receivedAt }) => receivedAt);
  for (const ticket of tickets) {
    const mark = before(ticket.requestedAt);
    if (mark !== undefined && ticket.number <= mark.number) {
      return `not above ${mark.type} ${mark.number}: ${told(ticket)}`;
    }
  }
  return undefined;
}

/** A ticket that was answered before TICKET.LAST was asked is not above its answer. */
function aboveLast(
  tickets: readonly Ticket[],
  marks: readonly Mark[],
): string | undefined {
  const before = highestUntil(tickets, ({ receivedAt }) => receivedAt);
  for (const { type, number, requestedAt } of marks) {
    const ticket = type === "last" ? before(requestedAt) : undefined;
    if (ticket !== undefined && ticket.number > number) {
      return `above last ${number}, asked for at ${requestedAt}: ${
        told(ticket)
      }`;
    }
  }
  return undefined;
}

/** For a time: of those that ended before it, the one with the highest number. */
function highestUntil<Each extends { readonly number: bigint }>(
  all: readonly Each[],
  endOf: (each: Each) => number,
): (time: number) => Each | undefined {
  const byEnd = all.toSorted((a, b) => endOf(a) - endOf(b));
  const highest: Each[] = [];
  for (const each of byEnd) {
    const before = highest.at(-1);
    highest.push(
      before !== undefined && before.number > each.number ? before : each,
    );
  }
  return (time) => {
    let [from, to] = [0, byEnd.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (endOf(byEnd[middle]!) < time) from = middle + 1;
      else to = middle;
    }
    return highest[from - 1];
  };
}

function firstPair(
  rising: readonly Ticket[],
  fault: (a: Ticket, b: Ticket) => string | undefined,
): string | undefined {
  let before: Ticket | undefined;
  for (const ticket of rising) {
    const text = before && fault(before, ticket);
    if (text !== undefined) return text;
    before = ticket;
  }
  return undefined;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function told(ticket: Ticket): string {
  const { number, connection, requestedAt, receivedAt } = ticket;
  return `${number} (connection ${connection}, ${requestedAt} to ${receivedAt})`;
}
