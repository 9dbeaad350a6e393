// The leader's next step for a change of the members: propose a configuration, answer, or
// wait. A function of the command and the core's state. Not here: the change itself, with its
// client and its time (`changes_led.ts`). The texts of refusals are the original's where it
// has one. "cannot join" begins a refusal after which a joining node must not ask again
// (`join.ts`).

import { faultToDial } from "../../base/address.ts";
import { isNodeId } from "../../base/bytes.ts";
import {
  configurationFault,
  findServer,
  withoutServer,
  withServer,
} from "../core/membership.ts";
import type { Raft } from "../core/raft.ts";
import { serversMax } from "../core/entry_codec.ts";
import type { Configuration, NodeId } from "../core/types.ts";
import { type CommandOf, type MemberCommand, prevIndexOf } from "./change.ts";
import { riskOf } from "./change_risk.ts";

/** The leader's next step for a change. */
export type Plan =
  | { readonly type: "propose"; readonly configuration: Configuration }
  /** Changes nothing; `text` is the answer. */
  | { readonly type: "refuse"; readonly text: string }
  /** The committed configuration is already as the command wants it. */
  | { readonly type: "done" }
  /** The server is a learner: wait until the core promotes it. */
  | { readonly type: "promotion" }
  /** The leader itself is to lose its vote: hand over, and the successor proposes. */
  | { readonly type: "hand-over"; readonly configuration: Configuration }
  /** It depends on what is not committed, or not known, yet. */
  | { readonly type: "wait" };

type Proposal = Extract<Plan, { readonly type: "propose" | "refuse" }>;

/** The next step for `command` of this leader, whose cluster is `cluster` (32 hex digits). */
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

/** A new voter is a learner first: an address without a node must not cost the quorum. */
function planAddVoter(raft: Raft, { id, address }: Addition): Plan {
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
    // A repeated join changes nothing. A voter whose incarnation was unknown may have
    // been wiped meanwhile: it must catch up again.
    suffrage: isSame || known?.suffrage === "nonvoter"
      ? known.suffrage
      : nonvoter
      ? "nonvoter"
      : "learner",
    incarnation,
  });
  const plan = proposal(configuration, address);
  if (plan.type !== "refuse") return plan;
  const holder = current.servers.find((s) =>
    s.address === address && s.id !== id
  );
  const howTo = holder === undefined
    ? ""
    : `; that is server ${holder.id}'s: if it is gone, send ` +
      `RAFT.REMOVESERVER ${holder.id} first`;
  return refuse(`cannot join: ${plan.text}${howTo}`);
}

function planRemove(raft: Raft, command: CommandOf<"remove-server">): Plan {
  const { current } = raft.membership;
  if (findServer(current, command.id) === undefined) return done(raft);
  const configuration = withoutServer(current, command.id);
  return planWithout(raft, { command, configuration });
}

/** Towards `configuration`, in which the command's server has no vote any more. */
function planWithout(
  raft: Raft,
  { command, configuration }: {
    command: CommandOf<"remove-server">;
    configuration: Configuration;
  },
): Plan {
  const plan = proposal(configuration);
  const { id, force } = command;
  if (plan.type === "refuse" && configuration.servers.length > 0) {
    return refuse(
      `${plan.text}; server ${id} has the last vote, and FORCE does not help: ` +
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

/** Every earlier change is committed: the leader finishes those before it hands over. */
function isReady({ membership, log, currentTerm }: Raft): boolean {
  return membership.currentIndex <= log.commitIndex &&
    log.termAt(log.commitIndex) === currentTerm;
}

/** The configuration is as the command wants it; an uncommitted one may be rolled back. */
function done({ membership, log }: Raft): Plan {
  const isCommitted = membership.currentIndex <= log.commitIndex;
  return { type: isCommitted ? "done" : "wait" };
}

/** Proposes `configuration`, in which `address` is new, or says what is wrong with it. */
function proposal(configuration: Configuration, address?: string): Proposal {
  const fault = configurationFault(configuration) ??
    limitFault(configuration, address);
  return fault === undefined
    ? { type: "propose", configuration }
    : refuse(fault);
}

/** A fault for ticketd's formats or its dialler, which the protocol would not mind. */
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
  // Only the new address: an older ticketd may have let worse ones in.
  const fault = address === undefined ? undefined : faultToDial(address);
  return fault === undefined
    ? undefined
    : `Invalid address in configuration: ${address} ${fault}`;
}

function refuse(text: string): Plan & { readonly type: "refuse" } {
  return { type: "refuse", text };
}
