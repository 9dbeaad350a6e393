import assert from "node:assert/strict";
import {
  lack,
  libraryPackages,
  programs,
  runs,
  skippable,
} from "../../lib/needs.ts";

Deno.test("What is here is not missed, and nothing is missed of nothing", () => {
  assert.equal(lack([]), undefined);
  assert.deepEqual(skippable("A claim", []), {
    ...{ name: "A claim", ignore: false },
  });
});

Deno.test({
  ...skippable(
    "Every program and library comes with the package that is named",
    [
      "dpkg-query",
    ],
  ),
  fn() {
    const utf8 = new TextDecoder();
    const query = (...args: string[]) => {
      const { success, stdout } = new Deno.Command("dpkg-query", { args })
        .outputSync();
      return success ? utf8.decode(stdout).trim().split("\n") : undefined;
    };
    for (const [program, name] of programs) {
      const owners = query("--search", `*bin/${program}`) ?? [];
      // A program that is not installed cannot be asked; `.ci/run` installs all.
      if (owners.length === 0 && query("--listfiles", name) === undefined) {
        continue;
      }
      assert(
        owners.some((line) => line.startsWith(`${name}: `)),
        `${program} is not of ${name}, but of: ${owners}`,
      );
    }
    for (const [library, names] of libraryPackages) {
      if (!names.every((name) => query("--listfiles", name))) continue;
      assert(runs(library), `${names} are installed, and ${library} fails`);
    }
  },
});
