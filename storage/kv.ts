// The storage contract on Deno KV, for where files cannot be read (`kv_format.ts` has
// the keys and bytes). A store may hold several nodes, each under its own keys.
//
// Only the saves that the head counts exist: so what is too large for one atomic commit
// is put ahead in several, and becomes real with the head. Every commit checks the
// head's version and replaces it. A second process that opens the same store puts its
// own session into the head, and the first one's next commit fails; in a directory the
// lock refuses the second one outright.
//
// A commit fsyncs (denokv runs SQLite with synchronous=full), so `medium`, which must
// outlive the process, is the same as `high`; `low` commits in flush().

import { join } from "node:path";
import { Writer } from "../raft/core/bytes.ts";
import { type Change, readChange, writeChange } from "../raft/core/codec.ts";
import type { Identity, NodeId, Save, Saved } from "../raft/core/types.ts";
import { denoFiles, type Files } from "./files.ts";
import {
  damaged,
  decoded,
  decodeHead,
  encodeHead,
  framed,
  type Head,
  headKey,
  joined,
  nodeKey,
  saveKey,
  split,
  unframed,
} from "./kv_format.ts";
import { replay, type Replayed, wholeChange } from "./memory.ts";
import { segmentNumbers } from "./segment.ts";
import {
  type Done,
  type Durability,
  kvStoreName,
  type Log,
  type Storage,
  StorageError,
} from "./storage.ts";

export type KvOptions = {
  /** Where the store lies; `undefined`: Deno's default one, which needs no permission. */
  readonly directory: string | undefined;
  readonly node: NodeId;
  readonly durability: Durability;
  readonly log: Log;
};

// Deno KV allows 800 KiB and 1000 mutations a commit.
const commitPartsMax = 12;
const commitSavesMax = 500;
const deletesMax = 500;
/** At `low`, what may wait in memory between two flushes. */
const pendingBytesMax = 512 * 1024;

type Opened = {
  readonly versionstamp: string | null;
  readonly head: Head | undefined;
  readonly state: Replayed | undefined;
  readonly bytes: number;
};

/** Opens the store, reads it, and takes it over from whoever had it open. */
export async function openKv(options: KvOptions): Promise<Storage> {
  const { directory, node, log } = options;
  const files = directory === undefined ? undefined : denoFiles(directory);
  const path = directory && join(directory, kvStoreName);
  let kv: Deno.Kv | undefined;
  try {
    if (files !== undefined) claimDirectory(files);
    kv = await openStore(path);
    if (files !== undefined) await refuseOthers(kv, { node, files });
    const store = await takeOver(kv, { node, where: nameOf(path) });
    if (path !== undefined) warnUnlessWal(path, log);
    return new KvStorage(options, { ...store, kv, files });
  } catch (error) {
    kv?.close();
    files?.unlock();
    throw error;
  }
}

/** Whether Deno's default store, which no permission guards, holds `node`. */
export async function hasDefaultStore(node: NodeId): Promise<boolean> {
  using kv = await openStore(undefined);
  return (await kv.get(headKey(node))).versionstamp !== null;
}

function claimDirectory(files: Files): void {
  files.makeDirectory();
  files.lock();
  if (segmentNumbers(files.list() ?? []).length === 0) return;
  throw new StorageError(
    `directory ${files.directory} holds a log in files; start with --storage file, ` +
      "or with another --dir",
  );
}

/** A directory is one node's; the default store is this user's, for all of them. */
async function refuseOthers(
  kv: Deno.Kv,
  { node, files }: { node: NodeId; files: Files },
): Promise<void> {
  const owners = kv.list({ prefix: ["ticketd"] }, { limit: 1 });
  for await (const { key: [, owner] } of owners) {
    if (owner === node) continue;
    throw new StorageError(
      `directory ${files.directory} belongs to node ${
        String(owner)
      }, not to node ` +
        `${node}; start with --id ${String(owner)}, or with another --dir`,
    );
  }
}

async function openStore(path: string | undefined): Promise<Deno.Kv> {
  try {
    return await Deno.openKv(path);
  } catch (cause) {
    const message = `cannot open ${nameOf(path)}: ${reasonOf(cause)}`;
    throw new StorageError(message, { cause });
  }
}

