// Each storage at each durability keeps on a real disk the tickets that its level promises.

import assert from "node:assert/strict";
import { checkTickets } from "../lib/checker.ts";
import { e2e } from "../lib/harness.ts";
import { until } from "../lib/until.ts";

for (const storage of ["file", "kv"]) {
  for (const durability of ["high", "medium", "low"]) {
    const flags = ["--storage", storage, "--durability", durability];
    const survives = durability !== "low";
    const promise = survives
      ? "SIGTERM and kill -9 lose no ticket"
      : "SIGTERM loses no ticket, and it starts again after kill -9";

    e2e(`${promise} (${storage}, ${durability})`, async (lab) => {
      const node = await lab.server({ flags }).start();
      for (let i = 1; i <= 20; i++) {
        assert.equal(await node.ticket(), BigInt(i));
      }
      await node.stop();
      await node.start();
      assert.equal(await node.ticket(), 21n);

      const load = lab.load([node]);
      await load.more(500);
      await node.kill();
      await node.start();
      if (!survives) return assert.ok(await node.ticket() > 21n);
      await load.more(500);
      checkTickets(await load.stop());
      const next = await node.ticket();
      assert.ok(next > load.largest);
      await node.stop();
      await node.start();
      assert.equal(await node.ticket(), next + 1n);
    });
  }
}

e2e(
  "At low a killed process loses no more than a moment: flushed tickets stay",
  async (lab) => {
    const node = await lab.server({ flags: ["--durability", "low"] }).start();
    await node.tickets(1000);
    const written = bytesIn(lab.directory);
    await until("the log has grown by a flush", async () => {
      await node.ticket();
      return bytesIn(lab.directory) > written;
    });
    await node.kill();
    await node.start();
    assert.ok(await node.ticket() > 1000n);
  },
);

e2e(
  "The log is compacted by itself, time and again, and its data stay below 64 MB",
  async (lab) => {
    // Nothing is taken ahead: each batch is an entry, and compaction counts entries and not
    // tickets.
    const flags = ["--durability", "low", "--ahead", "0"];
    const node = await lab.server({ flags }).start();
    const load = lab.load([node], { connections: 1, pipeline: 1 });
    const snapshots = new Set<string>();
    let most = 0;
    await until("the log was compacted three times", async () => {
      snapshots.add((await node.stats()).last_snapshot_index!);
      most = Math.max(most, bytesIn(lab.directory));
      return snapshots.size > 3;
    }, { millisMax: 120_000 });
    checkTickets(await load.stop(), { dense: true });
    assert.ok(most < 64e6, `${most} bytes`);
    const next = await node.ticket();
    await node.stop();
    await node.start();
    assert.equal(await node.ticket(), next + 1n);
    assert.ok(bytesIn(lab.directory) < 64e6);
  },
);

/** The length of all files below `directory`, in bytes. */
function bytesIn(directory: string): number {
  let sum = 0;
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const path = `${directory}/${name}`;
    try {
      sum += isDirectory ? bytesIn(path) : Deno.statSync(path).size;
    } catch (error) {
      // A new segment has replaced it since it was listed.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return sum;
}
