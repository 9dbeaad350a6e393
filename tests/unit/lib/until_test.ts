// A wait that would never end fails at its deadline, and names what it waited for.

import assert from "node:assert/strict";
import { processesOf } from "../../lib/harness.ts";
import { run } from "../../lib/program.ts";
import { DeadlineError, until, within } from "../../lib/until.ts";

const soon = { millisMax: 30 };
const never = new Promise<never>(() => {});

function isLate(state: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof DeadlineError, String(error));
    assert.equal(error.message, `waited 0.03 s in vain until ${state}`);
    return true;
  };
}

Deno.test("until() gives the first value that is there, however often it must look", async () => {
  let looks = 0;
  const third = () => ++looks < 3 ? undefined : looks;
  assert.equal(await until("it is there", third), 3);
  assert.equal(await until("it is nothing", () => 0), 0);
  const asked = () => Promise.resolve(looks++ > 4 && "yes");
  assert.equal(await until("somebody answers", asked), "yes");
});

Deno.test("until() fails with the state that never came", async () => {
  let looks = 0;
  const look = () => {
    looks++;
    return false as const;
  };
  await assert.rejects(
    until("node 2 leads", look, soon),
    isLate("node 2 leads"),
  );
  assert.ok(looks > 1, "it looked again");
});

Deno.test("until() fails at its deadline also when the look itself hangs", async () => {
  await assert.rejects(
    until("node 2 leads", () => never, soon),
    isLate("node 2 leads"),
  );
});

Deno.test("until() fails at once when the look fails", async () => {
  const look = () => {
    throw new TypeError("no such node");
  };
  await assert.rejects(until("node 2 leads", look), TypeError);
});

Deno.test("within() gives what a promise gives, and names the state when that does not come", async () => {
  assert.equal(await within("it comes", Promise.resolve(7), soon), 7);
  const failed = Promise.reject(new TypeError("it broke"));
  await assert.rejects(within("it comes", failed, soon), TypeError);
  await assert.rejects(within("it comes", never, soon), isLate("it comes"));
});

Deno.test("run() gives code and output, and kills a program that does not end", async () => {
  const script = (code: string) => ["eval", "--no-config", code];
  const echo = "const text = await new Response(Deno.stdin.readable).text();" +
    "console.log(text); console.error('e'); Deno.exit(3);";
  assert.deepEqual(await run(Deno.execPath(), script(echo), { input: "ü" }), {
    code: 3,
    stdout: "ü\n",
    stderr: "e\n",
  });
  const name = crypto.randomUUID();
  const hang = script(`setInterval(() => {}, 1000); // ${name}`);
  await assert.rejects(
    run(Deno.execPath(), hang, soon),
    isLate(`${Deno.execPath()} ${hang.join(" ")} has ended`),
  );
  const hasEnded = () => processesOf(name).length === 0;
  await until("the program has ended", hasEnded, { millisMax: 5000 });
});
