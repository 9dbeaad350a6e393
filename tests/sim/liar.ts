// Messages of nodes that may say nothing: a stranger, under a member's id or another, that
// claims to know a far newer configuration; or a former member. They send any message, in
// an old term, the present one, the next, or one that is impossibly far ahead.

import { DecodeError } from "../../base/bytes.ts";
import { termJumpMax } from "../../raft/core/limits.ts";
import {
  decodePeerMessage,
  encodePeerMessage,
} from "../../raft/core/message_codec.ts";
import type { PeerMessage } from "../../raft/core/types.ts";
import type { PeerProof } from "../../raft/identity/peer_ranks.ts";
import { everyMessage } from "../lib/every_message.ts";
import type { Computer } from "./computer.ts";
import type { World } from "./world.ts";

/** `to` hears one lie, if the message can be decoded. */
export function lie(world: World, to: Computer): void {
  const { random } = world;
  const { raft } = to;
  if (raft === undefined) return;
  const wasMember = random(2) === 0;
  const ids = [...world.computers.keys()].filter((id) => id !== to.id);
  const from = wasMember || random(2) === 0 ? "z" : world.pick(ids) ?? "z";
  const proof: PeerProof = {
    isOn: () => false,
    mark: "of a liar",
    knowsUs: wasMember,
    since: wasMember ? 0 : 2 ** 50,
  };
  const ahead = world.pick([-1, 0, 1, termJumpMax + 9]) ?? 0;
  const term = Math.max(0, raft.currentTerm + ahead);
  const message = asRead(
    world.pick(everyMessage({ from, to: to.id, term })),
  );
  if (message === undefined) return;
  to.run(() => {
    world.counts.lies++;
    const fault = to.node?.receive(message, proof);
    return `hears a lie, ${message.type} ${term} of ${from}: ${fault}`;
  });
}

/** `undefined` if the decoder refuses it. */
function asRead(message: PeerMessage | undefined): PeerMessage | undefined {
  if (message === undefined) return undefined;
  try {
    return decodePeerMessage(encodePeerMessage(message));
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
