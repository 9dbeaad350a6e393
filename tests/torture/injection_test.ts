// The output of strace is read correctly, even where threads overtake each other.

import assert from "node:assert/strict";
import { callsIn } from "./injection.ts";

Deno.test("callsIn() joins a call that another thread's has overtaken", () => {
  const calls = callsIn([
    "7 100.5 fdatasync(34</n/1.log> <unfinished ...>",
    '8 101.0 write(32</n/1.log>, "\\0"..., 70) = 7',
    "7 103.5 <... fdatasync resumed>) = 0 (DELAYED)",
    "8 103.6 --- SIGSTOP {si_signo=SIGSTOP, si_code=SI_KERNEL} ---",
    "7 104.0 fdatasync(34</n/1.log> <unfinished ...>",
    "8 104.1 +++ exited with 1 +++",
    "",
  ].join("\n"));
  assert.deepEqual(calls, [
    { at: 100_500, text: "fdatasync(34</n/1.log>) = 0 (DELAYED)" },
    { at: 101_000, text: 'write(32</n/1.log>, "\\0"..., 70) = 7' },
    { at: 104_000, text: "fdatasync(34</n/1.log>" },
  ]);
});
