// Runs a program of the system to its end; one that fails says why.

export async function command(...words: string[]): Promise<string> {
  const [program, ...args] = words;
  const output = await new Deno.Command(program!, { args }).output();
  const text = new TextDecoder().decode(output.stdout);
  if (output.success) return text;
  const reason = new TextDecoder().decode(output.stderr).trim();
  throw new Error(`${words.join(" ")}: ${reason || `code ${output.code}`}`);
}

/** Those of `programs` that are not installed. */
export async function missing(programs: readonly string[]): Promise<string[]> {
  const found = await Promise.all(programs.map(async (program) => {
    const args = ["-c", 'command -v "$0"', program];
    const { success } = await new Deno.Command("sh", { args }).output();
    return success;
  }));
  return programs.filter((_, i) => !found[i]);
}
