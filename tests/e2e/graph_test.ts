// `deno compile` cannot run where this is tested: the runtime that it embeds has to be
// downloaded. What can be shown is that what it would embed is whole: every module and
// text that a run needs is reached from the entries that the task names, and none of
// them lies anywhere but here or in the npm registry.

import assert from "node:assert/strict";
import deno from "../../deno.json" with { type: "json" };

const root = new URL("../../", import.meta.url);

type Module = { readonly specifier: string; readonly error?: string };

/** The local files and the packages that `entry` needs, however far away. */
async function graphOf(
  entry: string,
): Promise<{ files: string[]; npm: string[] }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: root,
    stdout: "piped",
    stderr: "piped",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: Module[];
  };
  const files: string[] = [];
  const npm: string[] = [];
  for (const { specifier, error } of modules) {
    assert.equal(error, undefined, specifier);
    if (specifier.startsWith(root.href)) {
      files.push(specifier.slice(root.href.length));
    } else if (specifier.startsWith("npm:")) npm.push(specifier);
    else assert.match(specifier, /^node:/, `${specifier} is out of reach`);
  }
  return { files, npm };
}

/** What the task names besides permissions: the included and, last, the main module. */
function compiled(): string[] {
  const words = deno.tasks.compile.split(" ");
  const included = words.filter((_, at) => words[at - 1] === "--include");
  return [...included, words.at(-1)!];
}

function* filesIn(folder: string): Iterable<string> {
  for (const { name, isFile } of Deno.readDirSync(new URL(folder, root))) {
    const path = `${folder}/${name}`;
    if (isFile) yield path;
    else yield* filesIn(path);
  }
}

Deno.test("deno compile embeds every module of the service, the worker's and every asset included", async () => {
  const graphs = await Promise.all(compiled().map(graphOf));
  const embedded = new Set(graphs.flatMap(({ files }) => files));
  for (const folder of ["base", "raft", "server", "storage"]) {
    for (const path of filesIn(folder)) {
      assert.ok(embedded.has(path), `${path} is not embedded`);
    }
  }
  assert.ok(embedded.has("main.ts") && embedded.has("deno.json"));
});

Deno.test("What the code finds by URL at run time is named to deno compile", async () => {
  const { files } = await graphOf("main.ts");
  for (const path of files.filter((path) => path.endsWith(".ts"))) {
    const text = await Deno.readTextFile(new URL(path, root));
    for (
      const [, found] of text.matchAll(/new URL\("([^"]+)", import\.meta/g)
    ) {
      const target = new URL(found!, new URL(path, root)).href;
      const named = compiled().some((entry) =>
        new URL(entry, root).href === target
      );
      assert.ok(
        named,
        `${path} opens ${found}, which deno compile does not embed`,
      );
    }
  }
});

Deno.test("The service imports packages of deno.json and nothing else from afar", async () => {
  const named = Object.values(deno.imports).map((name) =>
    name.replace(/^npm:/, "")
  );
  for (const { npm } of await Promise.all(compiled().map(graphOf))) {
    for (const specifier of npm) {
      const name = specifier.replace(/^npm:\/?/, "");
      assert.ok(
        named.some((known) => name === known || name.startsWith(`${known}/`)),
        `${specifier} is not in deno.json`,
      );
    }
  }
});
