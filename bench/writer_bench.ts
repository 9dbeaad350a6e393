// How fast replies are written. `deno bench bench/writer_bench.ts`; each iteration
// writes 10,000 replies, so 1 ms is 10 million replies a second.

import { RespWriter } from "../server/resp/resp_writer.ts";

const repliesPerIteration = 10_000;
const writer = new RespWriter();

function run(last: bigint): () => void {
  return () => {
    writer.clear();
    writer.ticketRun(last, repliesPerIteration);
  };
}

Deno.bench("10,000 tickets of 5 digits, one run", run(50_000n));
Deno.bench("10,000 tickets of 10 digits, one run", run(5_000_000_000n));
Deno.bench("10,000 tickets of 20 digits, one run", run(2n ** 64n - 1n));

Deno.bench("10,000 tickets of 10 digits, runs of 16", () => {
  writer.clear();
  let last = 5_000_000_000n;
  for (let i = 0; i < repliesPerIteration / 16; i++) {
    writer.ticketRun(last += 16n, 16);
  }
});

Deno.bench("10,000 tickets of 10 digits, one by one", () => {
  writer.clear();
  let last = 5_000_000_000n;
  for (let i = 0; i < repliesPerIteration; i++) writer.ticketRun(last++, 1);
});

Deno.bench("10,000 PONGs", () => {
  writer.clear();
  for (let i = 0; i < repliesPerIteration; i++) writer.simple("PONG");
});
