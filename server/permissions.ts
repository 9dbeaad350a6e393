// What this process may read: files, and variables of its environment. Asks Deno first each
// time, because to try would prompt at a terminal and wait for an answer. Nothing here knows
// what is read for.

/** Whether the file `path` may be read. What an executable embeds is no file to Deno. */
export function mayReadCode(path: URL): boolean {
  return Deno.build.standalone || mayRead(path);
}

function mayRead(path: string | URL): boolean {
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

/** The value of `variable`; `undefined`, too, if it may not be read. */
export function environmentVariable(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}
