// A target of the fuzzer: a claim, the inputs that it is tried on, and how often. fast-check makes
// the inputs, and makes an input that breaks the claim smaller. The same seed and path give the
// same input on any machine.

import fc from "fast-check";

export type Target = {
  /** Its file and what of it: `frames/handshake`. */
  readonly name: string;
  readonly claim: string;
  /** Its share of all inputs, relative to the other weights: a slow target has less. */
  readonly weight: number;
  readonly check: (options: CheckOptions) => Promise<CheckResult>;
};

export type CheckOptions = {
  readonly inputs: number;
  readonly seed: number;
  /** The path to one input, which alone is tried then. */
  readonly path?: string | undefined;
};

export type CheckResult = {
  /** How many were tried. */
  readonly inputs: number;
  readonly failure?: {
    /** How many inputs were tried up to the failure. */
    readonly after: number;
    /** Tries the smallest such input again. */
    readonly command: string;
    /** That input, and the error. */
    readonly report: string;
  } | undefined;
};

type Definition<T> = {
  readonly name: string;
  readonly claim: string;
  readonly weight: number;
  readonly inputs: fc.Arbitrary<T>;
};

/** A target whose claim is broken if `holds` throws. */
export function target<T>(
  definition: Definition<T>,
  holds: (input: T) => void,
): Target {
  const property = fc.property(definition.inputs, holds);
  return made(
    definition,
    (parameters) => Promise.resolve(fc.check(property, parameters)),
  );
}

/** A target whose claim is broken if the promise of `holds` is rejected. */
export function waitingTarget<T>(
  definition: Definition<T>,
  holds: (input: T) => Promise<void>,
): Target {
  const property = fc.asyncProperty(definition.inputs, holds);
  return made(definition, (parameters) => fc.check(property, parameters));
}

type Run = (parameters: fc.Parameters<unknown>) => Promise<Details>;
type Details = fc.RunDetails<unknown>;

function made(
  { name, claim, weight }: Pick<Target, "name" | "claim" | "weight">,
  run: Run,
): Target {
  return {
    name,
    claim,
    weight,
    check: async ({ inputs, seed, path }) => {
      const one = path !== undefined;
      const numRuns = one ? 1 : inputs;
      const details = await run({
        numRuns,
        seed,
        endOnFailure: one,
        ...(path === undefined ? {} : { path }),
      });
      const failure = failureOf(details, { name, seed });
      return { inputs: details.numRuns, failure };
    },
  };
}

function failureOf(
  details: Details,
  { name, seed }: { name: string; seed: number },
): CheckResult["failure"] {
  const { failed, counterexamplePath, counterexample, errorInstance } = details;
  if (!failed) return undefined;
  const path = counterexamplePath ?? "";
  return {
    after: Number.parseInt(path) + 1,
    command: `deno task fuzz --seed ${seed} --path ${path} ${name}`,
    report: `${shown(counterexample)}\n${causesOf(errorInstance)}`
      .replace(/\n +at .*\/fast-check\/.*/g, "")
      .replace(/^(.{4000}).+$/gm, "$1 ..."),
  };
}

function causesOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const why = error.stack ?? error.message;
  const { cause } = error;
  return cause === undefined ? why : `${why}\nbecause of ${causesOf(cause)}`;
}

/** An input in one line, with bytes in hex. */
function shown(input: unknown): string {
  return JSON.stringify(input, (_, value: unknown) => {
    if (value instanceof Uint8Array) return `hex ${value.toHex()}`;
    const odd = typeof value === "bigint" || typeof value === "number";
    return odd && !Number.isFinite(value) ? String(value) : value;
  });
}
