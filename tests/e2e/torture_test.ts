// `deno task torture`, in short: every fault once on three real nodes; a canary, which proves
// that a repeated ticket is found; and that no process and no file is left.

import assert from "node:assert/strict";
import { skippable } from "../lib/needs.ts";
import { tortureNeeds } from "../torture/needs.ts";
import { processesOf } from "../lib/harness.ts";
import { run } from "../lib/program.ts";
import { repository } from "../lib/server.ts";
import { until, within } from "../lib/until.ts";

/** All faults take some minutes; each has a deadline of its own (torture/run.ts). */
const tortureMillisMax = 1_200_000;

/** A claim about torture runs whose temporary files lie in the story's directory. */
function torture(claim: string, story: (lab: string) => Promise<void>): void {
  Deno.test({
    ...skippable(claim, tortureNeeds),
    async fn() {
      const directory = Deno.makeTempDirSync({ prefix: "ticketd-test-" });
      try {
        await story(directory);
        const left = Array.from(
          Deno.readDirSync(directory),
          ({ name }) => name,
        );
        assert.deepEqual(left, [], "no file is left");
        assert.deepEqual(processesOf(directory), [], "no process is left");
      } finally {
        Deno.removeSync(directory, { recursive: true });
      }
    },
  });
}

torture(
  "Three nodes survive every fault once, and nothing acknowledged is lost or repeated",
  async (directory) => {
    const { code, text } = await tortured(
      directory,
      ...["--nodes", "3", "--rounds", "1"],
    );
    assert.equal(code, 0, text);
    assert.match(text, /^acknowledged and lost 0, repeated 0$/m);
  },
);

torture(
  "Torture fails when one ticket is repeated, and says how to run it again",
  async (directory) => {
    const { code, text } = await tortured(
      directory,
      ...["--nodes", "1", "--only", "kill", "--rounds", "1"],
      ...["--seed", "7", "--canary"],
    );
    assert.equal(code, 1, text);
    assert.match(
      text,
      /^FAILED: Error: not unique: \d+ in \d+ to \d+ .* before$/m,
    );
    assert.match(text, /^acknowledged and lost 0, repeated 1$/m);
    assert.match(
      text,
      /^again: deno task torture --seed 7 --only kill --nodes 1 --rounds 1 --canary$/m,
    );
  },
);

torture(
  "Torture that is killed takes all of its processes along",
  async (directory) => {
    const child = new Deno.Command(Deno.execPath(), {
      ...command(directory, "--nodes", "3", "--only", "pause"),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const killed = (async () => {
      const output = child.stdout.pipeThrough(new TextDecoderStream());
      let text = "";
      for await (const part of output) {
        text += part;
        if (!/3 nodes serve/.test(text)) continue;
        assert.ok(processesOf(directory).length >= 4, "it and its nodes run");
        child.kill("SIGKILL");
      }
      await Promise.all([child.status, child.stderr.cancel()]);
    })();
    await within("torture serves with 3 nodes and is killed", killed);
    // The kernel ends them in its own time.
    const none = () => processesOf(directory).length === 0;
    await until("all processes of torture have ended", none);
    // Killed, it could not tidy up.
    for await (const { name } of Deno.readDir(directory)) {
      await Deno.remove(`${directory}/${name}`, { recursive: true });
    }
  },
);

function command(directory: string, ...flags: string[]) {
  return {
    args: ["run", "-A", "tests/torture/main.ts", ...flags],
    cwd: repository,
    env: { NO_COLOR: "1", TMPDIR: directory },
  };
}

/** Runs torture to its end. */
async function tortured(
  directory: string,
  ...flags: string[]
): Promise<{ code: number; text: string }> {
  const { args, ...options } = command(directory, ...flags);
  const { code, stdout, stderr } = await run(Deno.execPath(), args, {
    ...options,
    millisMax: tortureMillisMax,
  });
  return { code, text: stdout + stderr };
}
