// What is to be said of a data directory that works, but not as its operator would want
// it: one line each, with the remedy. Nothing is refused for it, for it may be meant: a
// group that makes copies, a node that is only tried out.

/** Kept in memory on nearly every Linux; of other places only /proc would tell. */
const inMemory = ["/dev/shm", "/run"];

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
