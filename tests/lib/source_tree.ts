// The repository as text, for tests of its own shape: which files there are, what they
// import, and their code without comments and strings. Nothing here runs what it reads.

const root = new URL("../../", import.meta.url);
const skipped = new Set([".git", ".tools", "node_modules", "data"]);

function* walk(folder = ""): Iterable<string> {
  for (
    const { name, isDirectory } of Deno.readDirSync(
      new URL(folder || ".", root),
    )
  ) {
    if (skipped.has(name)) continue;
    if (isDirectory) yield* walk(`${folder}${name}/`);
    else yield folder + name;
  }
}

/** The text of the file at `path`, from the root on. */
export function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, root));
}

/** Every file of the repository, from the root on, in order. */
export const files = [...walk()].toSorted();
export const sources = files.filter((path) => path.endsWith(".ts"));
/** The sources that run in production. */
export const service = sources.filter((path) =>
  path === "main.ts" || /^(base|server|admin|raft|storage|client)\//.test(path)
);

const commentOrText =
  /(\/\/[^\n]*|\/\*[\s\S]*?\*\/)|("(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)/g;

function withoutComments(source: string): string {
  return source.replace(commentOrText, (all, comment) => comment ? "" : all);
}

/** The code of `path` without comments, and with every string empty. */
export function codeOf(path: string): string {
  return read(path).replace(commentOrText, '""');
}

export type Import = { readonly to: string; readonly typeOnly: boolean };

const anImport =
  /\b(?:import|export)(\s+type)?\s[\w\s{},*$]*?\bfrom\s+"([^"\n]+)"|\bimport\s*\(?\s*"([^"\n]+)"/g;

/** What `path` imports: files from the root on, everything else as it is written. */
export function importsOf(path: string): Import[] {
  const matches = withoutComments(read(path)).matchAll(anImport);
  return [...matches].map(([, type, from, bare]) => {
    const to = from ?? bare!;
    return {
      to: to.startsWith(".") ? resolve(path, to) : to,
      typeOnly: type !== undefined,
    };
  });
}

export function isFile(path: string): boolean {
  return files.includes(path);
}

/** The path that `to` means in the file `from`. */
export function resolve(from: string, to: string): string {
  return new URL(to, new URL(from, root)).href.slice(root.href.length);
}

/** The lines in which `pattern` is found, as `path:line`. */
export function found(pattern: RegExp, text: string, path: string): string[] {
  return text.split("\n").flatMap((line, i) =>
    pattern.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : []
  );
}
