// What the leader is to do about a change of the members: propose a configuration, answer,
// or wait. Decided from the question and the present configuration alone; who asked,
// and how often, is `change.ts`'s. The refusals are the original's texts, where it has
// one; "cannot join" begins those that a joining node must not ask again after. What
// taking a vote away would cost is `change_risk.ts`'s.

import { faultToDial } from "../../base/address.ts";
import type { AdminAnswer, AdminCommand } from "../channel/messages.ts";
import { riskOf } from "./change_risk.ts";
import { isNodeId } from "../../base/bytes.ts";
import { serversMax } from "../core/save_codec.ts";
import {
  configurationFault,
  findServer,
  withoutServer,
  withServer,
} from "../core/membership.ts";
import type { Raft } from "../core/raft.ts";
import type { Configuration, NodeId } from "../core/types.ts";

/** What only the leader can do, and is forwarded to it. */
export type ChangeCommand = Extract<
  AdminCommand,
  { readonly id: string }
>;

/** Of these, what changes the configuration. */
export type MemberCommand = Exclude<ChangeCommand, { type: "transfer" }>;

/** The commands of the shape that those of `Type` have. */
export type CommandOf<Type extends ChangeCommand["type"]> = Shape<
  ChangeCommand,
  Type
>;
type Shape<Each, Type> = Each extends { readonly type: infer Own }
  ? Type extends Own ? Each : never
  : never;

export type Plan =
  | { readonly type: "propose"; readonly configuration: Configuration }
  | { readonly type: "answer"; readonly answer: AdminAnswer }
  /** It is a member; wait until it is a voter. */
  | { readonly type: "promotion" }
  /** The leader itself is to lose its vote: hand over, the successor will do it. */
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
  return "prevIndex" in command ? command.prevIndex : 0n;
}

export function planChange(
  raft: Raft,
  { command, cluster }: { command: MemberCommand; cluster: string },
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
    case "add-nonvoter":
      return planAddNonvoter(raft, command);
    case "promote":
      return planPromote(raft, command.id);
    case "demote":
      return planDemote(raft, command);
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

type Addition = CommandOf<"add-voter">;

function planAddVoter(
  raft: Raft,
  { id, address }: Addition,
): Plan {
  const { current } = raft.membership;
  const known = findServer(current, id);
  if (known?.suffrage === "nonvoter" || known?.address !== address) {
    const server = {
      id,
      address,
      suffrage: known?.suffrage === "voter" ? "voter" : "learner",
      incarnation: known?.incarnation ?? "",
    } as const;
    return proposal(withServer(current, server), address);
  }
  return known.suffrage === "voter" ? done(raft) : { type: "promotion" };
}

function planAddNonvoter(raft: Raft, { id, address }: Addition): Plan {
  const { current } = raft.membership;
  const known = findServer(current, id);
  if (known?.suffrage === "voter") {
    return refuse(
      `server ${id} at ${known.address} has a vote; ` +
        `RAFT.DEMOTE ${id} takes it away`,
    );
  }
  if (known?.suffrage === "nonvoter" && known.address === address) {
    return done(raft);
  }
  const incarnation = known?.incarnation ?? "";
  const suffrage = "nonvoter";
  const server = { id, address, suffrage, incarnation } as const;
  return proposal(withServer(current, server), address);
}

function planPromote(raft: Raft, id: NodeId): Plan {
  const { current } = raft.membership;
  const known = findServer(current, id);
  switch (known?.suffrage) {
    case undefined:
      return refuse(`server ${id} is no member; RAFT.ADDVOTER adds one`);
    case "voter":
      return done(raft);
    case "learner":
      return { type: "promotion" };
    case "nonvoter":
      return proposal(withServer(current, { ...known, suffrage: "learner" }));
  }
}

function planDemote(raft: Raft, command: CommandOf<"demote">): Plan {
  const { current } = raft.membership;
  const known = findServer(current, command.id);
  if (known === undefined) {
    return refuse(`server ${command.id} is no member; nothing was changed`);
  }
  if (known.suffrage === "nonvoter") return done(raft);
  const demoted = withServer(current, { ...known, suffrage: "nonvoter" });
  return planWithout(raft, { command, configuration: demoted });
}

function planJoin(
  raft: Raft,
  { id, address, incarnation, nonvoter }: CommandOf<"join">,
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
  const configuration = withServer(current, {
    id,
    address,
    // Who asks again changes nothing. A voter whose life nobody knew may be wiped since:
    // it must catch up again.
    suffrage: isSame || known?.suffrage === "nonvoter"
      ? known.suffrage
      : nonvoter
      ? "nonvoter"
      : "learner",
    incarnation,
  });
  const plan = proposal(configuration, address);
  if (plan.type !== "answer" || plan.answer.type !== "error") return plan;
  const holder = current.servers.find((s) =>
    s.address === address && s.id !== id
  );
  const howTo = holder === undefined
    ? ""
    : `; that is server ${holder.id}'s: if it is gone, send ` +
      `RAFT.REMOVESERVER ${holder.id} first`;
  return refuse(`cannot join: ${plan.answer.text}${howTo}`);
}

function planRemove(raft: Raft, command: CommandOf<"remove-server">): Plan {
  const { current } = raft.membership;
  if (findServer(current, command.id) === undefined) return done(raft);
  const configuration = withoutServer(current, command.id);
  return planWithout(raft, { command, configuration });
}

/** To `configuration`, in which the server of the command has no vote. */
function planWithout(
  raft: Raft,
  { command, configuration }: {
    command: CommandOf<"remove-server">;
    configuration: Configuration;
  },
): Plan {
  const plan = proposal(configuration);
  const { id, force } = command;
  if (plan.type === "answer" && configuration.servers.length > 0) {
    const fault = plan.answer.type === "error" ? plan.answer.text : "";
    return refuse(
      `${fault}; server ${id} has the last vote, and FORCE does not help: ` +
        `give another one a vote first (RAFT.PROMOTE)`,
    );
  }
  if (plan.type !== "propose") return plan;
  if (!force && raft.membership.isVoter(id)) {
    const risk = riskOf(raft, command);
    if (risk !== undefined) return risk;
  }
  if (id !== raft.id) return plan;
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

/** To propose `configuration`, in which `address` is new, or to say what is wrong with it. */
function proposal(configuration: Configuration, address?: string): Plan {
  const fault = configurationFault(configuration) ??
    limitFault(configuration, address);
  return fault === undefined
    ? { type: "propose", configuration }
    : refuse(fault);
}

/** What the formats, unlike the protocol, have no room for. */
function limitFault(
  { servers }: Configuration,
  address: string | undefined,
): string | undefined {
  if (servers.length > serversMax) {
    return `${servers.length} servers are more than ${serversMax}`;
  }
  for (const { id } of servers) {
    if (!isNodeId(id)) {
      return `Invalid ID in configuration: ${id} is not 1 to 64 of A-Z a-z 0-9 . _ -`;
    }
  }
  // Of the new one alone: an older ticketd may have let others in.
  const fault = address === undefined ? undefined : faultToDial(address);
  return fault === undefined
    ? undefined
    : `Invalid address in configuration: ${address} ${fault}`;
}

function refuse(text: string): Plan {
  return { type: "answer", answer: error(text) };
}
