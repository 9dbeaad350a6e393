// `deno task fuzz [--inputs N] [--seed N] [--path P] [TARGET…]`: tries the claims of all targets,
// or of those that are named in full or by their files, on N inputs together. An input that
// breaks a claim is made smaller and printed with the command that tries it again; the exit code
// is then 1.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { parseArgs } from "node:util";
import type { Target } from "./target.ts";
import { targets } from "./targets.ts";

const { values, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    inputs: { type: "string", default: "100000" },
    seed: { type: "string" },
    path: { type: "string" },
  },
});

const inputs = numberOf("--inputs", values.inputs);
const seed = values.seed === undefined
  ? crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1 // or --seed took it for a flag
  : numberOf("--seed", values.seed);
const chosen = positionals.length === 0
  ? targets
  : targets.filter(({ name }) =>
    positionals.some((begin) => name === begin || name.startsWith(`${begin}/`))
  );
if (chosen.length === 0) {
  usage(`no such target; there are ${targets.map(({ name }) => name)}`);
}
if (values.path !== undefined && chosen.length !== 1) {
  usage("--path is of one target: name it in full");
}

console.log(`seed ${seed}`);
const weights = chosen.reduce((sum, { weight }) => sum + weight, 0);
let tried = 0;
let failed = 0;
const begun = performance.now();
for (const target of chosen) {
  await run(target, Math.ceil(inputs * target.weight / weights));
}
console.log(
  `${tried} inputs in ${seconds(begun)} s, ${failed} of ${chosen.length} ` +
    "targets failed",
);
Deno.exit(failed === 0 ? 0 : 1);

async function run(target: Target, inputs: number): Promise<void> {
  const begun = performance.now();
  const { path } = values;
  const outcome = await target.check({ inputs, seed, path });
  const rate = outcome.inputs / (performance.now() - begun) * 1000;
  tried += outcome.inputs;
  const { failure } = outcome;
  console.log(
    `${target.name.padEnd(20)} ${String(outcome.inputs).padStart(8)} inputs ` +
      `${rate.toFixed(0).padStart(7)}/s  ${failure ? "FAILED" : "ok"}`,
  );
  if (failure === undefined) return;
  failed++;
  console.log(
    `  "${target.claim}" is broken by input ${failure.after}:\n` +
      `${failure.report.replace(/^/gm, "  ")}\n  again: ${failure.command}`,
  );
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}

function numberOf(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) usage(`${flag}: "${text}" is no integer`);
  return value;
}

function usage(fault: string): never {
  console.error(fault);
  Deno.exit(2);
}
