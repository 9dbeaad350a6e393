// Waiting that can be cut short. It leaves neither a timer nor a listener behind, because the
// signals here live as long as the process. Not here: the time of a node, which is counted in
// ticks (`raft/ticker.ts`).

/** Returns after `millis` milliseconds, or as soon as `signal` is aborted; never throws. */
export async function pause(
  millis: number,
  signal?: AbortSignal,
): Promise<void> {
  if (signal?.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => resolve();
  const timer = setTimeout(stop, millis);
  signal?.addEventListener("abort", stop);
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener("abort", stop);
}
