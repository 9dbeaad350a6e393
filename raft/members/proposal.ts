// What nodes that found a cluster together agree on, and what each of them keeps of it
// before its cluster exists. Texts, so that an operator can read them; two proposals are the
// same if their texts are. Not here: when a node agrees (`founding.ts`), how the texts are
// kept (`storage/draft.ts`) and how nodes tell them to each other (`founding_answer.ts`).
//
//   proposal = CLUSTER (" " ID " " ADDRESS " " INCARNATION){2..9}     in order of ids
//   draft    = "node " ID " " INCARNATION "\n" ["log\n"] ["accepted " proposal "\n"]
//              ("former " proposal "\n")*
//
// CLUSTER has 32 hex digits, INCARNATION 16, ADDRESS no spaces.

import { parseAddress } from "../../base/address.ts";
import { isNodeId, isShortText } from "../../base/bytes.ts";
import type { NodeId, Server } from "../core/types.ts";

/** The most nodes that found a cluster together. */
export const foundersMax = 9;
/** Proposals that a draft keeps at most: each stands for a disk lost during the founding. */
const formerMax = 16;

/** One of the nodes that are to found a cluster. */
export type Founder = {
  readonly id: NodeId;
  /** Where other nodes dial it; the host may be missing. */
  readonly address: string;
  /** Of its data directory: 16 hex digits. */
  readonly incarnation: string;
};

/** A cluster that is to be founded, and all of its first members. */
export type Proposal = {
  /** The id of the cluster: 32 hex digits. */
  readonly cluster: string;
  /** In order of their ids. */
  readonly founders: readonly Founder[];
};

/** What a node keeps from before its first word until its directory is lost. */
export type Draft = {
  readonly node: NodeId;
  /** Of this directory, drawn once. */
  readonly incarnation: string;
  /**
   * The directory has held a log. If that is gone, others still know the incarnation, and
   * would count on votes and entries that the node has forgotten.
   */
  readonly hasLog?: true;
  /** The proposal that this node has agreed to last. */
  readonly accepted: Proposal | undefined;
  /** Those that it agreed to before. */
  readonly former: readonly Proposal[];
};

/** `draft` after its node has accepted `proposal`; `undefined` if it holds too many. */
export function withAccepted(
  draft: Draft,
  proposal: Proposal,
): Draft | undefined {
  const { accepted, former } = draft;
  if (former.length === formerMax) return undefined;
  return {
    ...draft,
    accepted: proposal,
    former: accepted === undefined ? former : [...former, accepted],
  };
}

/** The first configuration of the cluster: every founder votes. */
export function serversOf({ founders }: Proposal): Server[] {
  return founders.map((founder) => ({ ...founder, suffrage: "voter" }));
}

/** Whether the proposal names this very disk. */
export function names(
  { founders }: Proposal,
  { node, incarnation }: Pick<Draft, "node" | "incarnation">,
): boolean {
  return founders.some((founder) =>
    founder.id === node && founder.incarnation === incarnation
  );
}

/** The text of a proposal, by which two are compared. */
export function proposalText({ cluster, founders }: Proposal): string {
  return [
    cluster,
    ...founders.flatMap(({ id, address, incarnation }) => [
      id,
      address,
      incarnation,
    ]),
  ].join(" ");
}

/** The inverse of {@linkcode proposalText}; `undefined` for any other text. */
export function parseProposal(text: string): Proposal | undefined {
  const [cluster = "", ...words] = text.split(" ");
  const founders: Founder[] = [];
  for (let at = 0; at < words.length; at += 3) {
    const [id = "", address = "", incarnation = ""] = words.slice(at, at + 3);
    const founder = { id, address, incarnation };
    const before = founders.at(-1)?.id ?? "";
    if (!isFounder(founder) || id <= before) return undefined;
    founders.push(founder);
  }
  const isSound = /^[0-9a-f]{32}$/.test(cluster) && founders.length >= 2 &&
    founders.length <= foundersMax;
  return isSound ? { cluster, founders } : undefined;
}

/** Whether each of its texts can stand in a proposal. */
export function isFounder({ id, address, incarnation }: Founder): boolean {
  return isNodeId(id) && /^[0-9a-f]{16}$/.test(incarnation) &&
    (parseAddress(address)?.port ?? 0) > 0 && isShortText(address);
}

/** The text of a draft. */
export function draftText(draft: Draft): string {
  const { node, incarnation, hasLog, accepted, former } = draft;
  const lines = [`node ${node} ${incarnation}`];
  if (hasLog) lines.push("log");
  if (accepted !== undefined) lines.push(`accepted ${proposalText(accepted)}`);
  for (const one of former) lines.push(`former ${proposalText(one)}`);
  return lines.map((line) => `${line}\n`).join("");
}

/** The inverse of {@linkcode draftText}; `undefined` for any other text. */
export function parseDraft(text: string): Draft | undefined {
  const [first = "", ...lines] = text.split("\n");
  const [, node = "", incarnation = ""] =
    /^node (\S+) ([0-9a-f]{16})$/.exec(first) ?? [];
  if (!isNodeId(node) || lines.pop() !== "") return undefined;
  const hasLog = lines[0] === "log";
  if (hasLog) lines.shift();
  let accepted: Proposal | undefined;
  const former: Proposal[] = [];
  for (const line of lines) {
    const [kind] = line.split(" ", 1);
    const proposal = parseProposal(line.slice(`${kind} `.length));
    if (proposal === undefined) return undefined;
    if (kind === "accepted" && accepted === undefined) accepted = proposal;
    else if (kind === "former" && accepted !== undefined) former.push(proposal);
    else return undefined;
  }
  return { node, incarnation, accepted, former, ...hasLog && { hasLog } };
}
