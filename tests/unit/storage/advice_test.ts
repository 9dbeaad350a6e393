// Advice on data directories that work, but not as an operator would want them.

import assert from "node:assert/strict";
import { join } from "node:path";
import { adviceOn } from "../../../storage/advice.ts";
import { withDirectory } from "./directory.ts";

Deno.test("adviceOn() tells of a directory that others may enter, and how to close it", () =>
  withDirectory((directory) => {
    Deno.chmodSync(directory, 0o700);
    assert.deepEqual(adviceOn(directory), []);
    for (const [mode, octal] of [[0o755, "0755"], [0o770, "0770"]] as const) {
      Deno.chmodSync(directory, mode);
      assert.deepEqual(adviceOn(directory), [
        `others than its owner may enter ${directory} (mode ${octal}), and whoever may ` +
        `write there decides which tickets come: chmod 700 ${directory}`,
      ]);
    }
  }));

Deno.test({
  name: "adviceOn() tells of a directory in memory, by whatever name",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withDirectory((directory) => {
      const inMemory = Deno.makeTempDirSync({ dir: "/dev/shm" });
      try {
        const link = join(directory, "link");
        Deno.symlinkSync(inMemory, link);
        const [line, ...others] = adviceOn(link);
        assert.match(
          line ?? "",
          /link lies in \/dev\/shm, which systems keep in/,
        );
        assert.deepEqual(others, []);
      } finally {
        Deno.removeSync(inMemory);
      }
    }),
});
