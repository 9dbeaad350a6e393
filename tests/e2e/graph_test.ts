// `deno compile` cannot run here, because the runtime that it embeds must be downloaded. These
// tests show that the executable would lack nothing: every module and text that a run needs
// is reached from the entries that the task names, and comes from this repository or npm.

import assert from "node:assert/strict";
import deno from "../../deno.json" with { type: "json" };
import { contents } from "../lib/harness.ts";
import { run } from "../lib/program.ts";

const root = new URL("../../", import.meta.url);

type Module = { readonly specifier: string; readonly error?: string };

/** The local files and the packages that `entry` needs, directly or through others. */
async function graphOf(
  entry: string,
): Promise<{ files: string[]; npm: string[] }> {
  const { code, stdout, stderr } = await run(
    Deno.execPath(),
    ["info", "--json", entry],
    { cwd: root },
  );
  assert.equal(code, 0, stderr);
  const { modules } = JSON.parse(stdout) as { modules: Module[] };
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

/** The entries that the task names: the included modules and, last, the main module. */
function compiled(): string[] {
  const words = deno.tasks.compile.split(" ");
  const included = words.filter((_, at) => words[at - 1] === "--include");
  return [...included, words.at(-1)!];
}

Deno.test("deno compile embeds every module of the service, the worker's and every asset included", async () => {
  const graphs = await Promise.all(compiled().map(graphOf));
  const embedded = new Set(graphs.flatMap(({ files }) => files));
  for (const folder of ["admin", "base", "raft", "server", "storage"]) {
    const files = contents(new URL(folder, root).pathname);
    for (const [absolute, bytes] of Object.entries(files)) {
      const path = absolute.slice(root.pathname.length);
      // The reference that tests compare the storages with.
      if (bytes === undefined || path === "storage/memory.ts") continue;
      assert.ok(embedded.has(path), `${path} is not embedded`);
    }
  }
  assert.ok(embedded.has("main.ts") && embedded.has("deno.json"));
});

Deno.test("Every file that the code opens by URL at run time is named to deno compile", async () => {
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
