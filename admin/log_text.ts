// Puts what a log holds into words for people: entries, commands, configurations, bytes that
// nothing is known of. The bytes come from files that may be damaged: nothing here fails on
// them, and nothing that could steer a terminal is passed on. Decides nothing.

import { DecodeError, Reader } from "../base/bytes.ts";
import type {
  Configuration,
  Entry,
  HardState,
  Identity,
  Server,
} from "../raft/core/types.ts";

/** So many bytes of what is not understood are shown. */
const shownBytesMax = 64;

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
  const reader = new Reader(data);
  try {
    const text = readCommand(reader);
    reader.end();
    return text;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return `command of an unknown form, ${bytesText(data)}`;
  }
}

function readCommand(reader: Reader): string {
  const version = reader.u8();
  switch (version) {
    case 1: {
      const takes: string[] = [];
      for (let left = reader.u8(); left > 0; left--) {
        takes.push(`${shown(reader.text())} ${reader.u64()}`);
      }
      return `take ${takes.join(", ")}`;
    }
    case 2:
      return `return ${
        shown(reader.text())
      } from ${reader.big64()} to ${reader.big64()}`;
    case 3:
      return `raise ${shown(reader.text())} to ${reader.big64()}`;
    default:
      return reader.fail(`version ${version}`);
  }
}
