import assert from "node:assert/strict";
import { mutants } from "./all.ts";
import { mutated } from "./mutant.ts";
import { sourceOf } from "./tree.ts";

Deno.test("Every mutant applies: its text stands exactly once in its file", () => {
  const faults = mutants.flatMap((mutant) => {
    try {
      mutated(sourceOf(mutant.file), mutant);
      return [];
    } catch (error) {
      return [String(error)];
    }
  });
  assert.deepEqual(faults, []);
});

Deno.test("Every mutant says what is wrong with it, and who must catch it", () => {
  const names = new Set<string>();
  for (const { name, mistake, source, tests } of mutants) {
    assert.match(name, /^[a-z0-9-]+$/);
    assert(!names.has(name), `two mutants are called ${name}`);
    names.add(name);
    assert(mistake !== "" && source !== "", name);
    assert(tests.length > 0, `${name} names no test`);
    for (const file of tests) sourceOf(`tests/${file}`);
  }
  assert(mutants.length >= 40, `${mutants.length} mutants`);
});

Deno.test("A mutant whose text is gone, or stands twice, is told by name", () => {
  const mutant = {
    ...{ name: "m", mistake: "-", source: "-", file: "f.ts", tests: [] },
    ...{ find: "a", replace: "b" },
  };
  assert.equal(mutated("xay", mutant), "xby");
  assert.throws(() => mutated("xy", mutant), /^Error: m: .* 0 times in f\.ts/);
  assert.throws(() => mutated("aa", mutant), /^Error: m: .* 2 times in f\.ts/);
});
