// `deno task sim`: runs the simulator on one seed, or on many until one fails.
//
//   deno task sim 42                   one seed: its options, then what came of it
//   deno task sim 42 --trace           … and every event
//   deno task sim --count 1000         1,000 seeds in a row, from a random one
//   deno task sim --count 200 --first 1     these seeds: 1 to 200
//   deno task sim --minutes 30
//   deno task sim 42 --canary twice    with a mistake in the simulator, to be found
//
// Exits with 1 if a seed fails, or if too little happened for the run to prove anything.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { parseArgs } from "node:util";
import { drawOptions, optionLines } from "./options.ts";
import { type Outcome, simulate } from "./simulation.ts";
import { Totals } from "./totals.ts";
import { canaries, type Canary } from "./world.ts";

const { values, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    count: { type: "string" },
    first: { type: "string" },
    minutes: { type: "string" },
    trace: { type: "boolean", default: false },
    quiet: { type: "boolean", default: false },
    canary: { type: "string" },
  },
});

const canary = values.canary as Canary | undefined;
if (canary !== undefined && !canaries.includes(canary)) {
  fail(`--canary ${canary}: there are ${canaries.join(", ")}`);
}
if (positionals.length > 1) fail("give one seed, or --count N");
const [seed] = positionals;
if (seed !== undefined) one(natural(seed, "the seed"));
else many();

function one(seed: number): void {
  console.log(optionLines(drawOptions(seed)).join("\n"));
  const print = values.trace ? console.log : undefined;
  const outcome = simulate(seed, { print, canary });
  const { hash, failure, counts, stuck, ...rest } = outcome;
  for (const [name, value] of Object.entries({ ...rest, ...counts })) {
    console.log(`${name} ${value}`);
  }
  console.log(`trace ${hash}${stuck ? ", stuck, and rightly so" : ""}`);
  if (failure === undefined) return console.log("passed");
  console.error(failure);
  Deno.exit(1);
}

function many(): void {
  const first = values.first === undefined
    ? Math.floor(Math.random() * 2 ** 31)
    : natural(values.first, "--first");
  const minutes = values.minutes && natural(values.minutes, "--minutes");
  const count = minutes ? Infinity : natural(values.count ?? "100", "--count");
  const end = minutes ? Date.now() + minutes * 60_000 : Infinity;
  const totals = new Totals();
  for (let i = 0; i < count && Date.now() < end; i++) {
    const outcome = simulate(first + i, { canary });
    totals.add(outcome);
    if (outcome.failure !== undefined) failed(outcome, totals);
    if (!values.quiet && (i + 1) % 100 === 0) {
      console.log(`${i + 1} seeds, ${totals.tickets} tickets`);
    }
  }
  console.log(totals.lines().join("\n"));
  const little = totals.tooLittle();
  if (little.length > 0) fail(`too little happened: ${little.join(", ")}`);
  console.log("passed");
}

function failed({ seed, failure }: Outcome, totals: Totals): never {
  console.error(failure);
  console.error(
    `failed seed=${seed} after ${totals.seeds} seeds; again: ` +
      `deno task sim ${seed} --trace` + (canary ? ` --canary ${canary}` : ""),
  );
  Deno.exit(1);
}

function natural(text: string, what: string): number {
  if (!/^\d{1,10}$/.test(text)) fail(`${what}: "${text}" is no number`);
  return Number(text);
}

function fail(text: string): never {
  console.error(text);
  Deno.exit(1);
}
