// Log lines on their way out of an isolate, to a reader that takes them when a test says so.

import assert from "node:assert/strict";
import {
  LogOutlet,
  urgentBytesMax,
  waitingBytesMax,
} from "../../../base/log_outlet.ts";

/** Takes bytes when it is told to, and keeps them. */
class Reader {
  text = "";
  writes: number[] = [];
  readonly outlet = new LogOutlet({
    write: (bytes) => this.#write(bytes),
    gap: (dropped) => `dropped ${dropped}\n`,
    later: (task) => this.tryAgain = task,
  });
  tryAgain: (() => void) | undefined;
  #answer: ((count: number | Error) => void) | undefined;
  #bytes = new Uint8Array();

  /** Lets the write under way take `count` bytes, or all of them, or fail. */
  async take(count: number | Error = Infinity): Promise<void> {
    const answer = this.#answer;
    assert.ok(answer !== undefined, "a write is under way");
    this.#answer = undefined;
    if (count instanceof Error) answer(count);
    else {
      const taken = this.#bytes.subarray(0, count);
      this.text += new TextDecoder().decode(taken);
      answer(taken.length);
    }
    await turn();
  }

  async takeAll(): Promise<void> {
    while (this.#answer !== undefined) await this.take();
  }

  #write(bytes: Uint8Array): Promise<number> {
    assert.equal(this.#answer, undefined, "one write at a time");
    this.#bytes = bytes.slice();
    this.writes.push(bytes.length);
    return new Promise((resolve, reject) => {
      this.#answer = (count) =>
        count instanceof Error ? reject(count) : resolve(count);
    });
  }
}

async function turn(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

Deno.test("A line begins to leave at once; those that follow wait for it, in order", async () => {
  const reader = new Reader();
  for (const line of ["a\n", "b\n", "c\n"]) reader.outlet.push(line);
  assert.deepEqual(reader.writes, [2]);
  await reader.take();
  assert.deepEqual(reader.writes, [2, 4]);
  await reader.takeAll();
  assert.equal(reader.text, "a\nb\nc\n");
});

Deno.test("Lines share a write as long as a pipe takes it whole; none is cut for that", async () => {
  const reader = new Reader();
  const lines = [10, 3000, 1000, 90, 7, 5000, 6].map((length, i) =>
    `${i}`.repeat(length - 1) + "\n"
  );
  for (const line of lines) reader.outlet.push(line);
  await reader.takeAll();
  assert.deepEqual(reader.writes, [10, 4090, 7, 5000, 6]);
  assert.equal(reader.text, lines.join(""));
});

Deno.test("A line that a reader takes in pieces arrives whole", async () => {
  const reader = new Reader();
  reader.outlet.push("first\n");
  reader.outlet.push("second\n");
  for (let i = 0; i < "first\nsecond\n".length; i++) await reader.take(1);
  assert.equal(reader.text, "first\nsecond\n");
});

Deno.test("Lines that nobody reads are bounded: the oldest stay, the others are counted where they belong", async () => {
  const reader = new Reader();
  const line = "x".repeat(99) + "\n";
  const fit = 1 + Math.floor(waitingBytesMax / line.length);
  for (let i = 0; i < fit + 7; i++) reader.outlet.push(line);
  await reader.take(); // the first
  await reader.take(); // 40 lines, and 40 more are on their way
  reader.outlet.push("late\n");
  for (let i = 0; i < 100; i++) reader.outlet.push(line);
  await reader.takeAll();
  const lines = reader.text.split("\n");
  assert.equal(lines.indexOf("dropped 7"), fit);
  assert.equal(lines.indexOf("late"), fit + 1);
  assert.equal(lines.indexOf("dropped 20"), fit + 2 + 80);
  assert.equal(lines.length, fit + 2 + 80 + 2);
});

Deno.test("Urgent lines find room in a full queue, but not without limit", () => {
  const reader = new Reader();
  const line = "x".repeat(999) + "\n";
  for (let i = 0; i < 1000; i++) reader.outlet.push(line);
  let taken = 0;
  reader.outlet.push("because\n", { urgent: true });
  for (let i = 0; i < 1000; i++) reader.outlet.push(line, { urgent: true });
  return reader.takeAll().then(() => {
    assert.match(reader.text, /\ndropped \d+\nbecause\nx/);
    taken = reader.text.length;
    assert.ok(taken < urgentBytesMax + 2 * line.length, `${taken}`);
  });
});

Deno.test("A failed write is tried again from where it ended, and meanwhile lines wait", async () => {
  const reader = new Reader();
  reader.outlet.push("first\n");
  await reader.take(3);
  await reader.take(new Deno.errors.WouldBlock("full"));
  reader.outlet.push("second\n");
  assert.deepEqual(reader.writes, [6, 3], "nothing is tried at every line");
  reader.tryAgain!();
  await reader.take(new Error("No space left on device"));
  reader.tryAgain!();
  await reader.takeAll();
  assert.equal(reader.text, "first\nsecond\n");
});

Deno.test("drained() waits for the last line, but not long for a reader that never comes", async () => {
  const reader = new Reader();
  await reader.outlet.drained(1e9);
  reader.outlet.push("a\n");
  reader.outlet.push("b\n");
  const drained = reader.outlet.drained(1e9);
  let done = false;
  drained.then(() => done = true);
  await reader.take();
  assert.ok(!done);
  await reader.take();
  await drained;
  reader.outlet.push("c\n");
  await reader.outlet.drained(1);
  assert.equal(reader.text, "a\nb\n");
});
