// The founding draft as bytes: a short text beside the log, in which a node keeps what it has
// agreed to before its cluster exists (`raft/members/proposal.ts` says what stands in it).
// A file log keeps it in the file `founding`, Deno KV under a key of its own. It is written
// whole and never appended to, so a bad checksum is damage and no torn write.
//
//   draft = "ticketd founding 1 " · CRC-32 of the text, 8 hex digits · "\n" · text in UTF-8

import { crc32 } from "node:zlib";
import { utf8In } from "../base/bytes.ts";
import { StorageError } from "./storage.ts";

/** The file of a data directory that holds the draft. */
export const draftName = "founding";
/** The file in which a draft is written, before it takes the place of the former one. */
export const temporaryDraftName = `${draftName}.tmp`;

const version = "1";

/** The bytes of a draft. */
export function encodeDraft(text: string): Uint8Array {
  const header = `ticketd founding ${version} ${checksumOf(text)}\n`;
  return new TextEncoder().encode(header + text);
}

/**
 * The inverse of {@linkcode encodeDraft}; `where` names the draft in messages.
 *
 * @throws {StorageError} if it is damaged, or of another format
 */
export function decodeDraft(value: unknown, where: string): string {
  const content = value instanceof Uint8Array ? utf8In(value) : undefined;
  const match = /^ticketd founding (\d+) ([0-9a-f]{8})\n([^]*)$/.exec(
    content ?? "",
  );
  const [, format, checksum, text = ""] = match ?? [];
  if (format !== undefined && format !== version) {
    throw new StorageError(
      `${where} has format ${format}, this ticketd knows ${version}; ` +
        "start the newer ticketd that wrote it",
    );
  }
  if (format !== undefined && checksum === checksumOf(text)) return text;
  throw new StorageError(
    `${where} is damaged; nothing was changed. It holds what this node has agreed to ` +
      "before its cluster began: beside a log, remove it; without a log, empty the " +
      "directory; then start the node again",
  );
}

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}
