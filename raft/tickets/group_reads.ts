// The operations that read all sequences: pages of names and last numbers, how many there are,
// the policy, and the pages of a backup. Not here: when they read (`groups_led.ts`), and what
// they see of their own group (`group_view.ts`).

import { pageBytesMax, pageLengthMax } from "../channel/operation_limits.ts";
import type { Operation, Result } from "../channel/operations.ts";
import { sequenceBytes } from "../channel/result_codec.ts";
import type { Raft } from "../core/raft.ts";
import type { GroupView, Sequences } from "./group_view.ts";

/** Where the operations read. */
export type GroupReadsOptions = {
  readonly machine: Sequences;
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
  read(operation: Operation, view: GroupView): Result | undefined {
    switch (operation.type) {
      case "list":
        return this.#page(operation, view);
      case "size":
        return { type: "size", size: view.size };
      case "policy":
        return { type: "policy", policy: view.policy };
      case "backup":
        return this.#backup(operation.cursor);
      default:
        return undefined;
    }
  }

  #page(
    { cursor, count }: { readonly cursor: number; readonly count: number },
    view: GroupView,
  ): Result {
    const sequences: (readonly [string, bigint])[] = [];
    let bytes = 0;
    for (const sequence of view.page(cursor, Math.min(count, pageLengthMax))) {
      bytes += sequenceBytes(sequence[0]);
      if (bytes > pageBytesMax) break;
      sequences.push(sequence);
    }
    const next = nextOf(cursor + sequences.length, view.size);
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
    return { type: "backup", pairs, next: nextOf(next, machine.size) };
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
}

/** The cursor of what follows; 0 if nothing does. */
function nextOf(cursor: number, size: number): number {
  return cursor < size ? cursor : 0;
}
