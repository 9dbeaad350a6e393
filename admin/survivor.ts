// What an operator reads before a lost majority is given up: what the surviving node has, what
// it may lack, and which nodes must never run again, because they would give the same numbers as
// the new cluster. Words only: `recover.ts` asks and acts.

import { findServer } from "../raft/core/membership.ts";
import type { Saved } from "../raft/core/types.ts";
import type { LogState } from "./log_state.ts";
import {
  type Bound,
  policyLines,
  raised,
  warningOnLarge,
} from "./new_cluster.ts";
import type { NodeData } from "./node_data.ts";
import {
  configurationText,
  hardStateText,
  identityText,
  listedMax,
  shown,
} from "./log_text.ts";

/** The lines, in the order in which they are read. */
export function survivorLines(
  data: NodeData,
  { saved, state, skip }: {
    readonly saved: Saved;
    readonly state: LogState;
    readonly skip: bigint;
  },
): string[] {
  const { node } = saved.identity;
  const { configuration } = state;
  const written = data.writtenMillis === undefined
    ? "at a time that the system does not tell"
    : new Date(data.writtenMillis).toISOString();
  const others = configuration.servers.filter(({ id }) => id !== node);
  return [
    `${data.path} holds:`,
    `  ${identityText(saved.identity)}`,
    `  index ${state.lastIndex}, ${hardStateText(saved.hardState)}`,
    `  members: ${configurationText(configuration)}`,
    `  last written: ${written}`,
    ...numbersOf(state, skip),
    ...warningsOn(data, { node, state }),
    "",
    "It may lack every number that the other nodes gave after they last reached this",
    "one. That may be long before it was last written: a start and an election write, too.",
    "The skip must be larger than all of those together, with those that crashes burnt.",
    "Numbers are plenty: choose a large one.",
    ...skip > 0n ? [] : [
      "DANGER: with a skip of 0, numbers that the others gave and this node does not know",
      "of will be given again.",
    ],
    ...others.length === 0 ? [] : [
      "",
      "These must never run again on their present data, or numbers are given twice:",
      `  ${
        others.map(({ id, address }) => `node ${id} (${shown(address)})`)
          .join(", ")
      }`,
    ],
  ];
}

function numbersOf({ highest }: LogState, skip: bigint): string[] {
  const bound: Bound = { type: "skip", count: skip };
  const begins = raised(highest, bound);
  const lines = [...begins].slice(0, listedMax).map(([name, last]) =>
    `  ${shown(name)}: ${
      highest.get(name) ?? 0n
    } is the highest number taken ` +
    `here; with --skip ${skip} the next is above ${last}`
  );
  const more = begins.size - lines.length;
  if (more > 0) lines.push(`  and ${more} more sequences`);
  lines.push(...policyLines(bound).map((line) => `  ${line}`));
  const large = warningOnLarge(begins);
  return large === undefined ? lines : [...lines, `  ${large}`];
}

function warningsOn(
  data: NodeData,
  { node, state: { configuration } }: {
    readonly node: string;
    readonly state: LogState;
  },
): string[] {
  const lines: string[] = [];
  const self = findServer(configuration, node);
  if (self === undefined) {
    lines.push(
      `WARNING: node ${node} was removed from its cluster, and knows nothing of what`,
      "came later: prefer any other node that is left",
    );
  } else if (self.suffrage !== "voter") {
    lines.push(
      `WARNING: node ${node} is a ${self.suffrage}: no number ever waited for it, and it`,
      "may lack far more than a voter would: prefer any voter that is left",
    );
  }
  if (data.parts.some(({ content }) => content.type === "torn")) {
    lines.push(
      "WARNING: its log ends with a torn record, which is left out: it lacks the end of",
      "what was written here, too",
    );
  }
  lines.push(
    "  if it ran with --durability medium or low, and lost its power: it may lack its",
    "    own last fifth of a second, too",
  );
  return lines;
}
