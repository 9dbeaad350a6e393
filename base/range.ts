// Tickets in a row: what a log entry takes, what a node answers, what it lends and gets
// back. Not here: whose they are. Where a take and its answer pass per batch, the two
// numbers travel as arguments `(last, count)`, because an object costs more than a copy.

/**
 * `count` tickets in a row, of which `last` is the highest: tickets `last - count + 1` to
 * `last`. If `count` is 0 it holds none.
 *
 * `{ last: 7n, count: 3 }` is 5, 6 and 7.
 */
export type Range = { readonly last: bigint; readonly count: number };

/** The last ticket that most clients can hold in an integer: it has 63 bits and a sign. */
export const int64Max = 2n ** 63n - 1n;
