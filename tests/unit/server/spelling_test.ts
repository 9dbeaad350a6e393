import assert from "node:assert/strict";
import { similarTo } from "../../../server/spelling.ts";

const words = ["saddr", "raddr", "log-level", "log-format", "id", "version"];

Deno.test("A word with a letter too many, too few, changed or swapped is close to what was meant", () => {
  for (const word of ["sadddr", "sadr", "saddx", "asddr"]) {
    assert.deepEqual(similarTo(word, words), ["saddr"], word);
  }
});

Deno.test("All words that are equally close are named, in alphabetical order", () => {
  assert.deepEqual(similarTo("addr", words), ["raddr", "saddr"]);
});

Deno.test("Nothing is close to a word of which more than three letters, or most, would change", () => {
  for (const word of ["", "x", "level", "join", "constructor"]) {
    assert.deepEqual(similarTo(word, words), [], word);
  }
});