function nameOf(path: string | undefined): string {
  return path ?? "Deno's default KV store";
}

class KvStorage implements Storage {
  readonly #kv: Deno.Kv;
  readonly #files: Files | undefined;
  readonly #node: NodeId;
  readonly #durability: Durability;

  #head: Head | undefined;
  #versionstamp: string | null;
  #state: Replayed | undefined;
  #bytes: number;

  /** Not yet committed, in order; a flush is one without parts. */
  readonly #queue: Pending[] = [];
  #queuedBytes = 0;
  #committing = false;
  #error: Error | undefined;
  #closed = false;

  constructor(
    options: KvOptions,
    opened: Opened & { kv: Deno.Kv; files: Files | undefined },
  ) {
    this.#kv = opened.kv;
    this.#files = opened.files;
    this.#node = options.node;
    this.#durability = options.durability;
    this.#head = opened.head;
    this.#versionstamp = opened.versionstamp;
    this.#state = opened.state;
    this.#bytes = opened.bytes;
  }

  get bytes(): number {
    return this.#bytes + this.#queuedBytes;
  }

  load(): Saved | undefined {
    const state = this.#state;
    this.#state = undefined;
    return state;
  }

  create(saved: Saved, done: Done): void {
    const { identity } = saved;
    this.#head = { identity, session: crypto.randomUUID(), first: 1, next: 1 };
    this.#push(wholeChange(saved), done);
    this.#commitAll();
  }

  write(save: Save, done: Done): void {
    const mustCommit = save.hardStateChanged || save.snapshot !== undefined ||
      this.#queuedBytes > pendingBytesMax || this.#error !== undefined;
    if (this.#durability === "low" && !mustCommit) {
      this.#push(save, undefined);
      queueMicrotask(done);
    } else {
      this.#push(save, done);
      this.#commitAll();
    }
  }

  flush(done: Done): void {
    this.#queue.push({ parts: [], bytes: 0, replaces: false, done });
    this.#commitAll();
  }

  close(): void {
    this.#closed = true;
    this.#kv.close();
    this.#files?.unlock();
  }

