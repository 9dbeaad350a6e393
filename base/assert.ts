// Assertions for our own bugs. The world's faults (a refused vote, a short
// read, a bad frame) are ordinary values and never come here; whoever meets an
// InvariantError must end the process, because nothing it holds can be trusted.

/** A broken invariant: a bug in ticketd, never bad input. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws an {@linkcode InvariantError} unless `condition` holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Closes a switch over a union: the compiler objects when a case is missing. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable value: ${JSON.stringify(value)}`);
}
