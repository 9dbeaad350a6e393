// How large the numbers of another node may be. Whatever is above was never counted up to
// by an honest one, and would be kept: a term near the end of what a file can hold is
// written down, and the node that read it could never stand for election again, nor
// start. Checked where messages are decoded (`message_codec.ts`) and, for what hangs on
// our own term, before they are obeyed (`faults.ts`).

/** Of terms and indexes, and of what is counted up beside them: sequences and rounds. */
export const counterMax = 2 ** 50;

/**
 * How far a term may be above our own. In the worst of storms two elections a second are
 * held; a node that was away for three months is still told of them.
 */
export const termJumpMax = 2 ** 24;

/** Tickets in one take: as many as may wait in one isolate that serves clients. */
export const takeCountMax = 2 ** 21;
