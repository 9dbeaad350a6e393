// The commands of Redis that would set, lower or forget a value. They are rows of their own so
// that a client reads why they are refused, and what to do instead; no help names them, because
// COMMAND lists what there is.

import { type Command, reply } from "./command.ts";

/** Why, with the command in front, and how many arguments Redis wants at least and at most. */
type Refusal = {
  readonly because: string;
  readonly names: Readonly<
    Record<string, readonly [least: number, most?: number]>
  >;
};

const refusals: readonly Refusal[] = [
  {
    because:
      "cannot set a number; see TICKET.RAISE name n, which skips all up to n",
    names: {
      set: [2],
      append: [2, 2],
      getset: [2, 2],
      mset: [2],
      msetnx: [2],
      psetex: [3, 3],
      restore: [3],
      setex: [3, 3],
      setnx: [2, 2],
      setrange: [3, 3],
    },
  },
  {
    because: "would go back; see TICKET.RAISE, which goes forward",
    names: { decr: [1, 1], decrby: [2, 2] },
  },
  {
    because: "is not possible by fractions; see INCRBY and TICKET.RAISE",
    names: { incrbyfloat: [2, 2] },
  },
  {
    because: "would forget numbers that were given; see TICKET.RAISE",
    names: {
      del: [1],
      flushall: [0],
      flushdb: [0],
      getdel: [1, 1],
      unlink: [1],
    },
  },
  {
    because: "is not possible: a sequence never expires; see TICKET.RAISE",
    names: {
      expire: [2],
      expireat: [2],
      getex: [1],
      persist: [1, 1],
      pexpire: [2],
      pexpireat: [2],
    },
  },
  {
    because:
      "is not possible: a sequence keeps its name; see TICKET.RAISE newname n",
    names: {
      copy: [2],
      move: [2, 2],
      rename: [2, 2],
      renamenx: [2, 2],
      swapdb: [2, 2],
    },
  },
];

/** A row for each of them. */
export const refusedCommands: readonly Command[] = refusals.flatMap(
  ({ because, names }) =>
    Object.entries(names).map(([name, counts]): Command => {
      const text = `ERR tickets only rise: ${name.toUpperCase()} ${because}`;
      return {
        name,
        arguments: counts,
        flags: ["for-visitors"],
        run: (session) => reply(session).error(text),
        plan: () => text,
      };
    }),
);
