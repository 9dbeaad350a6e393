// The operations that read all sequences: pages of names and last numbers, how many there are,
// the policy, and the pages of a backup. They read the machine and the numbers in hand of the
// moment at which their group is settled. Not here: when that is (`groups_led.ts`).

import { pageBytesMax, pageLengthMax } from "../channel/operation_limits.ts";
import type { Operation, Result } from "../channel/operations.ts";
import { sequenceBytes } from "../channel/result_codec.ts";
import type { Raft } from "../core/raft.ts";
import type { LastOf } from "./claim.ts";
import type { Machine } from "./machine.ts";

/** Where the operations read. */
export type GroupReadsOptions = {
  readonly machine: Pick<Machine, "page" | "policy" | "size" | "last">;
  /** The last number given of a sequence. */
  readonly lastOf: LastOf;
  /** The cluster's id: 32 hex digits. */
  readonly cluster: string;
};

type Pair = readonly [key: string, value: string];

/** Reads all sequences of one node that leads. */
export class GroupReads {
  readonly #raft: Raft;
  readonly #options: GroupReadsOptions;

  constructor(raft: Raft, options: GroupReadsOptions) {
    this.#raft = raft;
    this.#options = options;
  }

  /** The result of an operation that names no sequence; `undefined` of any other. */
  read(operation: Operation): Result | undefined {
    const { machine } = this.#options;
    switch (operation.type) {
      case "list":
        return this.#page(operation.cursor, operation.count);
      case "size":
        return { type: "size", size: machine.size };
      case "policy":
        return { type: "policy", policy: machine.policy };
      case "backup":
        return this.#backup(operation.cursor);
      default:
        return undefined;
    }
  }

  #page(cursor: number, count: number): Result {
    const { machine, lastOf } = this.#options;
    const page = machine.page(cursor, Math.min(count, pageLengthMax));
    const sequences: (readonly [string, bigint])[] = [];
    let bytes = 0;
    for (const [name, last] of page.sequences) {
      bytes += sequenceBytes(name);
      if (bytes > pageBytesMax) break;
      sequences.push([name, lastOf(name) ?? last]);
    }
    const next = this.#next(cursor + sequences.length);
    return { type: "page", next, sequences };
  }

  /**
   * The state after the last applied entry, as key and value. `members` and `sequences` tell
   * how many pairs follow them: id and "suffrage address", name and the last number that was
   * taken, above which no number was given by then. Later pages hold pairs of sequences alone,
   * also of those that have been created since the first.
   */
  #backup(cursor: number): Result {
    const { machine } = this.#options;
    const pairs: Pair[] = cursor === 0 ? this.#backupHead : [];
    let bytes = 0;
    let next = cursor;
    for (const [name, last] of machine.page(cursor, pageLengthMax).sequences) {
      const pair: Pair = [name, `${last}`];
      // A length of up to two bytes, and one of one.
      bytes += 2 + name.length + 1 + pair[1].length;
      if (bytes > pageBytesMax) break;
      pairs.push(pair);
      next++;
    }
    return { type: "backup", pairs, next: this.#next(next) };
  }

  get #backupHead(): Pair[] {
    const { membership, log } = this.#raft;
    const { machine, cluster } = this.#options;
    const { configuration: { servers } } = membership.at(log.lastApplied);
    return [
      ["format", "2"],
      ["cluster", cluster],
      ["index", `${log.lastApplied}`],
      ["term", `${log.termAt(log.lastApplied)}`],
      ["members", `${servers.length}`],
      ...servers.map(({ id, suffrage, address }): Pair => [
        id,
        `${suffrage} ${address}`,
      ]),
      ["policy", machine.policy],
      ["sequences", `${machine.size}`],
    ];
  }

  /** The cursor of what follows; 0 if nothing does. */
  #next(cursor: number): number {
    return cursor < this.#options.machine.size ? cursor : 0;
  }
}
