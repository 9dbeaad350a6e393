// `ticketd restore`: begins a new cluster with the numbers of a backup, in an empty directory.
// The backup is older than the cluster that it was taken of, so the operator says how far above
// it the new one begins. A crash leaves the directory without data or with all of them, because
// the storage of a node creates them. Not here: the file's format (`backup_file.ts`), and which
// state is written (`new_cluster.ts`).
//
//   exit code 0  restored
//             1  refused, and nothing was changed; or a fault of the disk

import { join } from "node:path";
import { parseAddress } from "../base/address.ts";
import { exitCodes } from "../base/exit_codes.ts";
import type { Saved } from "../raft/core/types.ts";
import { attempt } from "../storage/file_faults.ts";
import { denoFiles, lockName } from "../storage/files.ts";
import { openKv } from "../storage/kv.ts";
import { temporaryName } from "../storage/segment.ts";
import { kvStoreNames, type Storage } from "../storage/storage.ts";
import { Wal } from "../storage/wal.ts";
import { type Backup, decodeBackup } from "./backup_file.ts";
import {
  type Bound,
  newIdentity,
  policyLines,
  raised,
  restored,
  warningOnLarge,
} from "./new_cluster.ts";
import type { ToolNode } from "./node_place.ts";
import { needRight } from "./rights.ts";
import { openProgress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";
import { listed, listedMax, shown } from "./log_text.ts";

/** The command line. */
export type RestoreOptions = {
  /** The backup file. */
  readonly path: string;
  /** The first node of the new cluster; its `advertise` is where others will dial it. */
  readonly node: ToolNode;
  readonly bound: Bound;
};

/** Carries it out; its exit code. */
export async function restore(
  options: RestoreOptions,
  terminal: Terminal,
): Promise<number> {
  const progress = await openProgress(terminal);
  try {
    const { path, node, bound } = options;
    const directory = join(node.dir, node.id);
    for (const place of [path, node.dir]) needRight("read", place);
    needRight("write", node.dir);
    refuseFull(directory, node.storage);
    progress.begin("reading", 1);
    const bytes = attempt("read", path, () => Deno.readFileSync(path));
    const backup = decodeBackup(bytes, path);
    progress.at(1);
    progress.begin("writing", backup.sequences.length);
    const identity = newIdentity(node.id);
    const address = node.advertise;
    const saved = restored(backup, { bound, identity, address });
    await create(saved, directory, node.storage);
    progress.at(backup.sequences.length);
    progress.end();
    report(backup, { saved, directory, options, terminal });
    return exitCodes.done;
  } catch (error) {
    progress.end();
    terminal.error(error instanceof Error ? error.message : String(error));
    return exitCodes.fault;
  }
}

/** @throws {Error} if `directory` holds anything but what an unfinished restore leaves */
function refuseFull(directory: string, storage: ToolNode["storage"]): void {
  const harmless = [lockName, temporaryName, "lost+found"];
  // A store without a head: opening it tells one that holds a node.
  if (storage === "kv") {
    harmless.push(...kvStoreNames);
  }
  const names = denoFiles(directory).list() ?? [];
  const [first] = names.filter((name) => !harmless.includes(name)).toSorted();
  if (first === undefined) return;
  throw new Error(
    `${directory} is not empty (it holds ${
      shown(first)
    }); restore into an empty ` +
      "directory with --dir or --id, nothing was changed",
  );
}

async function create(
  saved: Saved,
  directory: string,
  kind: ToolNode["storage"],
): Promise<void> {
  const { node } = saved.identity;
  const options = { node, durability: "high" as const, log: () => {} };
  const storage: Storage = kind === "kv"
    ? await openKv({ ...options, directory })
    : new Wal({ ...options, files: denoFiles(directory) });
  try {
    if (storage.load() !== undefined || storage.readDraft() !== undefined) {
      throw new Error(
        `${directory} holds the data of a node; restore into an empty directory ` +
          "with --dir or --id, nothing was changed",
      );
    }
    await new Promise<void>((resolve, reject) =>
      storage.create(saved, (error) => error ? reject(error) : resolve())
    );
  } finally {
    storage.close();
  }
}

function report(backup: Backup, { saved, directory, options, terminal }: {
  readonly saved: Saved;
  readonly directory: string;
  readonly options: RestoreOptions;
  readonly terminal: Terminal;
}): void {
  const { bound, node: { id, dir, advertise } } = options;
  const { identity: { cluster } } = saved;
  const known = new Map(backup.sequences.map(({ name, last }) => [name, last]));
  terminal.out(
    `node ${id} of the new cluster ${cluster} is in ${directory}, from the backup ` +
      `of ${backup.taken} of cluster ${backup.cluster}`,
  );
  const begins = raised(known, bound);
  for (const line of beginLines(begins, known)) terminal.out(line);
  // A skip of 0, or a bound below the backup, is an --exact that was not meant as one.
  const [first, ...more] = [...begins]
    .filter(([name, last]) => last === (known.get(name) ?? 0n))
    .map(([name]) => shown(name));
  if (first !== undefined) {
    const which = begins.size === 1 ? "" : ` of ${listed([first, ...more])}`;
    terminal.error(
      `warning: every number${which} that was given after ${backup.taken} will be ` +
        "given again",
    );
  }
  for (const line of policyLines(bound)) terminal.out(line);
  const large = warningOnLarge(begins);
  if (large !== undefined) terminal.error(large);
  terminal.out(
    "next: make sure that no node of the old cluster runs any more;",
  );
  terminal.out(`  start this one with --id ${id} --dir ${dir};`);
  terminal.out("  start the others with empty directories and --join");
  if (parseAddress(advertise)?.host === "") {
    terminal.out(
      `  other hosts cannot dial "${advertise}": before they join, send ` +
        `RAFT.ADDVOTER ${id} HOST${advertise}`,
    );
  }
}

/** Where the first sequences begin, one a line, and how many more there are. */
function beginLines(
  begins: ReadonlyMap<string, bigint>,
  known: ReadonlyMap<string, bigint>,
): string[] {
  const lines = [...begins].slice(0, listedMax).map(([name, last]) =>
    `  ${shown(name)}: ${known.get(name) ?? 0n} in the backup, ` +
    `the next is above ${last}`
  );
  const more = begins.size - lines.length;
  return more > 0 ? [...lines, `  and ${more} more sequences`] : lines;
}
