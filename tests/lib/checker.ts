// Decides, from what clients saw, whether ticketd kept its promises: every number once,
// real-time order, order on a connection and, when asked, no gap. Exact, not a sample,
// in O(n log n). It knows no servers: whoever asks for tickets writes down a record of
// each that was answered, on one monotonic clock, and hands all of them in.
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

/** At most one sentence a rule: the first violation found of each. */
export function violations(
  tickets: readonly Ticket[],
  { dense = false }: { dense?: boolean } = {},
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
  ].filter((text) => text !== undefined);
}

/** Throws when a promise was broken. */
export function checkTickets(
  tickets: readonly Ticket[],
  options?: { dense?: boolean },
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
