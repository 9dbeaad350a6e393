// The members of the cluster, as the log names them. A configuration is in force from the
// moment its entry is in the log, committed or not, and is rolled back when that entry is
// truncated (thesis 4.1). One voter may change at a time: then majorities before and after
// overlap, and no joint consensus is needed. `member_changes.ts` appends new configurations;
// the second half of this file makes them from old ones. A fault is a text for people, in
// the words of the original.

import { assert } from "../../base/assert.ts";
import type { Configuration, Index, NodeId, Server } from "./types.ts";

/** A configuration and the log index that it came from. */
type Configured = {
  readonly index: Index;
  readonly configuration: Configuration;
};

/** The configurations of one node's log, from that of its snapshot on. */
export class Membership {
  /** Rising by index, never empty; the first is the snapshot's. */
  #history: Configured[];
  /** The voters of `votersOf`: every round of confirmations asks for them several times. */
  #voters: readonly NodeId[] = [];
  #votersOf: Configuration | undefined;

  constructor(configuration: Configuration, index: Index) {
    this.#history = [{ index, configuration }];
  }

  /** The configuration in force. */
  get current(): Configuration {
    return this.#last.configuration;
  }

  /** The log index that `current` came from. */
  get currentIndex(): Index {
    return this.#last.index;
  }

  get #last(): Configured {
    const last = this.#history.at(-1);
    assert(last !== undefined, "a log has a configuration");
    return last;
  }

  /** Those of the configuration in force; counted anew only when that is another one. */
  get voters(): readonly NodeId[] {
    const { current } = this;
    if (current === this.#votersOf) return this.#voters;
    this.#votersOf = current;
    return this.#voters = current.servers.filter((s) => s.suffrage === "voter")
      .map((s) => s.id);
  }

  find(id: NodeId): Server | undefined {
    return findServer(this.current, id);
  }

  /** Whether any configuration in the log, committed or not, or in the snapshot names it. */
  hasNamed(id: NodeId, incarnation: string): boolean {
    return this.#history.some(({ configuration }) =>
      isNamed(configuration, { id, incarnation })
    );
  }

  isVoter(id: NodeId): boolean {
    return this.find(id)?.suffrage === "voter";
  }

  /** Whether it was a voter in the configuration before the present one. */
  wasVoter(id: NodeId): boolean {
    const before = this.#history.at(-2)?.configuration;
    return before !== undefined &&
      findServer(before, id)?.suffrage === "voter";
  }

  /** The configuration in force at `index`, and the index that it came from. */
  at(
    index: Index,
  ): { readonly index: Index; readonly configuration: Configuration } {
    const found = this.#history.findLast((past) => past.index <= index);
    assert(
      found !== undefined,
      `the configuration at ${index} is compacted away`,
    );
    return found;
  }

  /** All configurations in force at `index` or after it, the newest first. */
  since(index: Index): readonly Configuration[] {
    const at = this.#history.findLastIndex((past) => past.index <= index);
    return this.#history.slice(Math.max(0, at)).toReversed()
      .map(({ configuration }) => configuration);
  }

  /** The entry at `index` puts `configuration` in force. */
  append(index: Index, configuration: Configuration): void {
    assert(index > this.currentIndex, "configurations come in log order");
    this.#history.push({ index, configuration });
  }

  /** Entries from `first` on left the log; true if a configuration was among them. */
  truncate(first: Index): boolean {
    const before = this.#history.length;
    while (this.#history.length > 1 && this.currentIndex >= first) {
      this.#history.pop();
    }
    return this.#history.length < before;
  }

  /** Replaces everything by the configuration of a snapshot. */
  restore(index: Index, configuration: Configuration): void {
    this.#history = [{ index, configuration }];
  }

  /** Forgets the configurations that were replaced before `index`. */
  compact(index: Index): void {
    const kept = this.#history.findLastIndex((past) => past.index <= index);
    if (kept > 0) this.#history.splice(0, kept);
  }
}

/** The server `id` of a configuration; `undefined` if it is no member. */
export function findServer(
  configuration: Configuration,
  id: NodeId,
): Server | undefined {
  return configuration.servers.find((server) => server.id === id);
}

/**
 * Whether a configuration names server `id` with this disk. It does so too while it does
 * not know the server's incarnation yet.
 */
export function isNamed(
  configuration: Configuration,
  { id, incarnation }: { readonly id: NodeId; readonly incarnation: string },
): boolean {
  const known = findServer(configuration, id);
  return known !== undefined &&
    (known.incarnation === "" || known.incarnation === incarnation);
}

/** Voters by which two configurations differ; a change of more than one is unsafe. */
export function votersChanged(
  before: Configuration,
  after: Configuration,
): number {
  const voters = (c: Configuration) =>
    new Set(c.servers.filter((s) => s.suffrage === "voter").map((s) => s.id));
  return voters(before).symmetricDifference(voters(after)).size;
}

/** `configuration` with `server` added, or in place of the one with its id. */
export function withServer(
  configuration: Configuration,
  server: Server,
): Configuration {
  const known = findServer(configuration, server.id) !== undefined;
  return {
    servers: known
      ? configuration.servers.map((s) => s.id === server.id ? server : s)
      : [...configuration.servers, server],
  };
}

/** `configuration` without server `id`. */
export function withoutServer(
  configuration: Configuration,
  id: NodeId,
): Configuration {
  return {
    servers: configuration.servers.filter((server) => server.id !== id),
  };
}

/** Why a configuration is unsound, or `undefined` if it is sound. */
export function configurationFault(
  configuration: Configuration,
): string | undefined {
  const addresses = new Set<string>();
  for (const { id, address, suffrage } of configuration.servers) {
    const name = suffrage === "voter" ? "Voter" : "Nonvoter";
    if (id === "") {
      return `Empty ID in configuration: {${name} ${id} ${address}}`;
    }
    if (address === "") {
      return `Empty address in configuration: {${name} ${id} ${address}}`;
    }
    if (addresses.has(address)) {
      return `Found duplicate address in configuration: ${address}`;
    }
    addresses.add(address);
  }
  if (!configuration.servers.some((server) => server.suffrage === "voter")) {
    return "Need at least one voter in configuration: {[]}";
  }
  return undefined;
}
