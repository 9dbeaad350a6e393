// The errors that a client gets when a group of operations was not carried out: which of them
// could not be, and why. Not here: why a take of its own was refused, whose texts are used here
// too (`tickets/refusals.ts`).

import { int64Max } from "../../base/range.ts";
import type { GroupOutcome, Operation } from "../../raft/channel/operations.ts";
import { refusalText } from "../tickets/refusals.ts";

/** The error for a group of which nothing was done; `group` as it was asked. */
export function outcomeText(
  outcome: Exclude<GroupOutcome, { readonly type: "done" }>,
  group: readonly Operation[],
): string {
  switch (outcome.type) {
    case "refused": {
      const { reason, at } = outcome;
      const operation = group[at];
      if (reason === "changed") return "ERR a watched sequence has changed";
      return refusalText(reason, {
        name: operation !== undefined && "name" in operation
          ? operation.name
          : "",
        count: operation?.type === "take" ? operation.count : 1,
      });
    }
    case "not-leader":
      return refusalText("not-leader", { name: "", count: 1 });
    case "moved":
      return refusalText({ movedTo: outcome.to }, { name: "", count: 1 });
    case "error":
      return `ERR ${outcome.text}`;
    default:
      return outcome satisfies never;
  }
}

/** For a number that the integers of many clients cannot hold, without FORCE. */
export function tooHighText(number: bigint): string {
  return `ERR ${number} is above ${int64Max}, where the integers of many clients ` +
    "end, and tickets never go back: add FORCE if you mean it";
}
