// Assertions of the main isolate, for our own bugs only; the isolates share types,
// not code, hence the likeness to `raft/core/assert.ts`. Nothing in `server/` catches
// what is thrown here: an unhandled error ends the process, as it must.

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
