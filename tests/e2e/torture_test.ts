// The torture of `deno task torture`, in short: every fault once on three real nodes; a
// canary, so that its silence means something; and that nothing is left of it.

import assert from "node:assert/strict";
import { skippable } from "../lib/needs.ts";
import { tortureNeeds } from "../torture/needs.ts";
import { processesOf } from "../lib/harness.ts";
import { repository } from "../lib/server.ts";
import { until } from "../lib/until.ts";

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
    const { code, text } = await run(
      directory,
      "--nodes",
      "3",
      "--rounds",
      "1",
    );
    assert.equal(code, 0, text);
    assert.match(text, /^acknowledged and lost 0, repeated 0$/m);
  },
);

torture(
  "Torture fails when one ticket is repeated, and says how to run it again",
  async (directory) => {
    const { code, text } = await run(
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
    const child = start(directory, "--nodes", "3", "--only", "pause");
    const output = child.stdout.pipeThrough(new TextDecoderStream());
    let text = "";
    for await (const part of output) {
      text += part;
      if (!/3 nodes serve/.test(text)) continue;
      assert.ok(processesOf(directory).length >= 4, "it and its nodes run");
      child.kill("SIGKILL");
    }
    await Promise.all([child.status, child.stderr.cancel()]);
    // The kernel does it, in its own time.
    await until("all are gone", () => processesOf(directory).length === 0);
    // Killed, it could not tidy up.
    for (const { name } of Deno.readDirSync(directory)) {
      Deno.removeSync(`${directory}/${name}`, { recursive: true });
    }
  },
);

function start(directory: string, ...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "tests/torture/main.ts", ...args],
    cwd: repository,
    env: { NO_COLOR: "1", TMPDIR: directory },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function run(
  directory: string,
  ...args: string[]
): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await start(directory, ...args).output();
  const utf8 = new TextDecoder();
  return { code, text: utf8.decode(stdout) + utf8.decode(stderr) };
}
