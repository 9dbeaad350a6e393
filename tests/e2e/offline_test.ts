// The tools for a stopped node, as real processes on the data of real ones: recover, restore,
// check, inspect.

import assert from "node:assert/strict";
import { encodeBackup } from "../../admin/backup_file.ts";
import { contents, e2e, type Lab } from "../lib/harness.ts";
import { type Output, run } from "../lib/program.ts";
import { permissions, repository, type Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";

/** Runs a word of the command line on the lab's directory, to its end. */
async function tool(
  lab: Lab,
  word: string,
  ...flags: string[]
): Promise<Output> {
  const args = ["main.ts", word, ...flags];
  return await lab.deno(
    "run",
    ...permissions,
    ...args,
    ...flags.includes("--dir") ? [] : ["--dir", lab.directory],
  );
}

/** All files of a node, once it has stopped. */
async function killAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => server.kill()));
}

e2e(
  "One survivor of three is recovered, gives only larger numbers, and takes new nodes in",
  async (lab) => {
    const cluster = await lab.cluster(3);
    const load = lab.load(cluster.servers);
    await load.more(2000);
    await killAll(cluster.servers);
    await load.abort();
    const largest = load.largest;
    const [first, second, third] = cluster.servers;
    const flags = ["--id", "1", "--skip", "1000000"];

    // Nobody answers where nobody sits.
    const before = contents(first!.data);
    const unasked = await tool(lab, "recover", ...flags);
    assert.equal(unasked.code, 1);
    assert.match(unasked.stderr, /nobody answered .*nothing was changed\n$/);
    assert.deepEqual(contents(first!.data), before);

    const typed = ["run", ...permissions, "main.ts", "recover", ...flags];
    const done = await run(
      Deno.execPath(),
      [...typed, "--dir", lab.directory],
      { cwd: repository, input: "1\n" },
    );
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stderr, /Type the node's id, 1, to make it the only /);
    assert.match(
      done.stdout,
      /must never run again.*\n.* node [23] \(.* node [23] \(/,
    );
    assert.match(done.stdout, /node 1 is the only voter of the new cluster/);
    await first!.start();
    const ticket = await first!.ticket();
    assert.ok(ticket > largest, `${ticket} > ${largest}`);

    // A node of the old cluster never meets the new one.
    await second!.spawn();
    await until(
      "node 2 is back",
      async () => (await second!.stats().catch(() => undefined))?.id === "2",
    );
    assert.deepEqual(await first!.members(), ["1 Voter"]);
    assert.ok(await first!.ticket() > ticket);
    assert.notEqual((await second!.stats()).state, "Leader");
    await second!.kill();

    // Wiped, it joins.
    await Deno.remove(third!.data, { recursive: true });
    const joined = lab.server({ id: "3", join: [first!.port] });
    await joined.start();
    assert.ok(await joined.ticket() > ticket);

    const again = await tool(lab, "recover", ...flags, "--yes");
    assert.equal(again.code, 1);
    assert.match(again.stderr, /in use by another ticketd process/);
  },
);

e2e(
  "A backup is restored into an empty directory, and the new cluster gives only larger numbers",
  async (lab) => {
    const path = `${lab.directory}/backup`;
    await Deno.writeFile(
      path,
      encodeBackup({
        cluster: "c".repeat(32),
        taken: new Date().toISOString(),
        from: "127.0.0.1:11001",
        index: 100,
        term: 3,
        members: [{ id: "1", address: ":12001", suffrage: "voter" }],
        policy: "any",
        sequences: [{ name: "ticket", last: 2n ** 60n }],
      }),
    );
    const dir = `${lab.directory}/new`;
    const node = lab.server({ id: "7", directory: dir });
    const flags = ["--id", "7", "--dir", dir];
    const bare = await tool(lab, "restore", path, ...flags);
    assert.notEqual(bare.code, 0);
    assert.match(bare.stderr, /--skip/);

    const done = await tool(
      lab,
      "restore",
      path,
      ...["--skip", "500", "--raddr", node.raftAddress, ...flags],
    );
    assert.equal(done.code, 0, done.stderr);
    await node.start();
    assert.equal(await node.ticket(), 2n ** 60n + 501n);
    assert.deepEqual(await node.members(), ["7 Voter"]);
    const other = lab.server({ id: "8", directory: dir, join: [node.port] });
    await other.start();
    assert.equal(await other.ticket(), 2n ** 60n + 502n);

    await node.stop();
    const again = await tool(lab, "restore", path, "--exact", ...flags);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /is not empty \(it holds /);
  },
);

for (const storage of ["file", "kv"]) {
  e2e(
    `check and inspect read a stopped node's data, and change nothing (${storage})`,
    async (lab) => {
      const node = lab.server({ flags: ["--storage", storage] });
      await node.start();
      await node.tickets(5);
      const running = await tool(lab, "check");
      assert.equal(running.code, 2);
      assert.match(running.stderr, /in use by a ticketd process; stop/);
      await node.kill();

      const before = contents(node.data);
      const checked = await tool(lab, "check");
      assert.equal(checked.code, 0, checked.stdout);
      assert.match(checked.stdout, /^last number taken: ticket \d+\n/m);
      assert.match(checked.stdout, /^OK\n$/m);
      const report = JSON.parse((await tool(lab, "check", "--json")).stdout);
      assert.equal(report.sound, true);
      const shown = await tool(lab, "inspect");
      assert.match(shown.stdout, /: take ticket \d+\n/);
      for (
        const line of (await tool(lab, "inspect", "--json")).stdout.trim()
          .split("\n")
      ) JSON.parse(line);
      assert.deepEqual(contents(node.data), before);

      await node.start();
      assert.ok(await node.ticket() > 5n);
    },
  );
}

e2e(
  "check and inspect read with permission to read alone, from a directory that is read-only",
  async (lab) => {
    const node = await lab.server().start();
    await node.tickets(5);
    await node.stop();
    await Deno.remove(`${node.data}/LOCK`);
    const before = contents(node.data);
    await Deno.chmod(node.data, 0o500);
    for (const word of ["check", "inspect"]) {
      const rights = ["--no-prompt", "--allow-read"];
      const flags = ["main.ts", word, "--dir", lab.directory];
      const { code, stderr } = await lab.deno("run", ...rights, ...flags);
      assert.equal(code, 0, stderr);
    }
    await Deno.chmod(node.data, 0o700);
    assert.deepEqual(contents(node.data), before);

    const bare = ["run", "--allow-write", "main.ts", "check"];
    const { code, stderr } = await lab.deno(...bare, "--dir", lab.directory);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^reading .* needs --allow-read \(-P covers \.\/data only\)\n$/,
    );
  },
);

e2e("check says where a log is damaged, and ends with 1", async (lab) => {
  const node = await lab.server().start();
  for (let i = 0; i < 20; i++) await node.ticket();
  await node.kill();
  const [name] = Object.keys(contents(node.data))
    .filter((path) => path.endsWith(".log"));
  const bytes = await Deno.readFile(name!);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  await Deno.writeFile(name!, bytes);
  const { code, stdout } = await tool(lab, "check");
  assert.equal(code, 1);
  assert.match(stdout, /^FAULT: \d{16}\.log, byte \d+: \d+ bytes are damaged/);
  const shown = await tool(lab, "inspect");
  assert.equal(shown.code, 1);
  assert.match(shown.stdout, / damaged: /);
  assert.match(shown.stdout.split(" damaged: ")[1]!, /: take ticket \d+\n/);
});
