// The storage contract on Deno KV, for where files cannot be read: opens a store and reads it.
// `kv_storage.ts` writes, `kv_format.ts` has keys and bytes. A store may hold several nodes.
//
// - Only the saves that the head counts exist. A save that is too large for one atomic commit
//   is committed ahead in several, and counts once the head counts it.
// - Every commit checks the head's version and replaces it. A second process that opens the
//   store puts its own session into the head, and the first one's next commit fails. In a
//   directory, the lock refuses the second process outright.
// - A commit fsyncs (denokv runs SQLite with synchronous=full). So `medium`, which must
//   survive the end of the process, is the same as `high`; `low` commits in flush().

import { join } from "node:path";
import type { Logger } from "../base/logger.ts";
import { type Change, readChange } from "../raft/core/save_codec.ts";
import type { Identity, NodeId } from "../raft/core/types.ts";
import { attempt, explained, isFile } from "./file_faults.ts";
import { denoFiles, fileMode, type Files } from "./files.ts";
import {
  damaged,
  decoded,
  decodeHead,
  draftKey,
  encodeHead,
  type Head,
  headKey,
  joined,
  saveKey,
  unframed,
} from "./kv_format.ts";
import { deleteSaves, takenOver } from "./kv_deletion.ts";
import { KvStorage, type Opened } from "./kv_storage.ts";
import { replay, type Replayed } from "./apply_save.ts";
import { draftName } from "./draft.ts";
import { segmentNumbers } from "./segment.ts";
import { type Durability, kvStoreName, StorageError } from "./storage.ts";

/** The store to open, and the node that owns its data. */
export type KvOptions = {
  /** Where the store lies. `undefined` is Deno's default store, which needs no permission. */
  readonly directory: string | undefined;
  readonly node: NodeId;
  readonly durability: Durability;
  readonly log: Logger;
};

/**
 * Opens the store, reads it, and takes it over from any process that has it open.
 *
 * @throws {StorageError} if it cannot be opened, is another node's, damaged or locked
 */
export async function openKv(options: KvOptions): Promise<KvStorage> {
  const { directory, node, log } = options;
  const files = directory === undefined ? undefined : denoFiles(directory);
  const path = directory && join(directory, kvStoreName);
  let kv: Deno.Kv | undefined;
  try {
    if (files !== undefined) claimDirectory(files);
    if (path !== undefined) makeStore(path);
    kv = await openStore(path);
    if (files !== undefined) await refuseOthers(kv, { node, files });
    const store = await takeOver(kv, { node, where: nameOf(path) });
    if (path !== undefined) warnUnlessWal(path, log);
    const draft = await kv.get<unknown>(draftKey(node));
    return new KvStorage({ ...store, kv, files, draft }, options);
  } catch (error) {
    kv?.close();
    files?.unlock();
    throw error;
  }
}

/** Whether Deno's default store, which needs no permission, holds data of `node`. */
export async function hasDefaultStore(node: NodeId): Promise<boolean> {
  using kv = await openStore(undefined);
  const found = await kv.getMany([headKey(node), draftKey(node)]);
  return found.some(({ versionstamp }) => versionstamp !== null);
}

function claimDirectory(files: Files): void {
  files.makeDirectory();
  files.lock();
  const names = files.list() ?? [];
  if (segmentNumbers(names).length === 0 && !names.includes(draftName)) return;
  throw new StorageError(
    `directory ${files.directory} holds a log in files; start with --storage file, ` +
      "or with another --dir",
  );
}

/**
 * Makes an empty file for a new store, because SQLite would follow a symbolic link, and would
 * let everybody read what it makes. It takes an empty file for a new store, and gives that
 * file's mode to the files beside it.
 */
function makeStore(path: string): void {
  attempt("open", path, () => {
    // SQLite refuses these as well, but does not say why.
    for (const beside of ["-wal", "-shm"]) isFile(path + beside);
    if (isFile(path)) return;
    const options = { write: true, createNew: true, mode: fileMode };
    Deno.openSync(path, options).close();
  });
}

