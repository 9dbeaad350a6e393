// The repository's own shape, kept by a test: who imports whom, which words the pure core
// may not know, where a file may wait, how files begin and how long they grow. It reads
// the sources as text; comments and strings are taken out where only code counts.

import assert from "node:assert/strict";
import deno from "../deno.json" with { type: "json" };

const root = new URL("../", import.meta.url);
/** This file names what it forbids. */
const self = "tests/tidy_test.ts";
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

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, root));
}

const files = [...walk()].toSorted();
const sources = files.filter((path) => path.endsWith(".ts"));
/** What runs in production. */
const service = sources.filter((path) =>
  path === "main.ts" || /^(server|raft|storage|client)\//.test(path)
);

const commentOrText =
  /(\/\/[^\n]*|\/\*[\s\S]*?\*\/)|("(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)/g;

function withoutComments(source: string): string {
  return source.replace(commentOrText, (all, comment) => comment ? "" : all);
}

/** What is left are the words that run, and types. */
function codeOf(path: string): string {
  return read(path).replace(commentOrText, '""');
}

type Import = { readonly to: string; readonly typeOnly: boolean };

const anImport =
  /\b(?:import|export)(\s+type)?\s[\w\s{},*$]*?\bfrom\s+"([^"\n]+)"|\bimport\s*\(?\s*"([^"\n]+)"/g;

/** What `path` imports: files from the root on, everything else as it is written. */
function importsOf(path: string): Import[] {
  const matches = withoutComments(read(path)).matchAll(anImport);
  return [...matches].map(([, type, from, bare]) => {
    const to = from ?? bare!;
    return {
      to: to.startsWith(".") ? resolve(path, to) : to,
      typeOnly: type !== undefined,
    };
  });
}

function isFile(path: string): boolean {
  return files.includes(path);
}

function resolve(from: string, to: string): string {
  return new URL(to, new URL(from, root)).href.slice(root.href.length);
}

/** The lines in which `pattern` is found, as `path:line`. */
function found(pattern: RegExp, text: string, path: string): string[] {
  return text.split("\n").flatMap((line, i) =>
    pattern.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : []
  );
}

// Who may import whom: the first row whose name begins the path counts.
const mayImport: readonly (readonly [string, RegExp])[] = [
  ["raft/core/", /^raft\/core\//],
  ["raft/", /^(raft|storage)\//],
  ["storage/", /^(storage|raft\/core)\//],
  [
    "server/",
    /^(server\/|raft\/(channel|address|port|logger|resp_client|take_box|core\/assert)\.ts$|deno\.json$)/,
  ],
  ["client/", /^client\//],
  [
    "main.ts",
    /^(server\/|raft\/(channel|address|logger|host|place|port|take_box)\.ts$|storage\/kv\.ts$|deno\.json$)/,
  ],
  ["", /^(?!main\.ts$)/],
];

Deno.test("Imports go one way", () => {
  for (const path of sources) {
    const [, allowed] = mayImport.find(([from]) => path.startsWith(from))!;
    for (const { to, typeOnly } of importsOf(path)) {
      if (!isFile(to)) continue; // a package: below
      const label = `${path} imports ${to}`;
      assert(allowed.test(to), label);
      if (service.includes(path)) {
        assert(!/^(tests|bench|deploy)\//.test(to), label);
      }
      if (path.startsWith("server/") && to === "raft/channel.ts") {
        assert(typeOnly, `${label}: types only`);
      }
    }
  }
});

Deno.test("Packages come from deno.json or the platform, and never by address", () => {
  const packages = new Set(Object.keys(deno.imports));
  for (const path of sources) {
    for (const { to } of importsOf(path)) {
      const isKnown = isFile(to) || packages.has(to) ||
        to.startsWith("node:");
      assert(isKnown, `${path} imports ${to}`);
      assert(
        !(path.startsWith("raft/core/") && !isFile(to)),
        `${path} imports ${to}: the core needs nothing`,
      );
    }
  }
});

Deno.test("Every dependency is pinned to one version, and locked", () => {
  const lock = JSON.parse(read("deno.lock"));
  for (const [name, specifier] of Object.entries(deno.imports)) {
    assert.match(specifier, /^npm:(@[\w-]+\/)?[\w-]+@\d+\.\d+\.\d+$/, name);
    assert(specifier in lock.specifiers, `${specifier} is not in deno.lock`);
  }
});

Deno.test("The core knows no clock, chance, process or promise", () => {
  const banned =
    /\b(Deno|Date|performance|Math\.random|console|setTimeout|setInterval|queueMicrotask|async|await|Promise|process|globalThis|crypto)\b/;
  const core = sources.filter((path) => path.startsWith("raft/core/"));
  assert(core.length > 0);
  assert.deepEqual(
    core.flatMap((path) => found(banned, codeOf(path), path)),
    [],
  );
});

// The rim. All else is synchronous, so that a simulator can run it as it is.
const mayWait = new Set([
  "main.ts",
  "raft/handshake.ts",
  "raft/host.ts",
  "raft/join.ts",
  "raft/link.ts",
  "raft/log_outlet.ts",
  "raft/logger.ts",
  "raft/peers.ts",
  "raft/place.ts",
  "raft/port.ts",
  "raft/resp_client.ts",
  "raft/take_box.ts",
  "raft/wire.ts",
  "server/command.ts",
  "server/connection.ts",
  "server/front.ts",
  "server/io_threads.ts",
  "server/listener.ts",
  "server/status.ts",
  "server/turns.ts",
  "storage/files.ts",
  "storage/kv.ts",
  "storage/kv_storage.ts",
]);

Deno.test("Only the files at the rim know promises", () => {
  const waits = service.filter((path) =>
    /\b(async|await|Promise)\b/.test(codeOf(path))
  );
  assert.deepEqual(waits.filter((path) => !mayWait.has(path)), []);
  assert.deepEqual([...mayWait].filter((path) => !waits.includes(path)), []);
});

Deno.test("Every source file is reached from main.ts or a worker", () => {
  const reached = new Set([
    "main.ts",
    "raft/worker.ts",
    "server/io_worker.ts",
  ]);
  // A set hands out what is added while it is walked.
  for (const path of reached) {
    if (!path.endsWith(".ts")) continue;
    for (const { to } of importsOf(path)) {
      if (isFile(to)) reached.add(to);
    }
  }
  const ends = (path: string) => path.startsWith("client/");
  assert.deepEqual(
    service.filter((path) => !reached.has(path) && !ends(path)),
    [],
  );
});

Deno.test("Every source file begins by saying what it is, in 3 to 15 lines", () => {
  for (const path of sources) {
    if (path.endsWith("_test.ts")) continue;
    const lines = read(path).split("\n");
    const header = lines.findIndex((line) => !line.startsWith("//"));
    // Of a helper of tests or benchmarks a line or two may say all.
    const least = /^(tests|bench)\//.test(path) ? 1 : 3;
    assert(
      least <= header && header <= 15,
      `${path} begins with ${header} lines`,
    );
    assert.equal(lines[header], "", `${path}: an empty line after the header`);
  }
});

Deno.test("No file of the service grows above 450 lines", () => {
  for (const path of service) {
    const { length } = read(path).split("\n");
    assert(length <= 450, `${path} has ${length} lines`);
  }
});

Deno.test("No `any`, no default export, no barrel, no note for later", () => {
  const banned =
    /(?:[:<|&,(]|\bas)\s*any\b(?!\s*[(:,])|\bexport default\b|\bexport \*/;
  const others = sources.filter((path) => path !== self);
  assert.deepEqual(
    others.flatMap((path) => found(banned, codeOf(path), path)),
    [],
  );
  const texts = files.filter((path) => /\.(ts|md|json)$/.test(path));
  assert.deepEqual(
    texts.filter((path) => path !== self)
      .flatMap((path) => found(/\b(TODO|FIXME|XXX)\b/, read(path), path)),
    [],
  );
});

// What the platform gives for nothing: a regular expression without a match, the end of
// a stream, JSON's null, an event without a listener.
const mayMeetNull = new Set([
  "raft/address.ts",
  "raft/change_codec.ts",
  "raft/resp_client.ts",
  "raft/wire.ts",
  "raft/worker.ts",
  "server/connection.ts",
  "server/flags.ts",
  "storage/kv.ts",
  "storage/kv_storage.ts",
]);

Deno.test("Inside, nothing is undefined and never null", () => {
  const meets = service.filter((path) =>
    /(?<![.\w])null\b(?!\()/.test(codeOf(path))
  );
  assert.deepEqual(meets.filter((path) => !mayMeetNull.has(path)), []);
  assert.deepEqual(
    [...mayMeetNull].filter((path) => !meets.includes(path)),
    [],
  );
});

Deno.test("Nothing names a registry's host or a path of somebody's machine", () => {
  const host = /https?:\/\/[^\s"'`)]*(registry|npmjs|artifact|proxy)/i;
  const home = /(^|[\s"'`(=:])\/(work|home|root|Users|tmp)\/\w/;
  for (const path of files) {
    if (path === self) continue;
    const text = read(path);
    assert.deepEqual(found(host, text, path), []);
    assert.deepEqual(found(home, text, path), []);
  }
});