  #push(change: Change, done: Done | undefined): void {
    const writer = new Writer();
    writeChange(writer, change);
    const parts = split(writer.written);
    const bytes = writer.length;
    this.#queuedBytes += bytes;
    this.#queue.push({
      parts,
      bytes,
      replaces: change.snapshot !== undefined,
      done,
    });
  }

  /** One commit at a time; what comes meanwhile joins the next. */
  async #commitAll(): Promise<void> {
    if (this.#committing) return;
    this.#committing = true;
    // Never inside the call that handed in `done`.
    await Promise.resolve();
    while (this.#queue.length > 0 && !this.#closed) {
      let batch: Pending[] = [];
      try {
        if (this.#error !== undefined) throw this.#error;
        batch = nextBatch(this.#queue);
        await this.#commit(batch);
      } catch (error) {
        if (this.#closed) return;
        // The first error poisons; nothing is retried (PITFALLS 13).
        this.#error ??= error instanceof Error
          ? error
          : new Error(String(error));
        batch.push(...this.#queue.splice(0));
      }
      for (const { done } of batch) done?.(this.#error);
    }
    this.#committing = false;
  }

  async #commit(batch: Pending[]): Promise<void> {
    const saves = batch.filter((pending) => pending.parts.length > 0);
    if (saves.length === 0) return;
    if (this.#head === undefined) {
      throw new StorageError("write() before create()");
    }
    const old = this.#head;
    let { first, next } = old;
    let operation = this.#kv.atomic();
    for (const { parts, bytes, replaces } of saves) {
      const n = next++;
      if (replaces) {
        first = n;
        this.#bytes = 0;
      }
      this.#bytes += bytes;
      this.#queuedBytes -= bytes;
      await this.#commitAhead(n, parts);
      parts.slice(0, commitPartsMax).forEach((part, i) => {
        operation = operation.set(
          saveKey(this.#node, n, i),
          framed(part, n, i, parts.length),
        );
      });
    }
    const head = { ...old, first, next };
    operation = operation.set(headKey(this.#node), encodeHead(head));
    this.#versionstamp = await this.#checked(operation);
    this.#head = head;
    if (first > old.first) await this.#forget(old.first, first);
  }

  /** The parts that one commit has no room for; without a head they are nothing. */
  async #commitAhead(n: number, parts: Uint8Array[]): Promise<void> {
    for (
      let from = commitPartsMax;
      from < parts.length;
      from += commitPartsMax
    ) {
      let operation = this.#kv.atomic();
      parts.slice(from, from + commitPartsMax).forEach((part, i) => {
        const value = framed(part, n, from + i, parts.length);
        operation = operation.set(saveKey(this.#node, n, from + i), value);
      });
      await this.#checked(operation);
    }
  }

  /** Deletes what the head does not count any more; a crash leaves the rest to `open`. */
  async #forget(from: number, to: number): Promise<void> {
    const range = {
      start: saveKey(this.#node, from),
      end: saveKey(this.#node, to),
    };
    await deleteAll(this.#kv, range);
  }

  /** Commits only while the head is ours. */
  async #checked(operation: Deno.AtomicOperation): Promise<string> {
    const key = headKey(this.#node);
    const result = await operation.check({
      key,
      versionstamp: this.#versionstamp,
    }).commit();
    if (!result.ok) throw takenOver(this.#node);
    return result.versionstamp;
  }
}

type Pending = {
  readonly parts: Uint8Array[];
  readonly bytes: number;
  /** It carries a snapshot: all saves before it are superfluous. */
  readonly replaces: boolean;
  readonly done: Done | undefined;
};

/** From the front of `queue`, as much as one commit holds, and at least one. */
function nextBatch(queue: Pending[]): Pending[] {
  let parts = 0;
  let count = 0;
  for (const pending of queue) {
    parts += Math.min(pending.parts.length, commitPartsMax);
    if (count > 0 && (parts > commitPartsMax || count === commitSavesMax)) {
      break;
    }
    count++;
  }
  return queue.splice(0, count);
}

async function takeOver(
  kv: Deno.Kv,
  { node, where }: { node: NodeId; where: string },
): Promise<Opened> {
  const { value, versionstamp } = await kv.get<unknown>(headKey(node));
  if (versionstamp === null) {
    // What a create() that never finished put ahead.
    await deleteAll(kv, { prefix: nodeKey(node) });
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
  // What a crash left over, from before the snapshot and from after the end.
  await deleteAll(kv, {
    start: saveKey(node, 0),
    end: saveKey(node, head.first),
  });
  await deleteAll(kv, {
    start: saveKey(node, head.next),
    end: saveKey(node, Infinity),
  });
  return { versionstamp: claim.versionstamp, head, state, bytes };
}

async function readState(
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

/** The first save that counts carries a snapshot, so it is whole. */
function beginning(identity: Identity, change: Change): Replayed | undefined {
  const { hardState, snapshot } = change;
  return snapshot && { identity, hardState, snapshot, entries: [] };
}

async function deleteAll(
  kv: Deno.Kv,
  selector: Deno.KvListSelector,
): Promise<void> {
  let operation = kv.atomic();
  let count = 0;
  for await (const { key } of kv.list(selector)) {
    operation = operation.delete(key);
    if (++count % deletesMax > 0) continue;
    await operation.commit();
    operation = kv.atomic();
  }
  if (count % deletesMax > 0) await operation.commit();
}

function takenOver(node: NodeId): StorageError {
  return new StorageError(
    `another ticketd process has opened the Deno KV store of node ${node}, and this ` +
      "one must end; run only one, or give the other another --id or --dir",
  );
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) {
    return "Deno was not given the right to; add --allow-read and --allow-write, " +
      "or leave out --dir";
  }
  return error instanceof Error ? error.message : String(error);
}

/**
 * denokv only logs when SQLite refuses WAL mode (PITFALLS 5). The file's bytes 18 and
 * 19 tell. In the default store, whose path Deno does not say, nobody can look; there
 * a rollback journal would be slower but as durable.
 */
function warnUnlessWal(path: string, log: Log): void {
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
