// A cluster's answers to RAFT.BACKUP, read as a backup. There are several, because one answer
// could not hold 100,000 sequences: the first has no cursor in its question, each further one
// that which the answer before ended with. An answer is a list of keys and values:
//
//   first   = format "2" · cluster id · index N · term N · members N · (id · "suffrage address")*
//             · policy any|created · sequences N · page
//   further = page
//   page    = (name · last number)* · next cursor     0: there are no more
//
// `members` tells how many pairs follow it, `sequences` how many sequences there were when the
// first answer was given. Not here: the questions (`backup.ts`), and the file (`backup_file.ts`).

import type { Reply } from "../base/resp_client.ts";
import { sequencesMaxLimit } from "../base/sequence_name.ts";
import {
  type Backup,
  type BackupMember,
  type BackupSequence,
  decodeBackup,
  encodeBackup,
} from "./backup_file.ts";

/** A backup whose pages are read one by one. */
export class BackupReader {
  readonly #head: Omit<Backup, "sequences">;
  /** Sequences that there were at the first page. */
  readonly #total: number;
  readonly #sequences: BackupSequence[] = [];
  #next = 0;

  /**
   * Reads the first answer; `taken` and `from` are what no cluster knows.
   *
   * @throws {Error} with one sentence, if it is no answer to RAFT.BACKUP
   */
  constructor(
    reply: Reply,
    { taken, from }: Pick<Backup, "taken" | "from">,
  ) {
    const pairs = new Pairs(reply);
    const format = pairs.valueOf("format");
    if (format !== "2") {
      throw new Error(
        `it answers in format ${format}, and this ticketd reads format 2: ` +
          "use the ticketd that runs there",
      );
    }
    this.#head = {
      cluster: pairs.valueOf("cluster"),
      taken,
      from,
      index: Number(pairs.valueOf("index")),
      term: Number(pairs.valueOf("term")),
      members: pairs.list("members", memberOf),
      policy: policyOf(pairs.valueOf("policy")),
    };
    this.#total = numberIn(pairs.valueOf("sequences"));
    this.#page(pairs);
  }

  /** The cursor of the next question; 0: all is read. */
  get next(): number {
    return this.#next;
  }

  /** Reads a further answer; throws as the constructor does. */
  add(reply: Reply): void {
    this.#page(new Pairs(reply));
  }

  /** The backup that was read to its end. */
  finish(): Backup {
    const sequences = this.#sequences;
    // None is ever removed, so that fewer are not the whole.
    if (this.#next !== 0 || sequences.length < this.#total) return refuse();
    const backup = { ...this.#head, sequences };
    // A reader of the file will ask for more than this: it must be content.
    return decodeBackup(encodeBackup(backup), `the answer of ${backup.from}`);
  }

  #page(pairs: Pairs): void {
    while (pairs.left > 1) this.#sequences.push(sequenceOf(pairs.next()));
    const next = numberIn(pairs.valueOf("next"));
    // A page that leads back, or nowhere, would be asked for without end.
    const isAhead = next === this.#sequences.length && next > this.#next;
    if (next !== 0 && !isAhead) return refuse();
    if (next > sequencesMaxLimit) return refuse();
    this.#next = next;
  }
}

function sequenceOf([name, last]: readonly [string, string]): BackupSequence {
  return /^\d{1,20}$/.test(last) ? { name, last: BigInt(last) } : refuse();
}

function policyOf(word: string): Backup["policy"] {
  return word === "any" || word === "created" ? word : refuse();
}

function numberIn(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : refuse();
}

function memberOf([id, text]: readonly [string, string]): BackupMember {
  const [word = "", address = ""] = text.split(/ (.*)/s);
  const suffrage = (["voter", "learner", "nonvoter"] as const)
    .find((known) => known === word);
  return suffrage === undefined ? refuse() : { id, address, suffrage };
}

function wordsIn(reply: Reply): readonly string[] {
  if (reply instanceof Error) throw reply;
  if (!Array.isArray(reply)) return refuse();
  return reply.map((word) => typeof word === "string" ? word : refuse());
}

/** Reads the pairs of an answer from the first to the last. */
class Pairs {
  readonly #words: readonly string[];
  #at = 0;

  constructor(reply: Reply) {
    this.#words = wordsIn(reply);
  }

  /** Pairs that are not read yet. */
  get left(): number {
    return (this.#words.length - this.#at) / 2;
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
    const count = numberIn(this.valueOf(key));
    if (count > this.left) return refuse();
    return Array.from({ length: count }, () => read(this.next()));
  }
}

function refuse(): never {
  throw new Error("it gives no backup: it may be another or an older server");
}
