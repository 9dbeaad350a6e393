// The log lines about a slow disk.

import assert from "node:assert/strict";
import type { Save } from "../../../../raft/core/types.ts";
import { DiskLog } from "../../../../raft/stats/disk_log.ts";
import { electionTicks, Nodes } from "../../../lib/nodes.ts";

const save: Save = {
  ...{ number: 1, hardState: { currentTerm: 1, votedFor: undefined } },
  ...{ mustSync: false, snapshot: undefined, firstIndex: 1 },
  entries: [{ type: "command", index: 1, term: 1, data: new Uint8Array(100) }],
};

/** A disk log whose clock, standstill and lines are at hand. */
class Scene {
  millis = 0;
  stoodStill = 0;
  readonly lines: string[] = [];
  readonly log = new DiskLog({
    log: (level, text) => this.lines.push(`${level}: ${text}`),
    micros: () => this.millis * 1000,
    diskName: "data/1",
    electionMillis: 300,
    standstill: { since: () => this.stoodStill },
  });

  saved(millis: number): void {
    this.millis += millis;
    this.log.saved(save, millis * 1000);
  }
}

Deno.test("DiskLog tells of a write that took an election timeout: where, how long, how many bytes", () => {
  const scene = new Scene();
  scene.saved(299.9);
  assert.deepEqual(scene.lines, []);
  scene.saved(812);
  const [line] = scene.lines;
  const bytes = Number(/of (\d+) bytes/.exec(line!)![1]);
  assert.ok(bytes > 100 && bytes < 200, line);
  assert.equal(
    line,
    `warning: a write of ${bytes} bytes to data/1 took 812 ms (election ` +
      `timeout 300 ms)`,
  );
});

Deno.test("DiskLog tells of slow writes once a minute, and counts those between", () => {
  const scene = new Scene();
  for (let i = 0; i < 10; i++) scene.saved(1000);
  assert.equal(scene.lines.length, 1);
  scene.millis += 60_000;
  scene.saved(1000);
  assert.match(
    scene.lines[1]!,
    /; 9 more took that long since the last line$/,
  );
});

Deno.test("DiskLog does not blame the disk for a standstill of the process", () => {
  const scene = new Scene();
  scene.stoodStill = 5000;
  scene.saved(5010);
  assert.deepEqual(scene.lines, []);
  scene.saved(5400);
  assert.match(scene.lines[0]!, / took 400 ms /);
});

Deno.test("DiskLog tells of a write that does not finish, once a minute", () => {
  const scene = new Scene();
  const look = (isStalled: boolean) => scene.log.watch(isStalled);
  for (const isStalled of [true, true, false, true, false]) look(isStalled);
  assert.deepEqual(scene.lines, [
    "warning: a write to data/1 has not finished for 300 ms, an election " +
    "timeout: this node cannot lead before it does",
  ]);
  scene.millis += 60_000;
  look(true);
  assert.equal(scene.lines.length, 2);
});

Deno.test("A node tells of its own slow disk, while it hangs and afterwards", () => {
  const nodes = Nodes.ledBy("a");
  nodes.computer("a").logged = [];
  nodes.disk("a").stuck = true;
  nodes.take("a");
  nodes.run(2 * electionTicks);
  nodes.disk("a").stuck = false;
  nodes.run();
  const [hangs, took, ...others] = nodes.computer("a").logged;
  assert.match(hangs!, /^warning: a write to its disk has not finished for 25/);
  assert.match(took!, /^warning: a write of \d+ bytes to its disk took 550 ms/);
  assert.deepEqual(others, []);
});
