// An open store of Deno KV: gathers saves and commits them, one commit at a time. Saves that
// come during a commit join the next. `kv.ts` opens the store, and says what a commit must
// be; `kv_format.ts` has the bytes.

import { assert } from "../base/assert.ts";
import { Writer } from "../base/bytes.ts";
import { type Change, writeChange } from "../raft/core/save_codec.ts";
import type { NodeId, Save, Saved } from "../raft/core/types.ts";
import type { Files } from "./files.ts";
import { decodeDraft, encodeDraft } from "./draft.ts";
import {
  draftKey,
  encodeHead,
  framed,
  type Head,
  headKey,
  partBytesMax,
  saveKey,
  split,
} from "./kv_format.ts";
import { type Replayed, wholeChange } from "./apply_save.ts";
import {
  type Done,
  type Durability,
  type Storage,
  StorageError,
} from "./storage.ts";

// Deno KV allows 800 KiB and 1,000 mutations a commit, and 64 KiB a value (a part).
const commitPartsMax = 12;
const commitBytesMax = commitPartsMax * partBytesMax;
const mutationsMax = 500;
/** At `low`, the bytes that may wait in memory between two flushes. */
const pendingBytesMax = 512 * 1024;

/** A store that `kv.ts` has opened, and the content that it has read. */
export type Opened = {
  readonly kv: Deno.Kv;
  /** Holds the directory's lock; `undefined` for the default store. */
  readonly files: Files | undefined;
  /** The head's, which the next commit must find unchanged. */
  readonly versionstamp: string | null;
  /** `undefined` before the first create(), like `state`. */
  readonly head: Head | undefined;
  readonly state: Replayed | undefined;
  /** Bytes of the saves that count. */
  readonly bytes: number;
  /** The value of the draft, and its version, which the next draft must find unchanged. */
  readonly draft: Pick<Deno.KvEntryMaybe<unknown>, "value" | "versionstamp">;
};

/** The storage contract on an open store. */
export class KvStorage implements Storage {
  readonly #kv: Deno.Kv;
  readonly #files: Files | undefined;
  readonly #node: NodeId;
  readonly #durability: Durability;

  #head: Head | undefined;
  #versionstamp: string | null;
  #state: Replayed | undefined;
  #bytes: number;
  #draft: Opened["draft"];

  /** Not yet committed, in order; a flush has no parts. */
  readonly #queue: Pending[] = [];
  #queuedBytes = 0;
  #committing = false;
  #error: Error | undefined;
  #closed = false;
  /** The next commit removes the draft of the former cluster's founding. */
  #dropsDraft = false;

  constructor(
    opened: Opened,
    { node, durability }: { node: NodeId; durability: Durability },
  ) {
    this.#kv = opened.kv;
    this.#files = opened.files;
    this.#node = node;
    this.#durability = durability;
    this.#head = opened.head;
    this.#versionstamp = opened.versionstamp;
    this.#state = opened.state;
    this.#bytes = opened.bytes;
    this.#draft = opened.draft;
  }

  get bytes(): number {
    return this.#bytes + this.#queuedBytes;
  }

  load(): Saved | undefined {
    const state = this.#state;
    this.#state = undefined;
    return state;
  }

  readDraft(): string | undefined {
    const { value, versionstamp } = this.#draft;
    if (versionstamp === null) return undefined;
    return decodeDraft(value, `the draft of node ${this.#node} in Deno KV`);
  }

  writeDraft(draft: string, done: Done): void {
    this.#commitDraft(encodeDraft(draft)).then(
      () => done(),
      (error) => done(this.#error ??= error),
    );
  }

  create(saved: Saved, done: Done): void {
    const { identity } = saved;
    this.#head = { identity, session: crypto.randomUUID(), first: 1, next: 1 };
    this.#push(wholeChange(saved), done);
    this.#commitAll();
  }

