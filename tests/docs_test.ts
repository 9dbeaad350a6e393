// The documents, kept true by a test: links, names of files, citations, tasks and flags
// lead somewhere; README and ARCHITECTURE stay short; every file of the service has its
// line in the map.

import assert from "node:assert/strict";
import deno from "../deno.json" with { type: "json" };
import { flags } from "../server/flags.ts";
import { isToolFlag } from "../server/tool_flags.ts";
import {
  files,
  isFile,
  read,
  resolve,
  service,
  sources,
} from "./lib/source_tree.ts";

const documents = files.filter((path) => path.endsWith(".md"));

/** A document without its blocks of code, which are no text. */
function proseOf(path: string): string {
  return read(path).replace(/^```[\s\S]*?^```/gm, "");
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of proseOf(path).matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading!.trim().toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Why the link `to` in `document` leads nowhere, if it does not. */
function faultOfLink(document: string, to: string): string[] {
  if (/^(https?|mailto):/.test(to)) return [];
  const [path = "", anchor] = to.split("#");
  const target = path === "" ? document : resolve(document, path);
  if (!isFile(target)) return [`${document}: ${to} is no file`];
  if (anchor === undefined || anchorsOf(target).has(anchor)) return [];
  return [`${document}: ${to} is no heading`];
}

Deno.test("Every link in a document leads to a file, or to a heading in one", () => {
  const faults = documents.flatMap((document) => {
    // A link in backticks shows how one is written.
    const text = proseOf(document).replace(/`[^`\n]*`/g, "`code`");
    return [...text.matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)]
      .flatMap(([, to]) => faultOfLink(document, to!));
  });
  assert.deepEqual(faults, []);
});

Deno.test("Every source file or folder that a document names exists", () => {
  const names = new Set(files.map((path) => path.replace(/.*\//, "")));
  const isThere = (name: string) =>
    name.endsWith("/")
      ? files.some((path) => path.startsWith(name))
      : name.includes("/")
      ? isFile(name)
      : names.has(name);
  // Folders by more than one name: `data/` is none of the repository's.
  const named = /^(?:[\w.-]+\/)*[\w.-]+\.(?:ts|json|md)$|^(?:[\w.-]+\/){2,}$/;
  const faults = documents.flatMap((document) =>
    [...proseOf(document).matchAll(/`([^`\n]+)`/g)]
      .map(([, code]) => code!)
      .filter((code) => named.test(code) && !isThere(code))
      .map((code) => `${document}: ${code}`)
  );
  assert.deepEqual(faults, []);
});

const pitfalls = "docs/PITFALLS.md";

/** The numbers that `texts` cite behind `word`, as `path: number`. */
function citations(word: string): { path: string; number: number }[] {
  const cited = new RegExp(`\\b${word} (\\d+(?:(?:,| and|–) ?\\d+)*)`, "g");
  return [...sources, ...documents].filter((path) => path !== pitfalls)
    .flatMap((path) =>
      [...read(path).matchAll(cited)].flatMap(([, numbers]) =>
        [...numbers!.matchAll(/\d+/g)].map(([number]) => ({
          path,
          number: Number(number),
        }))
      )
    );
}

Deno.test("Every pitfall that is cited has its item, and every bug of the original its row", () => {
  const text = read(pitfalls);
  const numbersOf = (pattern: RegExp) =>
    [...text.matchAll(pattern)].map(([, number]) => Number(number));
  const items = numbersOf(/^### (\d+)\. /gm);
  const bugs = numbersOf(/^\| (\d+) \|/gm);
  // The numbers are for ever: a list that lost one would shift what others cite.
  assert.deepEqual(items, items.map((_, i) => i + 1));
  assert.deepEqual(bugs, bugs.map((_, i) => i + 1));
  assert(items.length >= 48 && bugs.length >= 17);
  const strays = (word: string, known: readonly number[]) =>
    citations(word).filter(({ number }) => !known.includes(number))
      .map(({ path, number }) => `${path}: ${word} ${number}`);
  assert.deepEqual(strays("PITFALLS", items), []);
  assert.deepEqual(strays("bug", bugs), []);
  assert.match(text, /^## RESP/m); // cited as "PITFALLS, RESP table"
});

Deno.test("README and ARCHITECTURE stay short", () => {
  const linesOf = (path: string) => read(path).trimEnd().split("\n").length;
  assert(linesOf("README.md") <= 120, `README: ${linesOf("README.md")}`);
  const lines = linesOf("ARCHITECTURE.md");
  assert(lines <= 250, `ARCHITECTURE: ${lines}`);
});

Deno.test("Every task that a document names is one, and every flag stands in OPERATING", () => {
  const tasks = new Set(Object.keys(deno.tasks));
  const strays = documents.flatMap((document) =>
    [...read(document).matchAll(/\b(?:deno|deno@[\d.]+) task ([a-z][\w:]*)/g)]
      .filter(([, task]) => !tasks.has(task!))
      .map(([text]) => `${document}: ${text}`)
  );
  assert.deepEqual(strays, []);
  const rows = read("docs/OPERATING.md").matchAll(/^\| `--([a-z-]+)` \|/gm);
  assert.deepEqual(
    [...rows].map(([, name]) => name!).filter((name) => !isToolFlag(name))
      .toSorted(),
    Object.keys(flags).toSorted(),
  );
});

Deno.test("Every file of the service stands in the code map of ARCHITECTURE", () => {
  const map = read("ARCHITECTURE.md");
  const isShown = (path: string) =>
    map.includes(`${path.replace(/.*\//, "")}\``);
  assert.deepEqual(service.filter((path) => !isShown(path)), []);
});
