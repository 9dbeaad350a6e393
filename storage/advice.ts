// Advice on a data directory that works, but not as its operator would want it: one line
// each, with the remedy. Nothing is refused, because it may be intended: a group that makes
// copies, a node that somebody only tries out.

/** Nearly every Linux keeps these in memory. Only /proc would tell of other places. */
const inMemory = ["/dev/shm", "/run"];

/**
 * The lines of advice on `directory`, which must exist; none if it is well.
 *
 * @throws a Deno error if its mode or real path cannot be read
 */
export function adviceOn(directory: string): string[] {
  const advice: string[] = [];
  const mode = Deno.statSync(directory).mode ?? 0;
  if ((mode & 0o077) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, "0");
    advice.push(
      `others than its owner may enter ${directory} (mode ${octal}), and whoever may ` +
        `write there decides which tickets come: chmod 700 ${directory}`,
    );
  }
  const path = Deno.realPathSync(directory);
  const root = inMemory.find((root) => path.startsWith(`${root}/`));
  if (root !== undefined) {
    advice.push(
      `${directory} lies in ${root}, which systems keep in memory: after a power loss the ` +
        "same tickets would be given again, whatever --durability says; choose a --dir " +
        "on a disk",
    );
  }
  return advice;
}
