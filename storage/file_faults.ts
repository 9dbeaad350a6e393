// Puts into words why the system or Deno refuses a file or directory: the path, the fault, the
// remedy. `files.ts` asks here whenever something fails, and before it opens a path at which
// another user may have put something. Nothing here writes.

import { dirname } from "node:path";
import { StorageError } from "./storage.ts";

/**
 * Runs `run`, which is to `action` ("create", "lock", "read", …) `path`.
 *
 * @throws {StorageError} instead of anything that `run` throws
 */
export function attempt<T>(action: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw explained(action, path, error);
  }
}

/** The error `cannot ACTION PATH: REASON`, made from the error `cause`. */
export function explained(
  action: string,
  path: string,
  cause: unknown,
): StorageError {
  return new StorageError(
    `cannot ${action} ${path}: ${reasonOf(cause, { action, path })}`,
    { cause },
  );
}

function reasonOf(
  error: unknown,
  { action, path }: { action: string; path: string },
): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error;
  if (error instanceof Deno.errors.NotCapable) {
    // No --allow-read or --allow-write reaches these paths, whatever it names.
    if (
      message.startsWith("Requires all access") ||
      /^\/(dev|proc|sys)\//.test(path)
    ) {
      return "Deno opens nothing in /dev, /proc and /sys without --allow-all; choose " +
        "a --dir on a disk (what lies in /dev/shm is lost with the power, too)";
    }
    const flag = message.includes("write access") ? "write" : "read";
    return `Deno was not given the right to; add --allow-${flag} ` +
      "(-P covers ./data only)";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "permission denied; give its owner, the user that runs ticketd, " +
      "the right to read and write it";
  }
  if (error instanceof Deno.errors.NotFound && action === "create") {
    return "no such directory above it; choose another --dir";
  }
  if (message.includes("os error 28")) {
    return "no space left on the device; make room and start again: " +
      "nothing that was acknowledged is lost";
  }
  if (message.includes("os error 30")) {
    return "its file system is mounted read-only; mount it for writing (a system that " +
      "met a bad disk has done this by itself, and its own log says so), or choose " +
      "another --dir";
  }
  return message;
}

/** Says that something else stands where `directory` should be; `undefined` if `cause` does not. */
export function notDirectory(
  directory: string,
  cause: unknown,
): StorageError | undefined {
  if (
    !(cause instanceof Deno.errors.NotADirectory ||
      cause instanceof Deno.errors.AlreadyExists ||
      cause instanceof Deno.errors.FilesystemLoop)
  ) return undefined;
  const path = nearest(directory);
  const { isSymlink } = Deno.lstatSync(path);
  const reason = isSymlink && leadsNowhere(path)
    ? `it is a symbolic link to ${
      Deno.readLinkSync(path)
    }, where nothing is; make ` +
      "that directory, mount what belongs there, or choose another --dir"
    : "it is a file; choose another --dir";
  return new StorageError(`cannot use ${path} as data directory: ${reason}`, {
    cause,
  });
}

/** `path`, or the nearest directory above it that exists: of `a/1` it may be `a`. */
function nearest(path: string): string {
  try {
    Deno.lstatSync(path);
    return path;
  } catch {
    const above = dirname(path);
    return above === path ? path : nearest(above);
  }
}

function leadsNowhere(path: string): boolean {
  try {
    Deno.statSync(path);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.FilesystemLoop;
  }
}

/**
 * Whether there is a file at `path`.
 *
 * Anything else is refused: another user who may write to the directory could make us follow a
 * symbolic link, and empty or publish the file that it leads to (PITFALLS 43).
 *
 * @throws {StorageError} if there is a link, a directory, a pipe or a device
 */
export function isFile(path: string): boolean {
  let found: Deno.FileInfo;
  try {
    found = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  if (found.isFile) return true;
  const kind = found.isSymlink ? "a symbolic link" : "no file";
  throw new StorageError(
    `${path} is ${kind}, and not of ticketd's making; nothing was read or written ` +
      "through it. Remove it, and let nobody else write to its directory",
  );
}
