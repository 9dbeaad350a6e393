// A stopped node's directory, and a terminal that is played, for tests of the tools in `admin/`.

import type { Saved } from "../../raft/core/types.ts";
import {
  defaultSequence,
  sequencesMaxDefault,
} from "../../base/sequence_name.ts";
import {
  encodeBatch,
  type SequenceOperation,
} from "../../raft/tickets/machine.ts";
import type { Entry, Save } from "../../raft/core/types.ts";
import type { ToolNode } from "../../admin/node_place.ts";
import type { Terminal } from "../../admin/terminal.ts";
import { denoFiles } from "../../storage/files.ts";
import { openKv } from "../../storage/kv.ts";
import type { Storage } from "../../storage/storage.ts";
import { Wal } from "../../storage/wal.ts";
import { finished } from "./storage_conformance.ts";
import { foundedBy, membersOf } from "./nodes.ts";

/** A terminal at which `answer` is typed to every question. */
export class PlayedTerminal implements Terminal {
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  readonly questions: string[] = [];
  readonly isTerminal = false;
  answer: string | undefined;

  constructor(answer?: string) {
    this.answer = answer;
  }

  out(line: string): void {
    this.lines.push(line);
  }

  error(line: string): void {
    this.errors.push(line);
  }

  ask(question: string): Promise<string | undefined> {
    this.questions.push(question);
    return Promise.resolve(this.answer);
  }

  /** All that was said. */
  get text(): string {
    return [...this.lines, ...this.errors].join("\n");
  }
}

/** As the command line names node `id` of `dir`. */
export function toolNode(
  dir: string,
  { id = "a", ...more }: Partial<ToolNode> = {},
): ToolNode {
  const advertise = "a.example:1";
  return { id, idGiven: true, dir, storage: "auto", advertise, ...more };
}

/** The storage of node `a` in `directory`. */
export async function openStorage(
  directory: string,
  kind: "file" | "kv" = "file",
): Promise<Storage> {
  const options = { node: "a", durability: "high" as const, log() {} };
  return kind === "kv"
    ? await openKv({ ...options, directory })
    : new Wal({ ...options, files: denoFiles(directory) });
}

/** The state that a start of node `a` finds in `directory`. */
export async function stateIn(
  directory: string,
  kind: "file" | "kv" = "file",
): Promise<Saved | undefined> {
  const storage = await openStorage(directory, kind);
  try {
    return storage.load();
  } finally {
    storage.close();
  }
}

/** The entry at `index` that takes `count` tickets in term 1. */
export function take(index: number, count: number): Entry {
  const name = defaultSequence;
  return commandOf(index, { type: "take", name, count, isCapped: false });
}

/** The entry at `index` that carries out `operations` in term 1, each by itself. */
export function commandOf(
  index: number,
  ...operations: readonly SequenceOperation[]
): Entry {
  const data = encodeBatch(operations, { sequencesMax: sequencesMaxDefault });
  return { type: "command", index, term: 1, data };
}

/** The first content of the disk of node `a`, one of three voters, and takes of 10, 20, 30. */
export const beginning = foundedBy("a", membersOf("abc"));
export const takes = [take(2, 10), take(3, 20), take(4, 30)];

/** Makes such a node in `directory`, which is stopped then: one save a take. */
export async function makeNode(
  directory: string,
  { kind = "file", first = beginning, entries = takes }: {
    readonly kind?: "file" | "kv";
    readonly first?: Saved;
    readonly entries?: readonly Entry[];
  } = {},
): Promise<void> {
  const storage = await openStorage(directory, kind);
  storage.load();
  await finished((done) => storage.create(first, done));
  for (const [i, entry] of entries.entries()) {
    const save: Save = {
      number: i + 1,
      hardState: first.hardState,
      mustSync: false,
      snapshot: undefined,
      firstIndex: entry.index,
      entries: [entry],
    };
    await finished((done) => storage.write(save, done));
  }
  storage.close();
}
