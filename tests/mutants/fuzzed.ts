// Mistakes that no well-meant request brings to light, put back: odd bytes must.

import type { Mutant } from "./mutant.ts";

export const fuzzedMutants: readonly Mutant[] = [
  {
    name: "text-must-be-utf8",
    mistake: "an argument that is no UTF-8 ends the process",
    source: "PITFALLS 36",
    file: "server/resp/resp_parser.ts",
    find: "const decoder = new TextDecoder();",
    replace: 'const decoder = new TextDecoder("utf-8", { fatal: true });',
    tests: ["fuzz/fuzz_test.ts"],
  },
  {
    name: "unknown-command-info",
    mistake: "COMMAND INFO of a command that there is not ends the process",
    source: "PITFALLS 36",
    file: "server/commands/command_docs.ts",
    find: "return command?.help === undefined ? undefined : command;",
    replace: "return command!.help === undefined ? undefined : command;",
    tests: ["fuzz/fuzz_test.ts"],
  },
];
