// Judges what the records of a log mean together: whether terms rise, entries follow each other,
// configurations are sound, and the machine can apply every command. A record with a right
// checksum may still be wrong: a bug wrote it, or somebody edited the log. Not here: checksums
// and places (`storage/scan.ts`), nor what a finding looks like (`check.ts`).

import { parseAddress } from "../base/address.ts";
import { configurationFault, findServer } from "../raft/core/membership.ts";
import type { Change } from "../raft/core/save_codec.ts";
import type {
  Configuration,
  Entry,
  Identity,
  Snapshot,
} from "../raft/core/types.ts";
import { isCommand, isState } from "../raft/tickets/machine.ts";
import { replay, type Replayed } from "../storage/apply_save.ts";
import type { Part } from "../storage/scan.ts";
import { StorageError } from "../storage/storage.ts";

/** Something that is wrong at a part of a log. */
export type Wrong = { readonly at: number; readonly text: string };

/** All that is wrong with the meaning of `parts`, up to the first of them that is damaged. */
export function wrongsIn(
  parts: readonly Part[],
  owner: Identity | undefined,
): Wrong[] {
  const meaning = new Meaning(owner);
  for (const part of parts) {
    if (!meaning.judge(part)) break;
  }
  return meaning.wrongs;
}

class Meaning {
  readonly wrongs: Wrong[] = [];
  /** Known from the base; of a Deno KV store, from its head. */
  readonly #owner: Identity | undefined;
  #state: Replayed | undefined;
  #at = 0;

  constructor(owner: Identity | undefined) {
    this.#owner = owner;
  }

  /** Returns false where nothing that follows can be judged. */
  judge({ at, content }: Part): boolean {
    this.#at = at;
    switch (content.type) {
      case "preamble":
        return true;
      case "base":
        return this.#change(content.base.change, content.base.identity);
      case "save":
        return this.#change(content.change, this.#owner);
      default:
        return false;
    }
  }

  #wrong(text: string): void {
    this.wrongs.push({ at: this.#at, text });
  }

  #change(change: Change, owner: Identity | undefined): boolean {
    const { hardState, snapshot, firstIndex, entries } = change;
    if (snapshot !== undefined) this.#snapshot(snapshot);
    const before = this.#state;
    if (before === undefined) {
      if (snapshot === undefined || owner === undefined) return false;
      this.#state = { identity: owner, hardState, snapshot, entries: [] };
    } else this.#hardState(before, change);
    const state = this.#state;
    if (state === undefined) return false;
    try {
      replay(state, change);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#wrong(error.message);
      return false;
    }
    const previous = state.entries.at(firstIndex - state.snapshot.index - 2);
    const isFirst = firstIndex - state.snapshot.index === 1;
    let term = isFirst ? state.snapshot.term : previous?.term ?? 0;
    for (const entry of entries) {
      if (entry.term < term) {
        this.#wrong(
          `entry ${entry.index} is of term ${entry.term}, and the one before it of ${term}`,
        );
      }
      term = entry.term;
      this.#entry(entry, hardState.currentTerm);
    }
    return true;
  }

  #snapshot(
    { index, term, configuration, configurationIndex, data }: Snapshot,
  ) {
    const old = this.#state?.snapshot;
    if (old !== undefined && (index < old.index || term < old.term)) {
      this.#wrong(
        `a snapshot of index ${index}, term ${term}, replaces one of index ` +
          `${old.index}, term ${old.term}`,
      );
    }
    if (configurationIndex > index) {
      this.#wrong(
        `the snapshot of index ${index} holds members of index ${configurationIndex}`,
      );
    }
    if (!isState(data)) {
      this.#wrong(
        `this ticketd cannot read the numbers in the snapshot of index ${index}`,
      );
    }
    if (configuration.servers.length > 0) {
      this.#members(configuration, `the snapshot of index ${index}`);
    }
  }

  #hardState(before: Replayed, { hardState }: Change): void {
    const { currentTerm, votedFor } = before.hardState;
    const now = hardState;
    if (now.currentTerm < currentTerm) {
      this.#wrong(`the term falls from ${currentTerm} to ${now.currentTerm}`);
    } else if (
      now.currentTerm === currentTerm && votedFor !== undefined &&
      now.votedFor !== votedFor
    ) {
      this.#wrong(
        `the vote of term ${currentTerm} changes from ${votedFor} to ` +
          `${now.votedFor ?? "nobody"}`,
      );
    }
  }

  #entry(entry: Entry, currentTerm: number): void {
    const { index, term } = entry;
    if (term > currentTerm) {
      this.#wrong(
        `entry ${index} is of term ${term}, and the node knew only ${currentTerm}`,
      );
    }
    if (entry.type === "configuration") {
      this.#members(entry.configuration, `entry ${index}`);
    }
    if (entry.type === "command" && !isCommand(entry.data)) {
      this.#wrong(`this ticketd cannot apply the command in entry ${index}`);
    }
  }

  #members(configuration: Configuration, where: string): void {
    const { servers } = configuration;
    const repeated = servers.find((server) =>
      findServer(configuration, server.id) !== server
    );
    const unsound = configurationFault(configuration) ??
      (repeated && `node ${repeated.id} is named twice`) ??
      servers.map(({ address }) => address)
        .filter((address) => parseAddress(address) === undefined)
        .map((address) => `${JSON.stringify(address)} is no address`)[0];
    if (unsound !== undefined) {
      this.#wrong(`the members in ${where} are unsound: ${unsound}`);
    }
  }
}
