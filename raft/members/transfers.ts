// RAFT.TRANSFER: leadership goes to another voter because a client asks for it (thesis
// 3.10). The leader that was asked begins the transfer, once, and which server leads at its
// end decides the answer. The next leader does not begin it again: it would hand over in
// its turn. `changes_asked.ts` brings the command to the leader.

import { answers, bestVoter } from "../core/leadership.ts";
import type { Raft } from "../core/raft.ts";
import type { NodeId } from "../core/types.ts";
import {
  type Change,
  type ChangeAnswer,
  error,
  ok,
  settle,
  type Transfer,
} from "./change.ts";

/**
 * Begins to hand over to `id`, or to the best voter if that is empty; to be called on the
 * leader. An answer instead of a transfer: there is nothing to begin.
 */
export function beginTransfer(
  raft: Raft,
  id: NodeId | "",
): Transfer | ChangeAnswer {
  if (id === raft.id) return ok;
  const target = id === "" ? raft.transferTarget ?? bestVoter(raft) : id;
  if (target === undefined) {
    return error("there is no other voter to take over");
  }
  const server = raft.membership.find(target);
  if (server === undefined) return error(`server ${target} is no member`);
  const name = `server ${target} at ${server.address}`;
  if (server.suffrage !== "voter") {
    return error(
      `${name} has no vote and cannot lead; RAFT.PROMOTE ${target} gives it one`,
    );
  }
  if (!answers(raft, target)) {
    return error(`${name} does not answer: is it running?`);
  }
  if (raft.transferTarget === undefined) raft.transferLeadership(target);
  if (raft.transferTarget !== target) {
    return error(`server ${raft.transferTarget} is taking over already`);
  }
  return {
    from: raft.id,
    term: raft.currentTerm,
    target,
    anybody: id === "",
  };
}

/** Answers `change` if `transfer`, which it asked for, has come to its end. */
export function concludeTransfer(
  raft: Raft,
  { change, transfer }: { change: Change; transfer: Transfer },
): void {
  const answer = transferAnswer(raft, transfer);
  if (answer !== undefined) settle(change, answer);
}

/** As any node sees the end of a transfer; `undefined`: it has not ended. */
function transferAnswer(
  raft: Raft,
  { from, term, target, anybody }: Transfer,
): ChangeAnswer | undefined {
  const { leaderId, currentTerm, transferTarget } = raft;
  if (leaderId === undefined) return undefined;
  if (leaderId === target) return ok;
  if (leaderId !== from) {
    return anybody
      ? ok
      : error(`server ${leaderId} leads now, and not ${target}`);
  }
  const failed = target === undefined
    ? "nobody took over"
    : `server ${target} did not take over`;
  if (term === undefined) return undefined;
  if (currentTerm !== term) {
    return error(`${failed}: server ${from} leads again`);
  }
  if (raft.role !== "leader" || transferTarget !== undefined) return undefined;
  return error(
    `${failed} in time, and server ${from} goes on leading: ` +
      `is it running, or does it lag behind?`,
  );
}