  /**
   * Puts `saved` in the place of the whole content, under its identity, in one atomic commit
   * (`ticketd recover`). Comes after `load`, and nothing else comes after it.
   */
  replace(saved: Saved, done: Done): void {
    assert(this.#head !== undefined, "replace() before create()");
    this.#head = { ...this.#head, identity: saved.identity };
    this.#dropsDraft = true;
    this.#push(wholeChange(saved), done);
    this.#commitAll();
  }

  write(save: Save, done: Done): void {
    const mustCommit = save.mustSync || save.snapshot !== undefined ||
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

  async #commitAll(): Promise<void> {
    if (this.#committing) return;
    this.#committing = true;
    // `done` must not run inside the call that was given it.
    await Promise.resolve();
    while (this.#queue.length > 0 && !this.#closed) {
      let batch: Pending[] = [];
      try {
        if (this.#error !== undefined) throw this.#error;
        batch = nextBatch(this.#queue);
        await this.#commit(batch);
      } catch (error) {
        if (this.#closed) return;
        // The first error ends everything; nothing is retried (PITFALLS 13).
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
    const operation = this.#kv.atomic();
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
        operation.set(
          saveKey(this.#node, n, i),
          framed(part, n, i, parts.length),
        );
      });
    }
    const head = { ...old, first, next };
    operation.set(headKey(this.#node), encodeHead(head));
    if (this.#dropsDraft) operation.delete(draftKey(this.#node));
    this.#versionstamp = await this.#checked(operation);
    this.#head = head;
    if (first === old.first) return;
    await deleteSaves(this.#kv, {
      node: this.#node,
      from: old.first,
      to: first,
      versionstamp: this.#versionstamp,
    });
  }

  /** While head and draft are ours: before the first head, the draft alone tells. */
  async #commitDraft(value: Uint8Array): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    const key = draftKey(this.#node);
    const { versionstamp } = this.#draft;
    const operation = this.#kv.atomic().check({ key, versionstamp });
    operation.set(key, value);
    this.#draft = { value, versionstamp: await this.#checked(operation) };
  }

  /** Commits the parts for which one commit has no room: without a head they do not count. */
  async #commitAhead(n: number, parts: Uint8Array[]): Promise<void> {
    for (
      let from = commitPartsMax;
      from < parts.length;
      from += commitPartsMax
    ) {
      const operation = this.#kv.atomic();
      parts.slice(from, from + commitPartsMax).forEach((part, i) => {
        const value = framed(part, n, from + i, parts.length);
        operation.set(saveKey(this.#node, n, from + i), value);
      });
      await this.#checked(operation);
    }
  }

  /**
   * Commits while the head is ours.
   *
   * @throws {StorageError} once another process has taken the store over
   */
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
  /** It carries a snapshot, so that all saves before it are superfluous. */
  readonly replaces: boolean;
  readonly done: Done | undefined;
};

/** Takes from the front of `queue` as much as one commit holds, and at least one. */
function nextBatch(queue: Pending[]): Pending[] {
  let bytes = 0;
  let count = 0;
  for (const pending of queue) {
    bytes += Math.min(pending.bytes, commitBytesMax);
    if (count > 0 && (bytes > commitBytesMax || count === mutationsMax)) break;
    count++;
  }
  return queue.splice(0, count);
}

/**
 * Deletes saves `from` to `to - 1`, which the head does not count, while the head is ours: two
 * processes that both found no head must not delete what the other has created since.
 *
 * @throws {StorageError} once another process has taken the store over
 */
export async function deleteSaves(
  kv: Deno.Kv,
  { node, from, to, versionstamp }: {
    node: NodeId;
    from: number;
    to: number;
    versionstamp: string | null;
  },
): Promise<void> {
  const range = { start: saveKey(node, from), end: saveKey(node, to) };
  const keys = (await Array.fromAsync(kv.list(range))).map(({ key }) => key);
  for (let at = 0; at < keys.length; at += mutationsMax) {
    const operation = kv.atomic().check({ key: headKey(node), versionstamp });
    for (const key of keys.slice(at, at + mutationsMax)) operation.delete(key);
    if (!(await operation.commit()).ok) throw takenOver(node);
  }
}

/** The error of a process whose store another one has opened. */
export function takenOver(node: NodeId): StorageError {
  return new StorageError(
    `another ticketd process has opened the Deno KV store of node ${node}, and this ` +
      "one must end; run only one, or give the other another --id or --dir",
  );
}
