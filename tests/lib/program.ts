// Runs a program to its end and reads all that it prints. One that does not end in time is
// killed, and the failure names it. For a program that a test watches while it runs there is
// `server.ts`.

import { DeadlineError, within } from "./until.ts";

/** Some programs start Deno, which takes its time on a busy machine. */
const runMillisMax = 60_000;

export type Output = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type RunOptions = Pick<Deno.CommandOptions, "cwd" | "env"> & {
  /** Its standard input; empty if left out. */
  readonly input?: string;
  readonly millisMax?: number;
};

/** @throws {DeadlineError} if it takes longer than `millisMax` milliseconds, a minute by default */
export async function run(
  program: string,
  args: readonly string[],
  { input = "", millisMax = runMillisMax, ...options }: RunOptions = {},
): Promise<Output> {
  const child = new Deno.Command(program, {
    ...options,
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ended = Promise.all([
    child.output(),
    new Blob([input]).stream().pipeTo(child.stdin),
  ]);
  try {
    const state = `${program} ${args.join(" ")} has ended`;
    const [{ code, stdout, stderr }] = await within(state, ended, {
      millisMax,
    });
    const utf8 = new TextDecoder();
    return { code, stdout: utf8.decode(stdout), stderr: utf8.decode(stderr) };
  } catch (error) {
    if (error instanceof DeadlineError) child.kill("SIGKILL");
    throw error;
  }
}
