// How large the numbers of another node may be. No honest node has counted any further, and
// a larger number would do lasting harm: a term near the end of what a file can hold goes
// to disk, and the node could never stand for election again, nor start. Bounds are checked
// where messages are decoded (`message_codec.ts`); the one that depends on this node's own
// term, before they are obeyed (`faults.ts`).

/** Terms, indexes, sequences and rounds: all are counted up one by one. */
export const counterMax = 2 ** 50;

/**
 * Bytes of data in one Forward or ForwardResponse: thousands of groups of operations. Of a guest
 * no frame of this size is read, but none forwards: only a member on a known disk may.
 */
export const forwardBytesMax = 256 * 1024;

/**
 * How far the term of a message may be above this node's own, in terms. At two elections a
 * second, which is more than any storm brings, a node may be away for three months.
 */
export const termJumpMax = 2 ** 24;

/** Tickets in one take: as many as may wait in one isolate that serves clients. */
export const takeCountMax = 2 ** 21;
