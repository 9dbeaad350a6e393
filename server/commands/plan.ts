// What a command asks of the sequences: operations that are carried out at one moment, and how
// its reply is made of their results. A command with a plan can be asked alone, or wait in a
// MULTI until EXEC makes one group of all of them. Not here: how a plan is made of a request
// (the rows of the table), and the replies to a group that was refused (`outcome_texts.ts`).

import { assert } from "../../base/assert.ts";
import type { Operation, Result } from "../../raft/channel/operations.ts";
import type { Protocol, RespWriter } from "../resp/resp_writer.ts";

/** A command about sequences whose arguments are good. */
export type Plan = {
  /** At least one. */
  readonly operations: readonly Operation[];
  /** Writes the one reply; `results` has one result for each operation. */
  readonly write: (
    writer: RespWriter,
    results: readonly Result[],
    protocol: Protocol,
  ) => void;
};

/** A result by the type of its operation. */
type ResultOf<T extends Result["type"]> = Extract<Result, { readonly type: T }>;

/** `result`, which must be of `type`: the node answers each operation by its kind. */
export function resultOf<T extends Result["type"]>(
  result: Result | undefined,
  type: T,
): ResultOf<T> {
  assert(result?.type === type, `a result ${result?.type} for a ${type}`);
  return result as ResultOf<T>;
}

/** The plan of one operation; its reply is made of its one result. */
export function plan<T extends Result["type"]>(
  operation: Operation,
  type: T,
  write: (
    writer: RespWriter,
    result: ResultOf<T>,
    protocol: Protocol,
  ) => void,
): Plan {
  return {
    operations: [operation],
    write: (writer, [result], protocol) =>
      write(writer, resultOf(result, type), protocol),
  };
}

/** The plan that reads the last number of one sequence. */
export function planLast(
  name: string,
  write: (
    writer: RespWriter,
    last: bigint | undefined,
    protocol: Protocol,
  ) => void,
): Plan {
  return plan(
    { type: "last", name },
    "last",
    (writer, { last }, protocol) => write(writer, last, protocol),
  );
}

/** The plan that reads the last numbers of several, in their order. */
export function planLasts(
  names: readonly string[],
  write: (
    writer: RespWriter,
    lasts: readonly (bigint | undefined)[],
    protocol: Protocol,
  ) => void,
): Plan {
  return {
    operations: names.map((name) => ({ type: "last", name })),
    write: (writer, results, protocol) =>
      write(
        writer,
        results.map((result) => resultOf(result, "last").last),
        protocol,
      ),
  };
}

/** The plan of one operation whose reply is OK. */
export function planOk(operation: Operation): Plan {
  return {
    operations: [operation],
    write: (writer) => writer.simple("OK"),
  };
}
