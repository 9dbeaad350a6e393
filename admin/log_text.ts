// Puts what a log holds into words for people: entries, commands, configurations, bytes that
// nothing is known of. The bytes come from files that may be damaged: nothing here fails on
// them, and nothing that could steer a terminal is passed on. Decides nothing.

import { DecodeError } from "../base/bytes.ts";
import type {
  Configuration,
  Entry,
  HardState,
  Identity,
  Server,
} from "../raft/core/types.ts";
import {
  isGroup,
  isNewerCommand,
  type ReadOperation,
  readOperations,
} from "../raft/tickets/machine_codec.ts";

/** So many bytes of what is not understood are shown. */
const shownBytesMax = 64;
/** So many sequences, or operations of one command, are shown: there may be 100,000. */
export const listedMax = 20;

/** `text` as it is, or quoted and escaped if it holds anything but visible ASCII. */
export function shown(text: string): string {
  return /^[!-~]+$/.test(text) ? text : JSON.stringify(text)
    // Escapes of JSON leave these as they are.
    .replace(
      /[\u007f-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
}

/** The first bytes in hexadecimal digits, and how many there are. */
export function bytesText(bytes: Uint8Array): string {
  const digits = bytes.subarray(0, shownBytesMax).toHex();
  const rest = bytes.length > shownBytesMax ? "…" : "";
  return `${bytes.length} bytes ${digits}${rest}`;
}

/** `node 1, cluster …, incarnation …` */
export function identityText({ cluster, node, incarnation }: Identity): string {
  return `node ${shown(node)}, cluster ${shown(cluster)}, ` +
    `incarnation ${shown(incarnation)}`;
}

/** `term 3, vote for 1` */
export function hardStateText({ currentTerm, votedFor }: HardState): string {
  const vote = votedFor === undefined ? "no vote" : `vote for ${votedFor}`;
  return `term ${currentTerm}, ${vote}`;
}

/** `1 127.0.0.1:12001 voter, 2 …`, or `no members`. */
export function configurationText({ servers }: Configuration): string {
  const texts = servers.map(serverText);
  return texts.length === 0 ? "no members" : texts.join(", ");
}

function serverText({ id, address, suffrage }: Server): string {
  return `${id} ${shown(address)} ${suffrage}`;
}

/** `17 term 3: take ticket 50` */
export function entryText(entry: Entry): string {
  const { index, term } = entry;
  const text = entry.type === "command"
    ? commandText(entry.data)
    : entry.type === "configuration"
    ? `members ${configurationText(entry.configuration)}`
    : "no-op of a new leader";
  return `${index} term ${term}: ${text}`;
}

/** A command of `raft/tickets/machine.ts`; bytes if it is of a version that is not known. */
export function commandText(data: Uint8Array): string {
  const operations = readOrNone(data);
  if (operations === undefined) {
    return `command of an unknown form, ${bytesText(data)}`;
  }
  const texts = operations.map(operationText);
  const all = texts.length === 0 ? "take nothing" : listed(texts);
  return isGroup(data) ? `all or none: ${all}` : all;
}

/** The first of many texts, and how many more there are. */
export function listed(texts: readonly string[]): string {
  const first = texts.slice(0, listedMax).join(", ");
  const more = texts.length - listedMax;
  return more > 0 ? `${first} and ${more} more` : first;
}

function readOrNone(data: Uint8Array): readonly ReadOperation[] | undefined {
  if (isNewerCommand(data)) return undefined;
  try {
    return readOperations(data);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function operationText(operation: ReadOperation): string {
  const name = "name" in operation ? `${operation.name}` : "";
  switch (operation.type) {
    case "take":
      return `take ${name} ${operation.count}` +
        (operation.isCapped ? " below 2^63" : "");
    case "take-some":
      return `take ${name} ${operation.count}`;
    case "return":
      return `return ${name} from ${operation.from} to ${operation.to}`;
    case "raise":
      return `raise ${name} to ${operation.to}`;
    case "create":
      return `create ${name} from ${operation.start} on`;
    case "set-policy":
      return `set the policy to ${operation.policy}`;
    case "policy":
      return "read the policy";
    case "last":
      return `read ${name}`;
    case "check":
      return operation.last === undefined
        ? `check that there is no ${name}`
        : `check that ${name} is at ${operation.last}`;
    default:
      return operation satisfies never;
  }
}
