// Whether Deno lets a tool do what it is asked to. Without a right Deno would ask for it at a
// terminal, in words that name no directory of ticketd's and no flag of `-P`; so the tools look
// first. The file system's own rights show when a file is opened (`storage/file_faults.ts`).

/**
 * Makes sure that files at `path` may be read, or written; without `path`, everywhere.
 *
 * @throws {Error} with one sentence that names the flag
 */
export function needRight(name: "read" | "write", path?: string): void {
  const asked = path === undefined ? { name } : { name, path };
  if (Deno.permissions.querySync(asked).state === "granted") return;
  const what = name === "read" ? "reading" : "writing";
  const where = path ?? "a copy of a Deno KV store in a temporary directory";
  throw new Error(
    `${what} ${where} needs --allow-${name} (-P covers ./data only)`,
  );
}
