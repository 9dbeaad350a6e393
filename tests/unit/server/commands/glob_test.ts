import assert from "node:assert/strict";
import fc from "fast-check";
import { matchesGlob } from "../../../../server/commands/glob.ts";

Deno.test("A glob matches as in Redis, in upper and lower case", () => {
  const rows: [string, string, boolean][] = [
    ["*", "save", true],
    ["", "save", false],
    ["", "", true],
    ["save", "save", true],
    ["SaVe", "save", true],
    ["sav", "save", false],
    ["savee", "save", false],
    ["s?v?", "save", true],
    ["s?", "save", false],
    ["*v*", "save", true],
    ["a*ly", "appendonly", true],
    ["a*l*x", "appendonly", false],
    ["**s**", "save", true],
    ["*a*a*a*", "aa", false],
    ["[s]ave", "save", false],
    ["s.ve", "save", false],
  ];
  for (const [pattern, name, expected] of rows) {
    assert.equal(matchesGlob(pattern, name), expected, `${pattern} ${name}`);
  }
});

Deno.test("A glob of any length is matched in a time that does not grow with its stars", () => {
  for (const part of ["*?", "?*", "*a", "a*", "*"]) {
    const pattern = part.repeat(30_000);
    assert.equal(matchesGlob(`${pattern}b`, "appendonly"), false);
  }
});

Deno.test("A glob matches what the regular expression of its meaning matches", () => {
  const letters = fc.constantFrom("a", "b", "*", "?");
  fc.assert(
    fc.property(
      fc.array(letters, { maxLength: 8 }),
      fc.array(fc.constantFrom("a", "b"), { maxLength: 8 }),
      (parts, name) => {
        const meaning = parts.map((part) =>
          part === "*" ? ".*" : part === "?" ? "." : part
        );
        const expected = new RegExp(`^${meaning.join("")}$`).test(
          name.join(""),
        );
        assert.equal(matchesGlob(parts.join(""), name.join("")), expected);
      },
    ),
  );
});
