import assert from "node:assert/strict";
import { v8Flag } from "../../../bench/contenders.ts";
import { help, parse, sectionNames } from "../../../bench/options.ts";
import { read } from "../../lib/source_tree.ts";

function namesOf(workloads: readonly { readonly name: string }[]): string[] {
  return workloads.map(({ name }) => name);
}

Deno.test("deno task bench does everything by default, and keeps what it finds", () => {
  const options = parse([])!;
  assert.deepEqual(options.sections, sectionNames);
  assert.equal(options.isWhole, true);
  assert.equal(options.effort.rounds, 3);
  assert.equal(options.longRunScale, 1);
});

Deno.test("A run that leaves anything out is not kept", () => {
  for (
    const args of [
      ["--quick"],
      ["--rounds", "2"],
      ["--scale", "0.5"],
      ["--only", "50 clients"],
      ["--compare"],
    ]
  ) {
    assert.equal(parse(args)!.isWhole, false, args.join(" "));
  }
});

Deno.test("--quick has every section, one round, and no 100 million tickets", () => {
  const { sections, effort, compared, delays, longRunScale } = parse([
    "--quick",
  ])!;
  assert.deepEqual(sections, sectionNames);
  assert.equal(effort.rounds, 1);
  assert.equal(longRunScale, undefined);
  assert(delays.includes(0) && delays.length === 2);
  assert(namesOf(compared).includes("50 over three nodes"));
});

Deno.test("--only takes the workload of that name, else those that contain it", () => {
  const only = (name: string) => namesOf(parse(["--only", name])!.compared);
  assert.deepEqual(only("50, -P 100"), ["50, -P 100"]);
  assert.deepEqual(only("P 100"), ["50, -P 100", "50, -P 1000"]);
  assert.deepEqual(parse(["--only", "1 client"])!.sections, ["compare"]);
  assert.throws(
    () => only("7 clients"),
    /no workload .*"7 clients".*"1 client"/,
  );
});

Deno.test("Bad arguments are refused with what is needed", () => {
  assert.throws(() => parse(["--rounds", "0"]), /--rounds 0: a whole number/);
  assert.throws(() => parse(["--scale", "2"]), /--scale 2: a number above 0/);
  assert.throws(() => parse(["--fast"]), /--fast/);
});

Deno.test("--help names every section and option", () => {
  assert.equal(parse(["--help"]), undefined);
  const options = ["only", "rounds", "scale", "quick", "out"];
  for (const name of [...sectionNames, ...options]) {
    assert.match(help, new RegExp(`^  --${name}\\b`, "m"));
  }
});

Deno.test("Nodes under load have the flag of V8 that deno task start gives them", () => {
  assert(read("deploy/start.ts").includes(`"${v8Flag}"`));
});
