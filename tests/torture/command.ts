// Runs a program of the system to its end.

import { run } from "../lib/program.ts";

/** The standard output of a program; throws if it fails, with its standard error. */
export async function command(...words: string[]): Promise<string> {
  const [program, ...args] = words;
  const { code, stdout, stderr } = await run(program!, args);
  if (code === 0) return stdout;
  throw new Error(`${words.join(" ")}: ${stderr.trim() || `code ${code}`}`);
}
