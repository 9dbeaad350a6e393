// Notices that a core stood still, for `pauses.ts`: a process of its own, bound to that core,
// which sleeps 3 ms again and again. Prints the sleeps that took long, as JSON, one line, in
// the form of `pause_load.ts`.
//
//   taskset -c CORE deno run -A pause_watch.ts SECONDS MILLIS [until-closed]
//
// With the last word it ends when its standard input does, or after the seconds.

// deno-lint-ignore-file no-console -- another program reads it

const [seconds = 1, longMillis = 15] = Deno.args.slice(0, 2).map(Number);
const sleepMillis = 3;

let endMillis = performance.now() + seconds * 1000;
if (Deno.args[2] === "until-closed") {
  Deno.stdin.read(new Uint8Array(1)).then(() => endMillis = 0);
}
const waits: [number, number][] = [];
for (let last = performance.now(); last < endMillis;) {
  await new Promise((resolve) => setTimeout(resolve, sleepMillis));
  const now = performance.now();
  const millis = now - last;
  if (millis > longMillis) waits.push([performance.timeOrigin + last, millis]);
  last = now;
}
console.log(JSON.stringify(waits));
