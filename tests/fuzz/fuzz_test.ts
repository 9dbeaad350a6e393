// The fuzzer in small: every target, on inputs that are the same each time; `deno task fuzz`
// tries new ones, and as many as one likes.

import assert from "node:assert/strict";
import fc from "fast-check";
import { calls } from "./calls.ts";
import { withoutEscapes } from "./escapes.ts";
import { type Target, target } from "./target.ts";
import { targets } from "./targets.ts";

const seed = 1;
/** For each unit of a target's weight: 22,000 in all. */
const inputsPerWeight = 10;

for (const { claim, weight, check } of targets) {
  Deno.test(claim, async () => {
    const inputs = weight * inputsPerWeight;
    const { failure } = await check({ inputs, seed });
    assert(failure === undefined, `${failure?.report}\n${failure?.command}`);
  });
}

/** Breaks on a fifth of all inputs; the smallest is 1000. */
const broken: Target = target({
  name: "canary/number",
  claim: "Numbers have three digits",
  weight: 1,
  inputs: fc.nat(9999),
}, (number) => assert(number < 1000, `${number} is too long`));

Deno.test("A broken claim is found, made small, and told with a command that breaks it again", async () => {
  const { failure } = await broken.check({ inputs: 100, seed });
  assert(failure !== undefined);
  assert.match(failure.report, /^\[1000\]\n.*1000 is too long/);
  const shape =
    /^deno task fuzz --seed 1 --path (\d+(?::\d+)*) canary\/number$/;
  const [, path] = shape.exec(failure.command)!;
  const again = await broken.check({ inputs: 100, seed, path });
  assert.equal(again.inputs, 1);
  assert.match(again.failure!.report, /^\[1000\]/);
});

Deno.test("The same seed breaks a claim at the same input, however many are tried", async () => {
  const few = await broken.check({ inputs: 50, seed });
  const many = await broken.check({ inputs: 50_000, seed });
  assert.equal(few.failure!.command, many.failure!.command);
  assert.equal(few.failure!.after, many.failure!.after);
});

Deno.test("Every target has a name of its own", () => {
  const names = targets.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});

Deno.test("An error that nobody waits for breaks a claim like one that is thrown", async () => {
  const escapes: Record<string, () => void> = {
    "a promise": () => void Promise.reject(new Error("a slip")),
    "a later promise": () =>
      void Promise.resolve().then(() => Promise.reject(new Error("a slip"))),
    "a microtask": () =>
      queueMicrotask(() => {
        throw new Error("a slip");
      }),
  };
  for (const [from, escape] of Object.entries(escapes)) {
    const run = () => withoutEscapes(() => Promise.resolve(escape()));
    await assert.rejects(run, { cause: new Error("a slip") }, from);
  }
  assert.equal(await withoutEscapes(() => Promise.resolve(1)), 1);
});

Deno.test("The fuzzer knows every command of the table, and its subcommands", () => {
  const known = calls.map((words) => words.join(" "));
  for (const call of ["ticket", "raft.join", "config get", "command help"]) {
    assert(known.includes(call), call);
  }
  assert.equal(new Set(known).size, known.length);
});
