// What a torture run needs of the machine, and whether it is there.

import { missing } from "./command.ts";

const tools = [
  "ip",
  "mount",
  "nft",
  "nsenter",
  "prlimit",
  "setpriv",
  "strace",
  "unshare",
];

/** Why it cannot run here, as the end of a sentence; `undefined` if it can. */
export async function hindrance(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "needs Linux";
  if (Deno.uid() !== 0) {
    return "needs root, for namespaces and strace: use sudo";
  }
  const absent = await missing(tools);
  if (absent.length > 0) {
    return `needs ${absent.join(", ")}: ` +
      "apt-get install iproute2 nftables strace util-linux";
  }
  const args = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "true"];
  const { success } = await new Deno.Command("unshare", { args }).output();
  return success ? undefined : "needs the right to make namespaces";
}
