// A program that dials a port of its own host, on which nothing listens, and prints the result.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { dial } from "../../../base/dial.ts";

const address = { host: "", port: Number(Deno.args[0]) };
await dial(address, new AbortController().signal).then(
  () => console.log("somebody answered"),
  (error) => console.log(error.message),
);
Deno.exit(0);
