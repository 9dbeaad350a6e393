// What is to be said of a stopped node's data: damage, meaning that cannot be right, and notes
// on what is harmless. Each finding names file and place, what is there, and what it means for
// the operator. `check.ts` prints them. Nothing is read or changed here.

import { basename } from "node:path";
import { findServer } from "../raft/core/membership.ts";
import { draftName, temporaryDraftName } from "../storage/draft.ts";
import { segmentNumbers, temporaryName } from "../storage/segment.ts";
import type { Part } from "../storage/scan.ts";
import type { LogState } from "./log_state.ts";
import { wrongsIn } from "./meaning.ts";
import type { NodeData } from "./node_data.ts";

/** One finding. */
export type Finding = {
  /** A `note` alone leaves the data sound. */
  readonly severity: "damage" | "wrong" | "note";
  readonly file: string;
  /** Offset in the file; in a Deno KV store, the number of a save. `undefined`: all of it. */
  readonly at: number | undefined;
  readonly text: string;
};

const remedy = "a start refuses this. Restore the directory from a copy, or " +
  "remove this node from its cluster and let it join anew with an empty directory";

/** All findings, in the order of their places. */
export function findingsIn(
  data: NodeData,
  state: LogState | undefined,
): Finding[] {
  const file = basename(data.path);
  const owner = data.state?.identity;
  const findings: Finding[] = [
    ...data.parts.flatMap((part) => ofPart(part, file))
      .map((finding) => inOwnWords(finding, data)),
    ...wrongsIn(data.parts, owner).map(({ at, text }): Finding => ({
      severity: "wrong",
      file,
      at,
      text: `${text}: no ticketd writes this, or a newer one does; ${remedy}`,
    })),
  ].toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0));
  const isKnown = findings.some(({ severity }) => severity !== "note");
  const whole = (severity: Finding["severity"], text: string) =>
    findings.push({ severity, file, at: undefined, text });
  if (data.draftFault !== undefined) {
    const { draftFault: text } = data;
    // A start goes on without it.
    findings.push({
      severity: "note",
      file: data.kind === "file" ? draftName : file,
      at: undefined,
      text,
    });
  }
  if (isKnown) return [...findings, ...notesOn(data, state)];
  if (data.refusal !== undefined) whole("damage", data.refusal);
  else if (state === undefined) whole("wrong", "its entries cannot be applied");
  return [...findings, ...notesOn(data, state)];
}

/** A start looks at the first bytes first, and tells a newer format from damage. */
function inOwnWords(finding: Finding, { refusal }: NodeData): Finding {
  if (finding.at !== 0 || refusal === undefined) return finding;
  return { ...finding, text: refusal };
}

function ofPart(
  { at, bytes: { length }, content }: Part,
  file: string,
): Finding[] {
  switch (content.type) {
    case "preamble":
    case "base":
    case "save":
      return [];
    case "damaged": {
      const text = `${length} bytes are damaged (${content.reason}), and was ` +
        `once durable; ${remedy}`;
      return [{ severity: "damage", file, at, text }];
    }
    case "foreign": {
      const text =
        "a record of another segment, or of an earlier use of this " +
        `file: the disk lost a write, here or before; ${remedy}`;
      return [{ severity: "damage", file, at, text }];
    }
    case "unreadable": {
      const text = `a record with a right checksum that means nothing ` +
        `(${content.reason}): a newer ticketd wrote it, or somebody edited it; ` +
        remedy;
      return [{ severity: "damage", file, at, text }];
    }
    case "torn": {
      const nature = content.isZeros ? "zeros" : "no whole record";
      const text =
        `a torn tail of ${length} bytes (${nature}): a start cuts it. ` +
        "A write that a crash cut short looks so, and nothing that was " +
        "acknowledged at durability high was in it; damage to the very last " +
        "record looks the same";
      return [{ severity: "note", file, at, text }];
    }
    default:
      return content satisfies never;
  }
}

function notesOn(data: NodeData, state: LogState | undefined): Finding[] {
  const notes = data.leftovers.map((file): Finding => ({
    severity: "note",
    file,
    at: undefined,
    text: leftoverText(file),
  }));
  const { state: saved } = data;
  if (state === undefined || saved === undefined) return notes;
  const note = (text: string) =>
    notes.push({
      severity: "note",
      file: basename(data.path),
      at: undefined,
      text,
    });
  const { configuration } = state;
  if (configuration.servers.length === 0) {
    note("it knows no members: it was made to join a cluster, and has not yet");
    return notes;
  }
  const { votedFor } = saved.hardState;
  if (votedFor !== undefined && !findServer(configuration, votedFor)) {
    note(`its last vote is for ${votedFor}, which is no member any more`);
  }
  if (!findServer(configuration, data.node)) {
    note(`node ${data.node} is no member of its own cluster any more`);
  }
  return notes;
}

function leftoverText(name: string): string {
  if (name === temporaryName) {
    return "a segment that a crash left unfinished; harmless, a start writes over it";
  }
  if (name === draftName) {
    return "what this node agreed to when its cluster was founded; a start reads it, keep it";
  }
  if (name === temporaryDraftName) {
    return "a draft that a crash left unfinished; harmless, a start leaves it alone";
  }
  return segmentNumbers([name]).length > 0
    ? "an older segment that a crash left behind; harmless, a start removes it"
    : "not of a log; a start leaves it alone";
}
