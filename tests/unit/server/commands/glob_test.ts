import assert from "node:assert/strict";
import fc from "fast-check";
import { Glob, matchesInAnyCase } from "../../../../server/commands/glob.ts";

const rows: readonly (readonly [string, string, boolean])[] = [
  ["*", "save", true],
  ["", "save", false],
  ["", "", true],
  ["*", "", true],
  ["?", "", false],
  ["save", "save", true],
  ["sav", "save", false],
  ["savee", "save", false],
  ["s?v?", "save", true],
  ["s?", "save", false],
  ["*v*", "save", true],
  ["a*ly", "appendonly", true],
  ["a*l*x", "appendonly", false],
  ["**s**", "save", true],
  ["*a*a*a*", "aa", false],
  ["s.ve", "save", false],
  ["[s]ave", "save", true],
  ["[rst]ave", "save", true],
  ["[abc]ave", "save", false],
  ["[^abc]ave", "save", true],
  ["[^s]ave", "save", false],
  ["s[a-c]ve", "save", true],
  ["s[c-a]ve", "save", true],
  ["s[b-z]ve", "save", false],
  ["s[^b-z]ve", "save", true],
  ["*[0-9]", "order7", true],
  ["*[0-9]", "order", false],
  ["[]", "]", false],
  ["[^]", "x", true],
  ["[]x", "]x", false],
  ["[a", "a", true],
  ["[a", "b", false],
  ["x[", "x", false],
  ["[a-", "-", true],
  ["[a-]", "-", false],
  ["[a-]", "]", true],
  ["[a-]", "^", true],
  ["[\\]]", "]", true],
  ["[\\]]", "x", false],
  ["[\\^a]", "^", true],
  ["[a\\-c]", "-", true],
  ["[a\\-c]", "b", false],
  ["\\*", "*", true],
  ["\\*", "x", false],
  ["\\?", "?", true],
  ["\\[a]", "[a]", true],
  ["\\\\", "\\", true],
  ["x\\", "x\\", true],
  ["\\x", "x", true],
  ["*\\", "x\\", true],
];

Deno.test("A glob matches as in Redis", () => {
  for (const [pattern, name, expected] of rows) {
    const glob = new Glob(pattern);
    assert.equal(glob.matches(name), expected, `${pattern} ${name}`);
    assert.equal(glob.matches(name), expected, "and again");
  }
});

Deno.test("A glob matches in its own case, unless it is to match in any", () => {
  assert(!new Glob("SaVe").matches("save"));
  assert(!new Glob("s[A]ve").matches("save"));
  assert(matchesInAnyCase("SaVe", "save"));
  assert(matchesInAnyCase("s[A-C]VE", "Save"));
  assert(!matchesInAnyCase("saved", "save"));
});

Deno.test("A glob of any length is matched in a time that does not grow with its stars", () => {
  for (const part of ["*?", "?*", "*a", "a*", "*", "[a-z]*", "*[^a]", "["]) {
    const pattern = part.repeat(60_000 / part.length);
    assert.equal(matchesInAnyCase(`${pattern}b`, "appendonly"), false);
  }
  const long = new Glob(`*${"[abcdefghijklmnopqrstuvwxyz]".repeat(36)}`);
  for (let i = 0; i < 20_000; i++) long.matches("n".repeat(128));
});

Deno.test("A glob matches what the regular expression of its meaning matches", () => {
  const parts = ["a", "b", "*", "?", "[ab]", "[^a]", "[a-b]", "\\a", "\\*"];
  const meanings: Record<string, string> = {
    "*": ".*",
    "?": ".",
    "\\a": "a",
    "\\*": "\\*",
  };
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...parts), { maxLength: 8 }),
      fc.array(fc.constantFrom("a", "b", "c", "*"), { maxLength: 8 }),
      (parts, name) => {
        const meaning = parts.map((part) => meanings[part] ?? part).join("");
        assert.equal(
          new Glob(parts.join("")).matches(name.join("")),
          new RegExp(`^${meaning}$`).test(name.join("")),
        );
      },
    ),
    { numRuns: 1000 },
  );
});
