// A temporary directory for a test, and programs that use `Files` in it with permissions of their
// own, as processes.

import { join } from "node:path";
import { run } from "../../lib/program.ts";

/** Runs `body` with a new directory, which is removed when `body`, or its promise, has ended. */
export function withDirectory<T>(body: (directory: string) => T): T {
  const directory = Deno.makeTempDirSync();
  const remove = () => Deno.removeSync(directory, { recursive: true });
  let result: T;
  try {
    result = body(directory);
  } catch (error) {
    remove();
    throw error;
  }
  if (result instanceof Promise) return result.finally(remove) as T;
  remove();
  return result;
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** The module under test, for programs that import it. */
export const filesUrl =
  new URL("../../../storage/files.ts", import.meta.url).href;

type Program = {
  /** The statements that it runs, with `files` of `directory`/data. It prints what they throw. */
  readonly body: string;
  readonly permissions: readonly string[];
  /** The words before its own, such as `unprivileged`. */
  readonly wrapper?: readonly string[];
};

/** Writes a program into `directory`; the words of the command that runs it. */
export function program(
  directory: string,
  { body, permissions, wrapper = [] }: Program,
): string[] {
  const script = join(directory, "script.ts");
  Deno.writeTextFileSync(
    script,
    `import { denoFiles } from ${JSON.stringify(filesUrl)};
    const files = denoFiles(${JSON.stringify(join(directory, "data"))});
    try { ${body} } catch (error) { console.log(String(error)); }`,
  );
  return [
    ...[...wrapper, Deno.execPath(), "run"],
    ...["--no-config", "--no-prompt", "--no-lock"],
    ...[...permissions, script],
  ];
}

/** Runs a program, and returns what it prints. */
export async function output(
  directory: string,
  options: Program,
): Promise<string> {
  const [first, ...rest] = program(directory, options);
  return (await run(first!, rest, { env: { NO_COLOR: "1" } })).stdout;
}
