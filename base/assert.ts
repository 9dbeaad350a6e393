// Assertions for our own bugs. Faults from outside (a refused vote, a short read, a bad frame)
// are ordinary values and never come here. A process that meets an InvariantError must end,
// because nothing that it holds can be trusted any more.

/** A broken invariant: a bug in ticketd, never bad input. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/**
 * Makes sure that `condition` holds; the compiler then knows it, too.
 *
 * @throws {InvariantError} with `message` if it does not
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/**
 * Closes a switch over a union. The compiler objects if a case is missing, because `value` is
 * then not `never`.
 *
 * @throws {InvariantError} always: a value came that its type excludes
 */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable value: ${JSON.stringify(value)}`);
}

/**
 * `value`, which is there: an element within the bounds of a list, say.
 *
 * @throws {InvariantError} if it is not
 */
export function present<T>(value: T | undefined): T {
  assert(value !== undefined, "what must be there is missing");
  return value;
}
