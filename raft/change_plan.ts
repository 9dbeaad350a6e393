// What the leader is to do about a change of the members: propose a configuration, answer,
// or wait. Decided from the question and the present configuration alone; who asked,
// and how often, is `changes.ts`'s. The refusals are the original's texts, where it has
// one; "cannot join" begins those that a joining node must not ask again after.

import { parseAddress } from "./address.ts";
import type { AdminAnswer, AdminCommand } from "./channel.ts";
import { isNodeId } from "./core/bytes.ts";
import { serversMax } from "./core/codec.ts";
import {
  configurationFault,
  findServer,
  withoutServer,
  withServer,
} from "./core/membership.ts";
import type { Raft } from "./core/raft.ts";
import type { Configuration } from "./core/types.ts";

export type ChangeCommand = Extract<
  AdminCommand,
  { readonly type: "add-voter" | "join" | "remove-server" }
>;

export type CommandOf<Type extends ChangeCommand["type"]> = Extract<
  ChangeCommand,
  { readonly type: Type }
>;

export type Plan =
  | { readonly type: "propose"; readonly configuration: Configuration }
  | { readonly type: "answer"; readonly answer: AdminAnswer }
  /** It is a member; wait until it is a voter. */
  | { readonly type: "promotion" }
  /** The leader itself is to go: hand over, the successor will remove it. */
  | { readonly type: "hand-over"; readonly configuration: Configuration }
  /** The answer hangs on what is not committed yet. */
  | { readonly type: "wait" };

export const ok: AdminAnswer = { type: "ok" };

export function error(
  text: string,
): AdminAnswer & { readonly type: "error" } {
  return { type: "error", text };
}

/** The configuration that a command builds on; 0: whatever it is. */
export function prevIndexOf(command: ChangeCommand): bigint {
  return command.type === "join" ? 0n : command.prevIndex;
}

export function planChange(
  raft: Raft,
  { command, cluster }: { command: ChangeCommand; cluster: string },
): Plan {
  const { currentIndex } = raft.membership;
  const prevIndex = prevIndexOf(command);
  if (prevIndex !== 0n && prevIndex !== BigInt(currentIndex)) {
    return refuse(
      `Configuration changed since ${prevIndex} (latest is ${currentIndex})`,
    );
  }
  switch (command.type) {
    case "add-voter":
      return planAddVoter(raft, command);
    case "join":
      return command.cluster === cluster
        ? planJoin(raft, command)
        : refuse(`cannot join: this is cluster ${cluster}`);
    case "remove-server":
      return planRemove(raft, command);
    default:
      return command satisfies never;
  }
}

function planAddVoter(
  raft: Raft,
  { id, address }: CommandOf<"add-voter">,
): Plan {
  const { current } = raft.membership;
  const known = findServer(current, id);
  if (known?.address === address) {
    return known.suffrage === "voter" ? done(raft) : { type: "promotion" };
  }
  return proposal(withServer(current, {
    suffrage: "learner",
    incarnation: "",
    ...known,
    id,
    address,
  }));
}

function planJoin(
  raft: Raft,
  { id, address, incarnation }: CommandOf<"join">,
): Plan {
  const { current } = raft.membership;
  const known = findServer(current, id);
  if (
    known !== undefined && known.incarnation !== "" &&
    known.incarnation !== incarnation
  ) {
    // Its disk was lost, or it is another node: either way it has not promised what
    // the member with this id has promised, and must not vote in its place.
    return refuse(
      `cannot join: id ${id} belongs to the server at ${known.address}; ` +
        `take another --id or, if that server's data is lost, ` +
        `send RAFT.REMOVESERVER ${id} first`,
    );
  }
  const isSame = known?.incarnation === incarnation;
  if (isSame && known.address === address) return done(raft);
  const plan = proposal(withServer(current, {
    id,
    address,
    // A voter whose life nobody knew may be wiped since: it must catch up again.
    suffrage: isSame ? known.suffrage : "learner",
    incarnation,
  }));
  return plan.type === "answer" && plan.answer.type === "error"
    ? refuse(`cannot join: ${plan.answer.text}`)
    : plan;
}

function planRemove(raft: Raft, { id }: CommandOf<"remove-server">): Plan {
  const { current } = raft.membership;
  if (findServer(current, id) === undefined) return done(raft);
  const plan = proposal(withoutServer(current, id));
  if (id !== raft.id || plan.type !== "propose") return plan;
  return isReady(raft) ? { ...plan, type: "hand-over" } : { type: "wait" };
}

/** Leads, and has no change under way: what came before the hand-over is done first. */
function isReady({ membership, log, currentTerm }: Raft): boolean {
  return membership.currentIndex <= log.commitIndex &&
    log.termAt(log.commitIndex) === currentTerm;
}

/** It is so already; OK once nobody can undo it. */
function done({ membership, log }: Raft): Plan {
  return membership.currentIndex <= log.commitIndex
    ? { type: "answer", answer: ok }
    : { type: "wait" };
}

/** To propose `configuration`, or to say what is wrong with it. */
function proposal(configuration: Configuration): Plan {
  const fault = configurationFault(configuration) ?? limitFault(configuration);
  return fault === undefined
    ? { type: "propose", configuration }
    : refuse(fault);
}

/** What the formats, unlike the protocol, have no room for. */
function limitFault({ servers }: Configuration): string | undefined {
  if (servers.length > serversMax) {
    return `${servers.length} servers are more than ${serversMax}`;
  }
  for (const { id, address } of servers) {
    if (!isNodeId(id)) {
      return `Invalid ID in configuration: ${id} is not 1 to 64 of A-Z a-z 0-9 . _ -`;
    }
    if (parseAddress(address) === undefined) {
      return `Invalid address in configuration: ${address} is not HOST:PORT`;
    }
  }
  return undefined;
}

function refuse(text: string): Plan {
  return { type: "answer", answer: error(text) };
}
