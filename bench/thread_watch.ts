// Notices in an isolate of a node, for `size.ts`, that its event loop stood still: a timer that
// fires late. Of each such time it tells how long the thread had a core, and how long it waited
// for one: only the first is the node's own work. Linux only. Appends a JSON line for each to
// the file that BENCH_WATCH and the isolate's name make: [begin, millis, running, waiting], the
// begin in milliseconds since 1970, all others in milliseconds. Changes nothing in the node.

const everyMillis = 4;
const longMillis = 10;

const path = `${Deno.env.get("BENCH_WATCH")}.${self.name || "main"}`;

/** Nanoseconds that this thread has run, and has waited for a core. */
function schedule(): [running: number, waiting: number] {
  const [running, waiting] = Deno.readTextFileSync(
    "/proc/thread-self/schedstat",
  ).split(" ").map(Number);
  return [running ?? 0, waiting ?? 0];
}

let last = performance.now();
let [running, waiting] = schedule();

const timer = setInterval(() => {
  const now = performance.now();
  const late = now - last - everyMillis;
  const [runningNow, waitingNow] = schedule();
  if (late > longMillis) {
    const found = [
      performance.timeOrigin + last,
      late,
      (runningNow - running) / 1e6,
      (waitingNow - waiting) / 1e6,
    ];
    Deno.writeTextFileSync(path, `${JSON.stringify(found)}\n`, {
      append: true,
    });
  }
  [last, running, waiting] = [performance.now(), runningNow, waitingNow];
}, everyMillis);
Deno.unrefTimer(timer);
