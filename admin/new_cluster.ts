// The first state of a cluster that goes on from the numbers of another one: from a survivor's
// disk (`recover`), or from a backup (`restore`). It has one voter, and an identity that no node
// of the old cluster knows, so that the two can never meet: a connection between them fails in
// its handshake. Values only; the simulator begins its second clusters from the same.
//
// The one rule here: no sequence begins below a number that may have been given. The caller
// says how far above what is known it must begin. Of a sequence that was begun since, nothing is
// known: unless nothing was given since, the new cluster refuses names that it does not know.

import { int64Max } from "../base/range.ts";
import { defaultSequence } from "../base/sequence_name.ts";
import type { Policy } from "../raft/channel/operations.ts";
import type { Identity, Saved, Server } from "../raft/core/types.ts";
import { newClusterId, newIncarnation } from "../raft/members/bootstrap.ts";
import { lastTicket, Machine } from "../raft/tickets/machine.ts";
import type { Backup } from "./backup_file.ts";
import { stateOf } from "./log_state.ts";

/** How far above the known numbers a new cluster begins. */
export type Bound =
  /** Each sequence goes on `count` numbers behind its last known one. */
  | { readonly type: "skip"; readonly count: bigint }
  /** Each sequence goes on above `count`, or above its last known number if that is higher. */
  | { readonly type: "above"; readonly count: bigint }
  /** Each sequence goes on at its last known number: nothing was given since. */
  | { readonly type: "exact" };

/** The identity of a new data directory of `node` in a new cluster, drawn at random. */
export function newIdentity(node: string): Identity {
  return { cluster: newClusterId(), node, incarnation: newIncarnation() };
}

/** The first state of the cluster that a backup begins again. */
export function restored(
  { sequences, policy }: Backup,
  { bound, identity, address }: {
    readonly bound: Bound;
    readonly identity: Identity;
    /** Where other nodes will dial the one voter. */
    readonly address: string;
  },
): Saved {
  const known = new Map(sequences.map(({ name, last }) => [name, last]));
  // As a founder begins (`raft/members/bootstrap.ts`).
  return begun({ identity, address, known, policy, bound, index: 1, term: 1 });
}

/** The state of the cluster that goes on from `saved`, what the one survivor's disk holds. */
export function recovered(
  saved: Saved,
  { skip, identity, address }: {
    readonly skip: bigint;
    readonly identity: Identity;
    readonly address: string;
  },
): Saved {
  const { lastIndex, highest, policy } = stateOf(saved);
  return begun({
    identity,
    address,
    known: highest,
    policy,
    bound: { type: "skip", count: skip },
    index: lastIndex + 1,
    term: saved.hardState.currentTerm + 1,
  });
}

function begun({ identity, address, known, policy, bound, index, term }: {
  readonly identity: Identity;
  readonly address: string;
  readonly known: ReadonlyMap<string, bigint>;
  readonly policy: Policy;
  readonly bound: Bound;
  readonly index: number;
  readonly term: number;
}): Saved {
  const server: Server = {
    id: identity.node,
    address,
    suffrage: "voter",
    incarnation: identity.incarnation,
  };
  return {
    identity,
    hardState: { currentTerm: term, votedFor: undefined },
    snapshot: {
      index,
      term,
      configuration: { servers: [server] },
      configurationIndex: index,
      data: Machine.of(raised(known, bound), policyOf(bound, policy))
        .snapshot(),
    },
    entries: [],
  };
}

/**
 * The last number of each sequence at which a new cluster begins.
 *
 * @throws {Error} with one sentence if a sequence has not so many numbers
 */
export function raised(
  known: ReadonlyMap<string, bigint>,
  bound: Bound,
): ReadonlyMap<string, bigint> {
  // Numbers may have been given even if nothing that is left tells of any.
  const all = new Map([[defaultSequence, 0n], ...known]);
  for (const [name, last] of all) {
    const next = raisedBy(last, bound);
    if (next > lastTicket) {
      throw new Error(
        `sequence ${name} is at ${last}, and would begin again at ${next}, above ` +
          `${lastTicket}, the last number there is; choose a smaller number`,
      );
    }
    all.set(name, next);
  }
  return all;
}

/**
 * The policy with which a new cluster begins, in place of `before`. Of a name that it does not
 * know, numbers may have been given: it must not begin at 1 because somebody asks for it.
 */
export function policyOf(bound: Bound, before: Policy): Policy {
  return bound.type === "exact" ? before : "created";
}

/** The lines that tell an operator of {@linkcode policyOf}. */
export function policyLines(bound: Bound): string[] {
  if (bound.type === "exact") return [];
  return [
    "names that are not among these are refused, because they may have been in use:",
    "  TICKET.CREATE name START n begins one above its old numbers, and",
    "  TICKET.POLICY any lets every new name begin at 1 again",
  ];
}

/** What an operator should know of sequences that begin at these last numbers. */
export function warningOnLarge(
  begins: ReadonlyMap<string, bigint>,
): string | undefined {
  const largest = [...begins.values()].reduce((a, b) => a > b ? a : b, 0n);
  if (largest === lastTicket) {
    return `warning: ${lastTicket} is the last number there is: no ticket can be given`;
  }
  return largest > int64Max
    ? `warning: numbers above ${int64Max} do not fit into the integers of many clients, ` +
      "and there is no way back"
    : undefined;
}

function raisedBy(last: bigint, bound: Bound): bigint {
  switch (bound.type) {
    case "skip":
      return last + bound.count;
    case "above":
      return bound.count > last ? bound.count : last;
    case "exact":
      return last;
    default:
      return bound satisfies never;
  }
}
