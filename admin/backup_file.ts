// The file that `ticketd backup` writes and `ticketd restore` reads. It is text that a person
// can read: a JSON document, and a last line with the checksum of everything before it.
//
//   file     = document · "sha256 " · 64 hex digits · "\n"
//   document = JSON, indented by two spaces with one sequence a line, and "\n":
//     { "format": "ticketd backup", "version": 2, "cluster": 32 hex digits,
//       "taken": ISO time, "from": client address of the node that was asked,
//       "index": number, "term": number, "members": [{ "id", "address", "suffrage" }],
//       "policy": "any" or "created", "sequences": [{ "name", "last" }] }
//
// `last` is a decimal text, because it may exceed 2^53. Version 1, which has no policy, is read
// as one of `any`. A reader trusts nothing: a file that is cut, changed or of another version is
// refused as a whole. Touches no file itself.

import { createHash } from "node:crypto";
import { utf8In } from "../base/bytes.ts";
import { isSequenceName, sequencesMaxLimit } from "../base/sequence_name.ts";
import type { Policy } from "../raft/channel/operations.ts";

/** A member of the backed-up cluster, as a text for people: a restore founds a new cluster. */
export type BackupMember = {
  readonly id: string;
  /** Where its peers dialled it. */
  readonly address: string;
  readonly suffrage: "voter" | "learner" | "nonvoter";
};

/** One sequence: no number above `last` had been given when the backup was taken. */
export type BackupSequence = {
  readonly name: string;
  /** 0 to 2^64 - 1. */
  readonly last: bigint;
};

/** The content of a backup. */
export type Backup = {
  /** 32 hex digits. */
  readonly cluster: string;
  /** When it was taken, by the clock of the machine that wrote it: ISO 8601, in UTC. */
  readonly taken: string;
  /** Client address of the node that was asked. */
  readonly from: string;
  /** The last log entry that is in it, and its term. */
  readonly index: number;
  readonly term: number;
  readonly members: readonly BackupMember[];
  readonly policy: Policy;
  /** In order of creation; names are unique. At most {@linkcode sequencesMaxLimit}. */
  readonly sequences: readonly BackupSequence[];
};

const format = "ticketd backup";
const version = 2;
/** Of a ticketd that knew no policy. */
const formerVersion = 1;
const lastMax = 2n ** 64n - 1n;
const suffrages = ["voter", "learner", "nonvoter"] as const;
const policies = ["any", "created"] as const satisfies Policy[];

/** The bytes of a backup file. */
export function encodeBackup(backup: Backup): Uint8Array<ArrayBuffer> {
  const { cluster, taken, from, index, term, members, policy } = backup;
  const document = {
    format,
    version,
    cluster,
    taken,
    from,
    index,
    term,
    members: members.map(({ id, address, suffrage }) => ({
      id,
      address,
      suffrage,
    })),
    policy,
  };
  const head = JSON.stringify(document, undefined, 2).replace(/\n\}$/, "");
  const sequences = backup.sequences.map(({ name, last }) =>
    `\n    ${JSON.stringify({ name, last: `${last}` })}`
  );
  const text = `${head},\n  "sequences": [${sequences.join(",")}\n  ]\n}\n`;
  return new TextEncoder().encode(`${text}sha256 ${digestOf(text)}\n`);
}

/**
 * The backup in `bytes`, which were read from `path`.
 *
 * @throws {Error} with one sentence that names `path`, if they are not a whole and unchanged
 * backup of this version
 */
export function decodeBackup(bytes: Uint8Array, path: string): Backup {
  const text = utf8In(bytes);
  const [, document, digest] =
    /^([^]*\n)sha256 ([0-9a-f]{64})\n$/.exec(text ?? "") ?? [];
  if (document === undefined) {
    const isOurs = text?.includes(`"${format}"`);
    return refuse(
      path,
      isOurs
        ? "is cut off or damaged: its last line is not its checksum"
        : "is no backup of ticketd",
    );
  }
  if (digest !== digestOf(document)) {
    return refuse(path, "is damaged: its checksum does not fit");
  }
  return backupIn(document, path);
}

/** The backup that a document with a right checksum describes. */
function backupIn(document: string, path: string): Backup {
  const fields = objectIn(parsed(document));
  if (fields.format !== format) return refuse(path, "is no backup of ticketd");
  const isFormer = fields.version === formerVersion;
  if (fields.version !== version && !isFormer) {
    throw new Error(
      `${path} is a backup of version ${fields.version}, and this ticketd reads ` +
        `versions ${formerVersion} and ${version}: restore it with the ticketd that made it`,
    );
  }
  const bad = (field: string) =>
    refuse(path, `holds no sound "${field}": no ticketd made it so`);
  const text = (field: string, form: RegExp): string => {
    const value = fields[field];
    return typeof value === "string" && form.test(value) ? value : bad(field);
  };
  const counter = (field: string): number => {
    const value = Number(fields[field]);
    const isNumber = typeof fields[field] === "number";
    return isNumber && Number.isSafeInteger(value) && value >= 0
      ? value
      : bad(field);
  };
  return {
    cluster: text("cluster", /^[0-9a-f]{32}$/),
    taken: text("taken", /^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    from: text("from", /^/),
    index: counter("index"),
    term: counter("term"),
    members: listIn(fields.members, memberIn) ?? bad("members"),
    policy: isFormer
      ? "any"
      : policies.find((known) => known === fields.policy) ?? bad("policy"),
    sequences: sequencesIn(fields.sequences) ?? bad("sequences"),
  };
}

function memberIn(value: unknown): BackupMember | undefined {
  const { id, address, suffrage: told } = objectIn(value);
  const suffrage = suffrages.find((known) => known === told);
  if (typeof id !== "string" || typeof address !== "string") return undefined;
  return suffrage === undefined ? undefined : { id, address, suffrage };
}

function sequencesIn(value: unknown): readonly BackupSequence[] | undefined {
  const sequences = listIn(value, (each): BackupSequence | undefined => {
    const { name, last } = objectIn(each);
    if (typeof name !== "string" || typeof last !== "string") return undefined;
    if (!isSequenceName(name)) return undefined;
    if (!/^(0|[1-9]\d{0,19})$/.test(last)) return undefined;
    return BigInt(last) > lastMax ? undefined : { name, last: BigInt(last) };
  });
  if (sequences === undefined || sequences.length > sequencesMaxLimit) {
    return undefined;
  }
  const names = new Set(sequences.map(({ name }) => name));
  return names.size === sequences.length ? sequences : undefined;
}

/** Each element of a list as `read` reads it; `undefined` if one is wrong, or it is no list. */
function listIn<Value>(
  value: unknown,
  read: (element: unknown) => Value | undefined,
): Value[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const found = value.map(read).filter((each) => each !== undefined);
  return found.length === value.length ? found : undefined;
}

/** The fields of an object; none for anything else. */
function objectIn(value: unknown): Record<string, unknown> {
  return value instanceof Object ? { ...value } : {};
}

function parsed(document: string): unknown {
  try {
    return JSON.parse(document);
  } catch {
    return undefined;
  }
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function refuse(path: string, what: string): never {
  throw new Error(`${path} ${what}; use another backup, nothing was changed`);
}
