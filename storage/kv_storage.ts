// An open store of Deno KV: gathers saves and commits them, one commit at a time. Saves that
// come during a commit join the next. `kv.ts` opens the store, and says what a commit must
// be; `kv_format.ts` has the bytes.

import { assert } from "../base/assert.ts";
import { Writer } from "../base/bytes.ts";
import { type Change, writeChange } from "../raft/core/save_codec.ts";
import type { Compacted, NodeId, Save, Saved } from "../raft/core/types.ts";
import type { Files } from "./files.ts";
import { deleteSaves, deleteSome, takenOver } from "./kv_deletion.ts";
import { decodeDraft, encodeDraft } from "./draft.ts";
import {
  commitBytesMax,
  commitPartsMax,
  mutationsMax,
  nextBatch,
  nothing,
  type Pending,
} from "./kv_batch.ts";
import { KvCompaction } from "./kv_compaction.ts";
import {
  draftKey,
  encodeHead,
  framed,
  type Head,
  headKey,
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
  /** The saves that are being committed. */
  #batch: Pending[] = [];
  #compaction: KvCompaction | undefined;
  /** Saves that do not count any more, and are deleted a few at a time. */
  readonly #garbage: { readonly from: number; readonly to: number }[] = [];
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

  compact(state: Compacted, done: Done): void {
    const compaction = new KvCompaction(state, done);
    // It waits for its turn: all saves before it are in `state`, and those after it are not.
    this.#queue.push({ ...nothing, done: undefined, compaction });
    this.#commitAll();
  }

  flush(done: Done): void {
    this.#queue.push({ ...nothing, done });
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
    while (this.#hasWork && !this.#closed) {
      let dones: (Done | undefined)[] = [];
      try {
        if (this.#error !== undefined) throw this.#error;
        dones = await this.#commitSome();
      } catch (error) {
        if (this.#closed) return;
        // The first error ends everything; nothing is retried (PITFALLS 13).
        this.#error ??= error instanceof Error
          ? error
          : new Error(String(error));
        dones = this.#abandon();
      }
      for (const done of dones) done?.(this.#error);
    }
    this.#committing = false;
  }

  get #hasWork(): boolean {
    return this.#queue.length > 0 || this.#compaction !== undefined ||
      this.#garbage.length > 0;
  }

  /** One commit of saves, and one beside them; returns whom to tell that it is durable. */
  async #commitSome(): Promise<(Done | undefined)[]> {
    // Once its base is written, saves wait for the compaction: so it ends.
    if (this.#compaction?.isBaseWritten) return await this.#switch();
    const batch = this.#batch = nextBatch(this.#queue);
    await this.#commit(batch);
    this.#batch = [];
    const dones = batch.map(({ done }) => done);
    if (batch.some(({ replaces }) => replaces)) {
      dones.push(this.#giveUpCompaction());
    }
    const begun = batch.find(({ compaction }) => compaction !== undefined);
    if (begun !== undefined) this.#compaction = begun.compaction;
    // These saves are answered at once, not at the end of the turn.
    for (const done of dones) done?.();
    await this.#goOn();
    return [];
  }

  /** A save has replaced the whole content, and does for the compaction, too. */
  #giveUpCompaction(): Done | undefined {
    const compaction = this.#compaction;
    if (compaction === undefined) return undefined;
    this.#compaction = undefined;
    this.#garbage.push({ from: compaction.first, to: compaction.next });
    return compaction.done;
  }

  /** Empties the queue, and returns what was to be told to whom. */
  #abandon(): (Done | undefined)[] {
    const pending = [...this.#batch, ...this.#queue.splice(0)];
    const dones = pending.map(({ done, compaction }) =>
      done ?? compaction?.done
    );
    if (this.#compaction !== undefined) dones.push(this.#compaction.done);
    this.#batch = [];
    this.#compaction = undefined;
    this.#garbage.length = 0;
    return dones;
  }

  /** A little of a compaction, or of what one has left behind. */
  async #goOn(): Promise<void> {
    const compaction = this.#compaction;
    if (compaction !== undefined) {
      if (this.#head === undefined) {
        throw new StorageError("compact() before create()");
      }
      compaction.begin(this.#head.next);
      await this.#checked(this.#slice(compaction));
      return;
    }
    const garbage = this.#garbage[0];
    if (garbage === undefined) return;
    const { from, to } = garbage;
    const isEmpty = await deleteSome(this.#kv, {
      node: this.#node,
      from,
      to,
      versionstamp: this.#versionstamp,
    });
    if (isEmpty) this.#garbage.shift();
  }

  #slice(compaction: KvCompaction): Deno.AtomicOperation {
    const operation = this.#kv.atomic();
    compaction.write(operation, {
      node: this.#node,
      bytesMax: commitBytesMax,
      countMax: mutationsMax,
    });
    return operation;
  }

  /** Writes what is left of the compaction, and with the last of it a head that counts it. */
  async #switch(): Promise<(Done | undefined)[]> {
    const compaction = this.#compaction;
    const old = this.#head;
    if (compaction === undefined || old === undefined) return [];
    const operation = this.#slice(compaction);
    if (!compaction.isWritten) {
      await this.#checked(operation);
      return [];
    }
    const { first, next } = compaction;
    const head = { ...old, first, next };
    operation.set(headKey(this.#node), encodeHead(head));
    this.#versionstamp = await this.#checked(operation);
    this.#head = head;
    this.#bytes = compaction.bytes;
    this.#compaction = undefined;
    this.#garbage.push({ from: old.first, to: old.next });
    return [compaction.done];
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
      if (!replaces) this.#compaction?.add(parts);
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
  async #commitAhead(n: number, parts: readonly Uint8Array[]): Promise<void> {
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
