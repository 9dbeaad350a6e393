// RAFT.TRANSFER: leadership to another voter because people ask for it, and what came of
// it. It is begun once, by the leader that was asked, and never asked again of the next
// one, who would hand over in its turn: once that leader leads no more, who leads now
// decides the answer. `change.ts` carries the question to the leader and waits.

import type { AdminAnswer } from "../channel/messages.ts";
import { error, ok } from "./change_plan.ts";
import { answers, bestVoter } from "../core/leadership.ts";
import type { Raft } from "../core/raft.ts";
import type { NodeId, Term } from "../core/types.ts";

/** Leadership of `term` is to leave `from`. */
export type Transfer = {
  readonly from: NodeId;
  /** `undefined`: it was asked elsewhere, and only that leader knows when it failed. */
  readonly term: Term | undefined;
  /** To whom; `undefined` while nobody has chosen. */
  readonly target: NodeId | undefined;
  /** Whoever leads next will do. */
  readonly anybody: boolean;
};

/** The leader hands over to `id`, or to whom it likes if that is empty. */
export function beginTransfer(
  raft: Raft,
  id: NodeId | "",
): Transfer | AdminAnswer {
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

/** What came of it, as any node sees it; `undefined` until that is decided. */
export function transferOutcome(
  raft: Raft,
  { from, term, target, anybody }: Transfer,
): AdminAnswer | undefined {
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
