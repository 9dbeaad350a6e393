// Mistakes in the gate itself, put in: each would let a change pass that no test has tried, or
// let a test wait for ever.

import type { Mutant } from "./mutant.ts";

const tally = "tests/lib/tally.ts";
const until = "tests/lib/until.ts";
const untilTests = ["unit/lib/until_test.ts"];
const gate = "CONTRIBUTING, A test that needs a program";

export const gateMutants: readonly Mutant[] = [
  {
    name: "ignored-is-fine",
    mistake: "a test that is switched off counts as nothing",
    source: gate,
    file: tally,
    find: "let failed = Number(bad) + unexplained;",
    replace: "let failed = Number(bad);",
    tests: ["unit/lib/tally_test.ts"],
  },
  {
    name: "silence-is-success",
    mistake: "a run that ends without a word of its outcome has passed",
    source: gate,
    file: tally,
    find: "if (!success || this.#summary === undefined) ",
    replace: "if (!success) ",
    tests: ["unit/lib/tally_test.ts"],
  },
  {
    name: "nothing-is-success",
    mistake: "a run that tried nothing has passed",
    source: gate,
    file: tally,
    find: "failed: nothing ? 1 : failed,",
    replace: "failed: nothing ? failed : failed,",
    tests: ["unit/lib/tally_test.ts"],
  },
  {
    name: "skips-pass-the-gate",
    mistake: "--no-skips says what was skipped, and passes",
    source: gate,
    file: "tests/run.ts",
    find: "Deno.exit(failed === 0 && !refused ? 0 : 1);",
    replace: "Deno.exit(failed === 0 || !refused ? 0 : 1);",
    tests: ["unit/run_test.ts"],
  },
  {
    name: "program-misspelt",
    mistake: "a program that nobody has is skipped on every machine",
    source: gate,
    file: "tests/lib/needs.ts",
    find: 'strace: "strace",',
    replace: 'strase: "strace",\n  strace: "strace",',
    tests: ["unit/lib/needs_test.ts"],
  },
  {
    name: "program-of-no-package",
    mistake: "a skip names a package that does not bring the program",
    source: gate,
    file: "tests/lib/needs.ts",
    find: 'nft: "nftables",',
    replace: 'nft: "nftable",',
    tests: ["unit/lib/needs_test.ts"],
  },
  {
    name: "missing-is-here",
    mistake: "what lies in no folder of the search path is taken for installed",
    source: gate,
    file: "tests/lib/needs.ts",
    find: "    } catch {\n      return false;",
    replace: "    } catch {\n      return true;",
    tests: ["unit/run_test.ts"],
  },
  {
    name: "wait-without-end",
    mistake: "a test waits for ever for a promise that nobody settles",
    source: "CONTRIBUTING, How the code reads",
    file: until,
    find: "const timer = setTimeout(late, millisMax);",
    replace: "const timer = setTimeout(late, millisMax * 1e6);",
    tests: untilTests,
  },
  {
    name: "look-without-end",
    mistake: "a test waits for ever for a node that does not answer a look",
    source: "CONTRIBUTING, How the code reads",
    file: until,
    find: "return await within(state, search(), { millisMax });",
    replace:
      "const found = await search();\n    return await within(state, Promise.resolve(found), { millisMax });",
    tests: untilTests,
  },
  {
    name: "wait-without-a-name",
    mistake: "a failed wait does not say what it waited for",
    source: "CONTRIBUTING, How the code reads",
    file: until,
    find: "`waited ${millis / 1000} s in vain until ${state}`",
    replace: '`waited ${millis / 1000} s in vain ${state && ""}`',
    tests: untilTests,
  },
  {
    name: "program-left-running",
    mistake: "a program that did not end in time runs on behind the test",
    source: "CONTRIBUTING, How the code reads",
    file: "tests/lib/program.ts",
    find: 'if (error instanceof DeadlineError) child.kill("SIGKILL");',
    replace: "if (error instanceof TypeError) child.kill();",
    tests: untilTests,
  },
];
