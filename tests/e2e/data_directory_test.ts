// Data directories that somebody else has changed, under a running node or before it starts:
// moved, replaced, a symbolic link, open to everybody.

import assert from "node:assert/strict";
import { contents, e2e, fault } from "../lib/harness.ts";

e2e(
  "A node whose directory was moved ends at its next snapshot, and the log of the one founded there stays",
  async (lab) => {
    const first = await lab.server().start();
    assert.equal((await first.tickets(10)).length, 10);
    const old = `${lab.directory}/old`;
    await Deno.rename(first.data, old);
    const second = await lab.server().start();
    assert.deepEqual(await second.tickets(3), [1n, 2n, 3n]);
    const before = contents(second.data);

    await first.ask("RAFT.SNAPSHOT").catch(() => {});
    assert.deepEqual(await first.exit(), { code: 1, signal: null });
    assert.match(
      first.log,
      / error .*1 is not the directory that this process has locked: it was moved, .* Stop ticketd before you move its data, then start it where they are\n/,
    );
    assert.deepEqual(contents(second.data), before);
    assert.equal(await second.ticket(), 4n);
    await second.stop();
    await second.start();
    assert.equal(await second.ticket(), 5n);

    // No answered ticket of the first is lost, either.
    await Deno.mkdir(`${lab.directory}/moved`);
    await Deno.rename(old, `${lab.directory}/moved/1`);
    const moved = lab.server({ directory: `${lab.directory}/moved` });
    await moved.start();
    assert.ok(await moved.ticket() > 10n);
  },
);

e2e(
  "A node's files are its owner's alone, and a directory that is open to others gets a warning",
  async (lab) => {
    const node = await lab.server().start();
    const modeOf = (path: string) => (Deno.lstatSync(path).mode ?? 0) & 0o777;
    assert.equal(modeOf(node.data), 0o700);
    for await (const { name } of Deno.readDir(node.data)) {
      assert.equal(modeOf(`${node.data}/${name}`), 0o600, name);
    }
    assert.doesNotMatch(node.log, / warn /);
    await node.stop();
    await Deno.chmod(node.data, 0o755);
    await node.start();
    assert.match(
      node.log,
      / warn .* may enter .*1 \(mode 0755\), .*: chmod 700 .*1\n/,
    );
    assert.equal(await node.ticket(), 1n);
  },
);

e2e(
  "A --dir that cannot be used is refused in one line that says how to mend it",
  async (lab) => {
    const nowhere = `${lab.directory}/link`;
    await Deno.symlink(`${lab.directory}/unmounted`, nowhere);
    assert.match(
      await fault(lab.server({ directory: nowhere })),
      /cannot use .*\/link as data directory: it is a symbolic link to .*\/unmounted, where nothing is; make that directory, mount what belongs there, or choose another --dir$/,
    );
    const inMemory = "/dev/shm/ticketd-test-none";
    const advice = await fault(lab.server({ directory: inMemory }));
    assert.match(advice, /without --allow-all; choose a --dir on a disk/);
    assert.doesNotMatch(advice, /--allow-(read|write)/);

    const planted = lab.server({ directory: `${lab.directory}/planted` });
    await Deno.mkdir(planted.data, { recursive: true });
    await Deno.symlink(`${lab.directory}/victim`, `${planted.data}/LOCK`);
    for (const storage of ["file", "kv"]) {
      assert.match(
        await fault(planted, "--storage", storage),
        /LOCK is a symbolic link, and not of ticketd's making/,
      );
    }
    assert.throws(() => Deno.lstatSync(`${lab.directory}/victim`));
  },
);

e2e("A node may be told to keep its data in memory, and warns", async (lab) => {
  const directory = await Deno.makeTempDir({ dir: "/dev/shm" });
  try {
    const permissions = ["--allow-all"];
    const node = await lab.server({ directory, permissions }).start();
    assert.equal(await node.ticket(), 1n);
    assert.match(
      node.log,
      / warn .* lies in \/dev\/shm, which systems keep in/,
    );
    await node.stop();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
