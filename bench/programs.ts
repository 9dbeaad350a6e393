// The programs that benchmarks need beside Deno: whether they are here, in which version, and
// the Debian package that brings each. A benchmark without one leaves out what needs it.

const packages = {
  "redis-server": "redis-server",
  cc: "gcc libc6-dev",
} as const;

export type Program = keyof typeof packages;

/** What it says of its version; `undefined` if it is not here. */
export async function version(program: Program): Promise<string | undefined> {
  try {
    const { stdout } = await new Deno.Command(program, {
      args: ["--version"],
      stderr: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    return /\d+\.\d+\.\d+/.exec(text)?.[0] ?? "of unknown version";
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return undefined;
  }
}

/** The line for people when `program` is missing and `what` is therefore left out. */
export function skipped(what: string, program: Program): string {
  return `skipped: ${what}: ${program} was not found ` +
    `(Debian: apt-get install ${packages[program]})`;
}
