// Runs a program of the system to its end; one that fails says why.

export async function command(...words: string[]): Promise<string> {
  const [program, ...args] = words;
  const output = await new Deno.Command(program!, { args }).output();
  const text = new TextDecoder().decode(output.stdout);
  if (output.success) return text;
  const reason = new TextDecoder().decode(output.stderr).trim();
  throw new Error(`${words.join(" ")}: ${reason || `code ${output.code}`}`);
}
