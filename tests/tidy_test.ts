// The repository's own shape, kept by a test: who imports whom, which words the pure core
// may not know, where a file may wait, how files begin and how long they grow. It reads
// the sources as text; comments and strings are taken out where only code counts.

import assert from "node:assert/strict";
import deno from "../deno.json" with { type: "json" };
import {
  codeOf,
  files,
  found,
  importsOf,
  isFile,
  read,
  service,
  sources,
} from "./lib/source_tree.ts";

/** This file names what it forbids. */
const self = "tests/tidy_test.ts";

// The folders that each folder may import: the first row whose name begins the path counts. The rooms of
// `raft/` know the core and what is below it, and each other only through the node.
const mayImport: readonly (readonly [string, RegExp])[] = [
  ["base/", /^base\//],
  ["raft/core/", /^(raft\/core|base)\//],
  [
    "raft/channel/",
    /^(raft\/channel|base)\/|^(raft\/core\/(types|limits)|storage\/storage)\.ts$/,
  ],
  ["raft/identity/", /^(raft\/(identity|core)|base)\//],
  ["raft/net/", /^(raft\/(net|identity|core)|base)\//],
  ["raft/tickets/", /^(raft\/(tickets|channel|core)|base)\//],
  ["raft/members/", /^(raft\/(members|channel|core)|base)\//],
  ["raft/stats/", /^(raft\/(stats|identity|channel|core)|base)\//],
  ["raft/", /^(raft|storage|base)\//],
  ["storage/", /^(storage|base)\/|^raft\/core\/(types|save_codec)\.ts$/],
  ["server/resp/", /^(server\/resp|base)\//],
  ["server/tickets/", /^(server\/tickets|raft\/channel|base)\//],
  [
    "server/commands/",
    /^(server\/(commands|resp|tickets)|raft\/channel|base)\/|^server\/\w+\.ts$/,
  ],
  ["server/clients/", /^(server|raft\/channel|base)\//],
  ["server/placement.ts", /^(raft\/channel|storage|base)\//],
  [
    "server/tools.ts",
    /^(server\/\w+|admin\/(node_place|new_cluster)|base\/\w+)\.ts$/,
  ],
  ["server/", /^(server\/\w+\.ts$|raft\/channel\/|base\/|deno\.json$)/],
  [
    "admin/",
    /^(admin|storage|raft\/core|base)\/|^raft\/(members\/(bootstrap|proposal)|tickets\/machine(_codec)?|channel\/operations)\.ts$|^deno\.json$/,
  ],
  ["client/", /^client\//],
  [
    "main.ts",
    /^(server|admin|base|raft\/channel)\/|^raft\/host\.ts$|^deno\.json$/,
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
      if (path.startsWith("server/") && to === "raft/channel/messages.ts") {
        assert(typeOnly, `${label}: types only`);
      }
    }
  }
});

/** From each file or folder of the service those that it imports, for values or types. */
type Graph = ReadonlyMap<string, ReadonlySet<string>>;

function graphOf(place: (path: string) => string): Graph {
  return new Map(
    [...new Set(service.map(place))].map((from) => [
      from,
      new Set(
        service.filter((path) => place(path) === from)
          .flatMap((path) => importsOf(path)).map(({ to }) => to)
          .filter((to) => service.includes(to)).map(place)
          .filter((to) => to !== from || !to.includes(".")),
      ),
    ]),
  );
}

/** The way back to `start`, if imports lead there. */
function cycleFrom(start: string, graph: Graph): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const open = [start];
  for (const from of open) {
    for (const to of graph.get(from)!) {
      if (to === start && from !== start) {
        const way = [from];
        while (way[0] !== start) way.unshift(cameFrom.get(way[0]!)!);
        return [...way, start];
      }
      if (to === start || cameFrom.has(to)) continue;
      cameFrom.set(to, from);
      open.push(to);
    }
  }
  return undefined;
}

function cyclesOf(graph: Graph): string[] {
  return [...graph.keys()].flatMap((start) =>
    cycleFrom(start, graph)?.join(" -> ") ?? []
  );
}

Deno.test("No file imports itself by way of others, be it for types alone", () => {
  assert.deepEqual(cyclesOf(graphOf((path) => path)), []);
});

Deno.test("No folder imports itself by way of others", () => {
  const folderOf = (path: string) => path.replace(/\/?[^/]*$/, "");
  assert.deepEqual(cyclesOf(graphOf(folderOf)), []);
});

Deno.test("A cycle of imports is found, and named from end to end", () => {
  const graph = (...edges: [string, string[]][]): Graph =>
    new Map(edges.map(([from, to]) => [from, new Set(to)]));
  const ring = graph(["a", ["b"]], ["b", ["c"]], ["c", ["b", "a"]]);
  assert.deepEqual(cycleFrom("a", ring), ["a", "b", "c", "a"]);
  assert.deepEqual(
    cyclesOf(graph(["a", ["b", "c"]], ["b", ["c"]], ["c", []])),
    [],
  );
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
  // `process` is a field of messages as well: `.process` and `process:` are none of Deno's.
  const banned =
    /\b(Deno|Date|performance|Math\.random|console|setTimeout|setInterval|queueMicrotask|async|await|Promise|(?<!\.)process(?!:)|globalThis|crypto)\b/;
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
  "raft/net/acceptor.ts",
  "raft/net/connection_table.ts",
  "raft/net/dialler.ts",
  "raft/net/inbound_handshake.ts",
  "raft/net/outbound_handshake.ts",
  "raft/hints.ts",
  "raft/host.ts",
  "raft/founding.ts",
  "raft/resume_or_join.ts",
  "raft/joining.ts",
  "raft/members/join.ts",
  "raft/members/join_question.ts",
  "raft/net/link.ts",
  "base/log_outlet.ts",
  "base/logger.ts",
  "raft/net/peers.ts",
  "raft/open_storage.ts",
  "server/placement.ts",
  "server/process_end.ts",
  "base/dial.ts",
  "base/resolve.ts",
  "base/listen.ts",
  "base/pause.ts",
  "base/port.ts",
  "base/resp_client.ts",
  "raft/channel/box_memory.ts",
  "raft/net/wire.ts",
  "server/clients/client_port.ts",
  "server/clients/client_service.ts",
  "server/clients/io_threads.ts",
  "server/clients/listener.ts",
  "server/clients/shared_port.ts",
  "server/clients/io_thread.ts",
  "admin/backup.ts",
  "admin/check.ts",
  "admin/inspect.ts",
  "admin/node_data.ts",
  "admin/progress.ts",
  "admin/recover.ts",
  "admin/restore.ts",
  "admin/status.ts",
  "admin/stopped_node.ts",
  "admin/terminal.ts",
  "server/clients/fair_turns.ts",
  "storage/files.ts",
  "storage/kv.ts",
  "storage/kv_reading.ts",
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
    "server/clients/io_worker.ts",
  ]);
  // A set hands out what is added while it is walked.
  for (const path of reached) {
    if (!path.endsWith(".ts")) continue;
    for (const { to } of importsOf(path)) {
      if (isFile(to)) reached.add(to);
    }
  }
  // The reference that tests compare the storages with: no node in service uses it.
  const ends = (path: string) =>
    path.startsWith("client/") || path === "storage/memory.ts";
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

Deno.test("No file of the service grows above 400 lines, and no other above 500", () => {
  for (const path of sources) {
    const { length } = read(path).split("\n");
    const most = service.includes(path) ? 400 : 500;
    assert(length <= most, `${path} has ${length} lines`);
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

// The platform gives `null` for nothing: a regular expression without a match, the end of
// a stream, JSON's null, an event without a listener.
const mayMeetNull = new Set([
  "base/address.ts",
  "base/resp_client.ts",
  "raft/net/wire.ts",
  "raft/worker.ts",
  "server/flags.ts",
  "storage/kv.ts",
  "storage/kv_storage.ts",
]);

Deno.test("Inside, absence is undefined and never null", () => {
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
