// Where else a member may be that does not answer at its configured address: where it wants to
// be dialled, as it says on a connection that it made, and where a hint says that it is. None
// of that is believed: a handshake there must prove the disk that the configuration names
// (`dialler.ts`). Dials nothing. Pure.

import {
  type Address,
  completedAddress,
  faultToDial,
  formatAddress,
  parseAddress,
} from "../../base/address.ts";
import { type Members, rankOf } from "../identity/peer_ranks.ts";
import type { Link } from "./link.ts";

/** What this node has heard of another one. */
export type Heard = Pick<Link, "id" | "accepted" | "advertised" | "hinted">;

/**
 * The addresses besides `configured` at which to look for a member, likeliest first; none for
 * a member whose disk is not known, because nothing could prove that it is found.
 */
export function elsewhere(
  { id, accepted, advertised, hinted }: Heard,
  { configured, members }: {
    readonly configured: Address;
    readonly members: Members;
  },
): readonly Address[] {
  if (members.incarnationOf(id) === "") return [];
  const texts = [hinted];
  // Any other node could make this one dial an address of its choice.
  if (
    accepted !== undefined && rankOf(id, accepted.proof, members) === "known"
  ) {
    const host = parseAddress(accepted.remote)?.host ?? "";
    texts.unshift(completedAddress(advertised, host));
  }
  const found = new Map<string, Address>();
  for (const text of texts) {
    const address = parseAddress(text);
    if (address === undefined || faultToDial(text) !== undefined) continue;
    found.set(formatAddress(address), address);
  }
  found.delete(formatAddress(configured));
  return [...found.values()];
}
