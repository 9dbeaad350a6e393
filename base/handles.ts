// File handles that run out, as the system says it: the log meets that, and so does the port
// for clients. Not here: how many handles there are and who may have them
// (`server/file_handles.ts`), and what to do when there are none.

/** Whether `error` says that the process, or the whole system, has no file handle left. */
export function isOutOfHandles(error: unknown): boolean {
  return error instanceof Error && /os error (23|24)\b/.test(error.message);
}
