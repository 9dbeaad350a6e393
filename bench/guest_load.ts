// One crowd of clients in a process of its own, for `guests.ts`: guests that take what they
// can, or polite clients that measure what is left to them.
//
//   guest_load.ts PORT REQUEST KIND COUNT SECONDS
//
// REQUEST is what a ticket costs there: TICKET, or INCR for Redis. The last line that it
// prints is JSON: replies a second for `greedy`, latencies in milliseconds for `polite`.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import { assert } from "../base/assert.ts";

const [port = "", request = "TICKET", kind = "", count = "", seconds = ""] =
  Deno.args;
const endMillis = performance.now() + Number(seconds) * 1000;
/** Of one client that measures. */
const thinkMillis = 10;
/** Requests in one write of a greedy client. */
const pipeline = 2000;

const utf8 = new TextEncoder();

function resp(...words: string[]): string {
  return `*${words.length}\r\n` +
    words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
}

const one = request === "INCR" ? resp("INCR", "ticket") : resp(request);

/** What each kind of guest sends again and again; none: it only holds its connection. */
const floods: Readonly<Record<string, string>> = {
  idle: "",
  deaf: one.repeat(pipeline),
  greedy: one.repeat(pipeline),
  echo: resp("ECHO", "x".repeat(64_000)),
};

function isOver(): boolean {
  return performance.now() >= endMillis;
}

async function connect(): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ port: Number(port) });
  conn.setNoDelay(true);
  return conn;
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await conn.write(bytes.subarray(at));
  }
}

/** Lines that came to all greedy clients. */
let lines = 0;

async function readLines(conn: Deno.TcpConn): Promise<void> {
  const bytes = new Uint8Array(256 * 1024);
  for (let got; !isOver() && (got = await conn.read(bytes)) !== null;) {
    for (let i = 0; i < got; i++) if (bytes[i] === 10) lines++;
  }
}

async function misbehave(conn: Deno.TcpConn, flood: Uint8Array): Promise<void> {
  if (kind === "greedy") readLines(conn).catch(() => {});
  try {
    while (!isOver() && flood.length > 0) await writeAll(conn, flood);
  } catch {
    // Closed by the server, as it should be.
  }
}

async function askPolitely(
  conn: Deno.TcpConn,
  latencies: number[],
): Promise<void> {
  const bytes = utf8.encode(one);
  const reply = new Uint8Array(1024);
  await pause(Math.random() * thinkMillis);
  while (!isOver()) {
    const beginMillis = performance.now();
    await writeAll(conn, bytes);
    assert(await conn.read(reply) !== null, "a polite client was closed");
    latencies.push(performance.now() - beginMillis);
    await pause(thinkMillis);
  }
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

const conns: Deno.TcpConn[] = [];
while (conns.length < Number(count)) {
  const some = Math.min(50, Number(count) - conns.length);
  conns.push(...await Promise.all(Array.from({ length: some }, connect)));
}
if (kind === "polite") {
  const latencies: number[] = [];
  await Promise.all(conns.map((conn) => askPolitely(conn, latencies)));
  latencies.sort((a, b) => a - b);
  const at = (part: number) => latencies[Math.floor(latencies.length * part)];
  console.log(JSON.stringify({ p50: at(0.5), p99: at(0.99) }));
} else {
  const flood = utf8.encode(floods[kind]);
  for (const conn of conns) misbehave(conn, flood);
  await pause(endMillis - performance.now());
  console.log(JSON.stringify({ perSecond: lines / Number(seconds) }));
}
Deno.exit(0);
