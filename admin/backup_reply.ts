// A cluster's answer to RAFT.BACKUP, read as a backup. The answer is a list of keys and values
// in this order; `members` and `sequences` tell how many pairs follow them:
//
//   format "1" · cluster id · index N · term N ·
//   members N · (id · "suffrage address")* · sequences N · (name · last number)*
//
// Not here: the question (`backup.ts`), and the file that is made of it (`backup_file.ts`).

import type { Reply } from "../base/resp_client.ts";
import {
  type Backup,
  type BackupMember,
  type BackupSequence,
  decodeBackup,
  encodeBackup,
} from "./backup_file.ts";

/**
 * The backup that `reply` holds, with the two fields that no cluster knows.
 *
 * @throws {Error} with one sentence, if it is no answer to RAFT.BACKUP
 */
export function backupOf(
  reply: Reply,
  { taken, from }: Pick<Backup, "taken" | "from">,
): Backup {
  if (reply instanceof Error) throw reply;
  const pairs = new Pairs(wordsIn(reply));
  const format = pairs.valueOf("format");
  if (format !== "1") {
    throw new Error(
      `it answers in format ${format}, and this ticketd reads format 1: ` +
        "use the ticketd that runs there",
    );
  }
  const backup: Backup = {
    cluster: pairs.valueOf("cluster"),
    taken,
    from,
    index: Number(pairs.valueOf("index")),
    term: Number(pairs.valueOf("term")),
    members: pairs.list("members", memberOf),
    sequences: pairs.list("sequences", ([name, last]): BackupSequence => {
      if (!/^\d{1,20}$/.test(last)) return refuse();
      return { name, last: BigInt(last) };
    }),
  };
  if (!pairs.hasEnded) return refuse();
  // A reader of the file will ask for more than this: it must be content.
  return decodeBackup(encodeBackup(backup), `the answer of ${from}`);
}

function memberOf([id, text]: readonly [string, string]): BackupMember {
  const [word = "", address = ""] = text.split(/ (.*)/s);
  const suffrage = (["voter", "learner", "nonvoter"] as const)
    .find((known) => known === word);
  return suffrage === undefined ? refuse() : { id, address, suffrage };
}

function wordsIn(reply: Reply): readonly string[] {
  if (!Array.isArray(reply)) return refuse();
  return reply.map((word) => typeof word === "string" ? word : refuse());
}

/** Reads the pairs of an answer from the first to the last. */
class Pairs {
  readonly #words: readonly string[];
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  get hasEnded(): boolean {
    return this.#at === this.#words.length;
  }

  next(): readonly [string, string] {
    const [key, value] = this.#words.slice(this.#at, this.#at += 2);
    return key === undefined || value === undefined ? refuse() : [key, value];
  }

  valueOf(key: string): string {
    const [found, value] = this.next();
    return found === key ? value : refuse();
  }

  list<Value>(
    key: string,
    read: (pair: readonly [string, string]) => Value,
  ): Value[] {
    const count = Number(this.valueOf(key));
    if (!Number.isSafeInteger(count) || count < 0) return refuse();
    if (count > this.#words.length) return refuse();
    return Array.from({ length: count }, () => read(this.next()));
  }
}

function refuse(): never {
  throw new Error("it gives no backup: it may be another or an older server");
}
