// `ticketd inspect`: what the data of a stopped node are, record by record, for people or, with
// --json, as JSON Lines. It goes on behind damage as far as it can, and shows as bytes what it
// does not understand. Judges nothing beyond that: `check.ts` does. Changes nothing.

import { basename } from "node:path";
import type { Change } from "../raft/core/save_codec.ts";
import type { Entry, Snapshot } from "../raft/core/types.ts";
import { isState, Machine } from "../raft/tickets/machine.ts";
import type { Part } from "../storage/scan.ts";
import type { NodeData } from "./node_data.ts";
import { codes, type ReadOptions, withStoppedNode } from "./stopped_node.ts";
import type { Terminal } from "./terminal.ts";
import {
  bytesText,
  commandText,
  configurationText,
  entryText,
  hardStateText,
  identityText,
  listed,
  shown,
} from "./log_text.ts";

/** A longer state is shown as its sequences alone. */
const stateBytesMax = 64 * 1024;

/** Prints all records; its exit code is 1 if some are damaged. */
export async function inspect(
  options: ReadOptions,
  terminal: Terminal,
): Promise<number> {
  return await withStoppedNode(options, terminal, (data) => {
    const { kind, path, state } = data;
    // A segment names its owner in its base, a store in its head.
    if (kind === "kv" && state !== undefined) {
      const { identity } = state;
      const line = { file: path, kind: "head", ...identity };
      terminal.out(
        options.json
          ? JSON.stringify(line)
          : `${basename(path)} head: ${identityText(identity)}`,
      );
    }
    for (const part of data.parts) {
      if (options.json) terminal.out(JSON.stringify(jsonOf(part, data)));
      else for (const line of linesOf(part, data)) terminal.out(line);
    }
    const isWhole = data.parts.every(({ content: { type } }) =>
      type === "preamble" || type === "base" || type === "save" ||
      type === "torn"
    );
    if (!isWhole) terminal.error("some of it is damaged: see ticketd check");
    return isWhole ? codes.sound : codes.damaged;
  });
}

// For people.

/** `0000000000000001.log 16 +496 base …`, and an indented line for each entry. */
function linesOf(part: Part, { path, kind }: NodeData): string[] {
  const { at, bytes, content } = part;
  const place = kind === "file" ? `${at}` : `save ${at}`;
  const head = `${basename(path)} ${place} +${bytes.length} ${content.type}`;
  switch (content.type) {
    case "preamble":
      return [head];
    case "base": {
      const { number, identity, change } = content.base;
      const whose = `segment ${number}, ${identityText(identity)}`;
      return [
        `${head}: ${whose}; ${changeText(change)}`,
        ...entryLines(change),
      ];
    }
    case "save":
      return [
        `${head}: ${changeText(content.change)}`,
        ...entryLines(content.change),
      ];
    case "damaged":
    case "unreadable":
      return [`${head}: ${content.reason}; ${bytesText(bytes)}`];
    case "foreign":
    case "torn":
      return [`${head}: ${bytesText(bytes)}`];
    default:
      return content satisfies never;
  }
}

function changeText({ hardState, snapshot, entries }: Change): string {
  const parts = [hardStateText(hardState)];
  if (snapshot !== undefined) parts.push(snapshotText(snapshot));
  const [first] = entries;
  const last = entries.at(-1);
  if (first !== undefined && last !== undefined) {
    parts.push(
      first === last
        ? `entry ${first.index}`
        : `entries ${first.index} to ${last.index}`,
    );
  }
  return parts.join("; ");
}

function snapshotText(snapshot: Snapshot): string {
  const { index, term, configuration, configurationIndex, data } = snapshot;
  return `snapshot of index ${index}, term ${term}, members of index ` +
    `${configurationIndex}: ${configurationText(configuration)}, ` +
    stateText(data);
}

function stateText(data: Uint8Array): string {
  const machine = machineIn(data);
  if (machine === undefined) return `last numbers: ${bytesText(data)}`;
  const { policy, sequences } = machine;
  const lasts = listed(
    sequences.map(([name, last]) => `${shown(name)} ${last}`),
  );
  const rule = policy === "any" ? "" : `policy ${policy}, `;
  return `${rule}last numbers: ${lasts || "none"}`;
}

function entryLines({ entries }: Change): string[] {
  return entries.map((entry) => `  ${entryText(entry)}`);
}

/** The state in a snapshot; `undefined` for one of an unknown form. */
function machineIn(data: Uint8Array): Machine | undefined {
  if (!isState(data)) return undefined;
  const machine = new Machine();
  machine.restore(data);
  return machine;
}

// For programs.

function jsonOf(part: Part, { path: file, kind }: NodeData) {
  const { at, bytes, content } = part;
  const head = {
    file,
    [kind === "file" ? "offset" : "save"]: at,
    length: bytes.length,
    kind: content.type,
  };
  switch (content.type) {
    case "preamble":
      return head;
    case "base": {
      const { number, identity, change } = content.base;
      return { ...head, segment: number, ...identity, ...jsonOfChange(change) };
    }
    case "save":
      return { ...head, ...jsonOfChange(content.change) };
    case "damaged":
    case "unreadable":
      return { ...head, reason: content.reason, bytes: bytes.toHex() };
    case "foreign":
    case "torn":
      return { ...head, bytes: bytes.toHex() };
    default:
      return content satisfies never;
  }
}

function jsonOfChange({ hardState, snapshot, firstIndex, entries }: Change) {
  return {
    ...hardState,
    ...snapshot && {
      snapshot: {
        index: snapshot.index,
        term: snapshot.term,
        configurationIndex: snapshot.configurationIndex,
        members: snapshot.configuration.servers,
        ...jsonOfState(snapshot.data),
      },
    },
    firstIndex,
    entries: entries.map(jsonOfEntry),
  };
}

/** Bytes too, unless they are long and known to be nothing else. */
function jsonOfState(data: Uint8Array) {
  const machine = machineIn(data);
  return {
    ...machine && {
      policy: machine.policy,
      sequences: machine.sequences.map(([name, last]) => ({
        name,
        last: `${last}`,
      })),
    },
    ...(machine === undefined || data.length <= stateBytesMax) && {
      bytes: data.toHex(),
    },
  };
}

function jsonOfEntry(entry: Entry) {
  const { type, index, term } = entry;
  switch (entry.type) {
    case "noop":
      return { index, term, type };
    case "configuration":
      return { index, term, type, members: entry.configuration.servers };
    case "command":
      return {
        index,
        term,
        type,
        command: commandText(entry.data),
        bytes: entry.data.toHex(),
      };
    default:
      return entry satisfies never;
  }
}
