// Memory of buffers, given back when it is not needed any more rather than when the
// collector comes by: an isolate that has become idle may not collect for minutes, and
// what a crowd of clients had held would stay with the process as long.

/** A smaller buffer is left to the collector: to detach it costs more than it is worth. */
const worthBytes = 16 * 1024;

/**
 * Ends the life of `bytes`, which nobody may read or write any more. A write to a socket
 * that is still under way keeps its own hold on the memory.
 */
export function free(bytes: Uint8Array<ArrayBuffer>): void {
  if (bytes.length >= worthBytes) bytes.buffer.transfer(0);
}
