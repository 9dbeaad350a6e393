// Which of several moves can be recorded in one configuration: no two members may have one
// address, neither two that move nor one that moves and one that stays. Members that have
// swapped their addresses can, together. Pure.

import type { Configuration, NodeId } from "../core/types.ts";

/** By member, its new address. */
export type Moves = Map<NodeId, string>;

/**
 * As many of `wanted` as leave every member of `configuration` an address of its own. Of two
 * that move to one address, the first of the configuration has it.
 */
export function soundMoves(
  { servers }: Configuration,
  wanted: ReadonlyMap<NodeId, string>,
): Moves {
  const moves: Moves = new Map(wanted);
  for (let isSound = false; !isSound;) {
    isSound = true;
    // Those that stay keep their addresses. One move less may be one that stays more.
    const taken = new Set(
      servers.filter(({ id }) => !moves.has(id)).map((s) => s.address),
    );
    for (const { id } of servers) {
      const address = moves.get(id);
      if (address === undefined) continue;
      if (taken.has(address)) {
        moves.delete(id);
        isSound = false;
      }
      taken.add(address);
    }
  }
  for (const id of moves.keys()) {
    if (!servers.some((server) => server.id === id)) moves.delete(id);
  }
  return moves;
}
