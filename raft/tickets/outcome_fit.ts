// Whether the outcomes that another node sends fit the groups that it was asked for. Its bytes
// were decoded (`channel/operation_codec.ts`), which does not know what they answer. Clients are
// told what stands there, so it must at least be of the right kind. Pure.

import { present } from "../../base/assert.ts";
import { int64Max } from "../../base/range.ts";
import type {
  Group,
  GroupOutcome,
  Operation,
  Result,
} from "../channel/operations.ts";

/** Whether `outcome` can be one of `group`. */
export function fitsGroup(group: Group, outcome: GroupOutcome): boolean {
  if (outcome.type === "refused") return outcome.at < group.length;
  if (outcome.type === "moved") return false; // a leader answers itself
  if (outcome.type !== "done") return true;
  const { results } = outcome;
  return results.length === group.length &&
    group.every((operation, at) =>
      fitsOperation(operation, present(results[at]))
    );
}

function fitsOperation(operation: Operation, result: Result): boolean {
  switch (operation.type) {
    case "take":
      return result.type === "taken" && result.count === operation.count &&
        (!operation.isCapped || result.last <= int64Max);
    case "raise":
    case "create":
    case "set-policy":
    case "check":
      return result.type === "done";
    case "list":
      return result.type === "page" &&
        result.sequences.length <= operation.count;
    case "last":
    case "policy":
    case "size":
    case "backup":
      return result.type === operation.type;
    default:
      return operation satisfies never;
  }
}
