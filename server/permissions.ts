// What this process may read beside its data: code, files with settings, and variables of its
// environment. Asks Deno first each time, because to try would prompt at a terminal and wait
// for an answer. Nothing here knows what is read for.

/** Bytes of a file with settings: nobody writes as many, and `/dev/zero` has no end. */
const fileBytesMax = 64 * 1024;

/** Whether the code at `path` may be read. What an executable embeds is no file to Deno. */
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

/** The names of all variables; none if this process may read named ones only, or none. */
export function environmentNames(): readonly string[] {
  const { state } = Deno.permissions.querySync({ name: "env" });
  return state === "granted" ? Object.keys(Deno.env.toObject()) : [];
}

/**
 * The content of the file `path`, UTF-8 of up to 64 KiB.
 *
 * @throws {Error} which says, behind the name of the file, what is wrong and what to do.
 */
export function textOfFile(path: string): string {
  if (!mayRead(path)) throw new Error(notGranted(path));
  const bytes = attempt(path, () => {
    using file = Deno.openSync(path, { read: true });
    return bytesOf(file);
  });
  if (bytes.length > fileBytesMax) {
    throw new Error(`has more than ${fileBytesMax} bytes; name a smaller file`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error("is no text in UTF-8; name a text file");
  }
}

/** As many as there are, and one more than allowed at most. */
function bytesOf(file: Deno.FsFile): Uint8Array {
  const bytes = new Uint8Array(fileBytesMax + 1);
  let length = 0;
  while (length < bytes.length) {
    const read = file.readSync(bytes.subarray(length)) ?? 0;
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

function attempt<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new Error(reasonOf(error, path), { cause: error });
  }
}

function reasonOf(error: unknown, path: string): string {
  if (error instanceof Deno.errors.NotFound) {
    return "does not exist; name an existing file";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "may not be read: permission denied; give the user that runs ticketd the right to";
  }
  if (error instanceof Deno.errors.NotCapable) return notGranted(path);
  if (error instanceof Deno.errors.IsADirectory) {
    return "is a directory; name a file";
  }
  const message = error instanceof Error ? error.message : String(error);
  return `cannot be read (${message}); name a file that can`;
}

function notGranted(path: string): string {
  return `may not be read: Deno was not given the right to; add --allow-read=${path}`;
}
