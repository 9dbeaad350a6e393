// Who belongs to the cluster. A configuration is in force from the moment its entry is
// in the log, committed or not, and is rolled back when that entry is truncated
// (thesis 4.1). One voter may change at a time: then majorities before and after
// overlap, and no joint consensus is needed. The second half makes new configurations
// from old ones; a refusal is a text for people, in the original's words.

import { assert } from "../../base/assert.ts";
import type { Configuration, Index, NodeId, Server } from "./types.ts";

export class Membership {
  /** Rising by index; the first is that of the snapshot. */
  #history: { readonly index: Index; readonly configuration: Configuration }[];

  constructor(configuration: Configuration, index: Index) {
    this.#history = [{ index, configuration }];
  }

  get current(): Configuration {
    return this.#history.at(-1)!.configuration;
  }

  /** The log index that `current` came from. */
  get currentIndex(): Index {
    return this.#history.at(-1)!.index;
  }

  get voters(): NodeId[] {
    return this.current.servers.filter((s) => s.suffrage === "voter").map((s) =>
      s.id
    );
  }

  find(id: NodeId): Server | undefined {
    return findServer(this.current, id);
  }

  /** Does any configuration in the log name it, decided or not, or that of the snapshot? */
  hasNamed(id: NodeId, incarnation: string): boolean {
    return this.#history.some(({ configuration }) =>
      isNamed(configuration, { id, incarnation })
    );
  }

  isVoter(id: NodeId): boolean {
    return this.find(id)?.suffrage === "voter";
  }

  /** Was it a voter before the latest change? */
  wasVoter(id: NodeId): boolean {
    const before = this.#history.at(-2)?.configuration;
    return before !== undefined &&
      findServer(before, id)?.suffrage === "voter";
  }

  /** The configuration in force at `index`. */
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

  /** Those in force at `index` and after it, the newest first. */
  since(index: Index): readonly Configuration[] {
    const at = this.#history.findLastIndex((past) => past.index <= index);
    return this.#history.slice(Math.max(0, at)).toReversed()
      .map(({ configuration }) => configuration);
  }

  append(index: Index, configuration: Configuration): void {
    assert(index > this.currentIndex, "configurations come in log order");
    this.#history.push({ index, configuration });
  }

  /** Entries from `first` on are gone from the log; true if a configuration was. */
  truncate(first: Index): boolean {
    const before = this.#history.length;
    while (this.#history.length > 1 && this.currentIndex >= first) {
      this.#history.pop();
    }
    return this.#history.length < before;
  }

  /** Forgets everything for the configuration of a snapshot. */
  restore(index: Index, configuration: Configuration): void {
    this.#history = [{ index, configuration }];
  }

  /** Forgets what was in force before `index`. */
  compact(index: Index): void {
    const kept = this.#history.findLastIndex((past) => past.index <= index);
    if (kept > 0) this.#history.splice(0, kept);
  }
}

export function findServer(
  configuration: Configuration,
  id: NodeId,
): Server | undefined {
  return configuration.servers.find((server) => server.id === id);
}

/** With another disk than `incarnation` it is not the same server. Empty: not known yet. */
export function isNamed(
  configuration: Configuration,
  { id, incarnation }: { readonly id: NodeId; readonly incarnation: string },
): boolean {
  const known = findServer(configuration, id);
  return known !== undefined &&
    (known.incarnation === "" || known.incarnation === incarnation);
}

/** How many voters differ between two configurations; more than one is unsafe at once. */
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

export function withoutServer(
  configuration: Configuration,
  id: NodeId,
): Configuration {
  return {
    servers: configuration.servers.filter((server) => server.id !== id),
  };
}

/** What is wrong with a configuration, or `undefined` when nothing is. */
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