/** Refuses a directory that another node uses. The default store may hold many nodes. */
async function refuseOthers(
  kv: Deno.Kv,
  { node, files }: { node: NodeId; files: Files },
): Promise<void> {
  const owners = kv.list({ prefix: ["ticketd"] }, { limit: 1 });
  for await (const { key: [, owner] } of owners) {
    if (owner === node) continue;
    const name = String(owner);
    throw new StorageError(
      `directory ${files.directory} belongs to node ${name}, not to node ${node}; ` +
        `start with --id ${name}, or with another --dir`,
    );
  }
}

/** Opens the store at `path`, or the default one; throws a {@linkcode StorageError} if it cannot. */
export async function openStore(path: string | undefined): Promise<Deno.Kv> {
  try {
    return await Deno.openKv(path);
  } catch (cause) {
    throw explained("open", nameOf(path), cause);
  }
}

function nameOf(path: string | undefined): string {
  return path ?? "Deno's default KV store";
}

async function takeOver(
  kv: Deno.Kv,
  { node, where }: { node: NodeId; where: string },
): Promise<Omit<Opened, "kv" | "files" | "draft">> {
  let { value, versionstamp } = await kv.get<unknown>(headKey(node));
  if (versionstamp === null) {
    // An unfinished create() may have committed parts ahead.
    await deleteSaves(kv, { node, from: 0, to: Infinity, versionstamp });
    return { versionstamp, head: undefined, state: undefined, bytes: 0 };
  }
  const found = decodeHead(value, { where, node });
  const { state, bytes } = await readState(kv, found, where);
  const head = { ...found, session: crypto.randomUUID() };
  const claim = await kv.atomic()
    .check({ key: headKey(node), versionstamp })
    .set(headKey(node), encodeHead(head))
    .commit();
  if (!claim.ok) throw takenOver(node);
  versionstamp = claim.versionstamp;
  // A crash may have left saves from before the snapshot and from after the end.
  await deleteSaves(kv, { node, from: 0, to: head.first, versionstamp });
  await deleteSaves(kv, { node, from: head.next, to: Infinity, versionstamp });
  return { versionstamp, head, state, bytes };
}

/**
 * The state that the saves of `head` leave, and their bytes.
 *
 * @throws {StorageError} if one of them is missing or damaged
 */
export async function readState(
  kv: Deno.Kv,
  head: Head,
  where: string,
): Promise<{ state: Replayed; bytes: number }> {
  const { node } = head.identity;
  const range = {
    start: saveKey(node, head.first),
    end: saveKey(node, head.next),
  };
  let state: Replayed | undefined;
  let bytes = 0;
  let n = head.first;
  let parts: Uint8Array[] = [];
  for await (const { key, value } of kv.list<unknown>(range)) {
    const found = unframed(value, n, parts.length);
    if (key[3] !== n || key[4] !== parts.length || found === undefined) break;
    parts.push(found.part);
    if (parts.length < found.count) continue;
    const payload = joined(parts);
    const change = decoded(payload, readChange, `save ${n} in ${where}`);
    if (state === undefined) state = beginning(head.identity, change);
    if (state === undefined) break;
    replay(state, change);
    bytes += payload.length;
    parts = [];
    n++;
  }
  if (n < head.next || state === undefined) {
    throw damaged(
      `save ${n} in ${where}`,
      `missing or unreadable, part ${parts.length}`,
    );
  }
  return { state, bytes };
}

/** The state of the first save that counts: it carries a snapshot, so it is whole. */
function beginning(identity: Identity, change: Change): Replayed | undefined {
  const { hardState, snapshot } = change;
  return snapshot && { identity, hardState, snapshot, entries: [] };
}

/**
 * denokv does not fail when SQLite refuses WAL mode (PITFALLS 5), but the file's bytes 18 and
 * 19 tell. Deno does not say where the default store lies, so that one goes unchecked: with a
 * rollback journal it would be slower, but as durable.
 */
function warnUnlessWal(path: string, log: Logger): void {
  const header = new Uint8Array(20);
  try {
    using file = Deno.openSync(path);
    file.readSync(header);
  } catch {
    return;
  }
  if (header[18] === 2 && header[19] === 2) return;
  log(
    "warning",
    `${path} does not run in SQLite's WAL mode: commits will be slow`,
  );
}
