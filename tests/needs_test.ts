import assert from "node:assert/strict";
import { lack, programs, skippable } from "./needs.ts";

Deno.test("What is here is not missed, and nothing is missed of nothing", () => {
  assert.equal(lack([]), undefined);
  assert.deepEqual(skippable("A claim", []), {
    ...{ name: "A claim", ignore: false },
  });
});

Deno.test({
  ...skippable("Every program comes with the package that is named", [
    "dpkg-query",
  ]),
  fn() {
    const utf8 = new TextDecoder();
    for (const [program, name] of programs) {
      const { success, stdout } = new Deno.Command("dpkg-query", {
        args: ["--listfiles", name],
      }).outputSync();
      // What is not installed cannot be asked; `.ci/run` installs all.
      if (!success) continue;
      const paths = utf8.decode(stdout).split("\n");
      assert(
        paths.some((path) => path.endsWith(`bin/${program}`)),
        `${program} is not of ${name}`,
      );
    }
  },
});
