// Closed-loop clients in a process of their own, for `pauses.ts`: each sends a batch, waits for
// all its replies and sends the next. Prints the waits that were long, as JSON, one line.
//
//   pause_load.ts PORT REQUEST CLIENTS PIPELINE SECONDS MILLIS
//
// A wait is [begin, millis], its begin in milliseconds since 1970: two such processes can be
// compared. Waits of several clients that overlap are one.

// deno-lint-ignore-file no-console -- another program reads it

import { assert } from "../base/assert.ts";

const [port = "", request = "", ...numbers] = Deno.args;
const [clients = 1, pipeline = 1, seconds = 1, longMillis = 20] = numbers.map(
  Number,
);
/** After a start the engines at both ends still compile. */
const warmUpMillis = 3000;

const words = request.split(" ");
const one = `*${words.length}\r\n` +
  words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
const batch = new TextEncoder().encode(one.repeat(pipeline));

const beginMillis = performance.now() + warmUpMillis;
const endMillis = beginMillis + seconds * 1000;
const waits: [number, number][] = [];
let [replies, longest] = [0, 0];

async function ask(): Promise<void> {
  using conn = await Deno.connect({ port: Number(port) });
  conn.setNoDelay(true);
  const buffer = new Uint8Array(64 * 1024);
  for (let now = performance.now(); now < endMillis;) {
    const sent = now;
    assert(await conn.write(batch) === batch.length, "a batch is small");
    for (let left = pipeline; left > 0;) {
      const count = await conn.read(buffer);
      assert(count !== null, "the server hung up");
      for (let i = 0; i < count; i++) if (buffer[i] === 10) left--;
    }
    now = performance.now();
    if (sent < beginMillis) continue;
    replies += pipeline;
    longest = Math.max(longest, now - sent);
    if (now - sent >= longMillis) waits.push([sent, now - sent]);
  }
}

/** Waits that overlap become one, from the first begin to the last end. */
function merged(): [number, number][] {
  const all: [number, number][] = [];
  for (const [begin, millis] of waits.toSorted(([a], [b]) => a - b)) {
    const last = all.at(-1);
    if (last === undefined || last[0] + last[1] < begin) {
      all.push([begin, millis]);
    } else last[1] = Math.max(last[1], begin + millis - last[0]);
  }
  return all;
}

await Promise.all(Array.from({ length: clients }, ask));
const found = merged().map((
  [begin, millis],
) => [performance.timeOrigin + begin, millis]);
console.log(JSON.stringify({ replies, longest, waits: found }));
Deno.exit(0);
