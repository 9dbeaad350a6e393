// What it costs to gather the requests of 50 clients into one take and to hand its numbers
// out, without sockets and channel. deno bench bench/dispenser_bench.ts

import { Dispenser } from "../server/tickets/dispenser.ts";

const clients = 50;

/** A turn: each client asks for `each` tickets; the take is posted, and answered. */
function turn(each: number): () => void {
  let endOfTurn = () => {};
  let posted = 0;
  const dispenser = new Dispenser({
    requests: { take: (count) => posted = count, refill() {} },
    defer: (task) => endOfTurn = task,
    asksAgain: true,
    timeoutMillis: 10_000,
  });
  let granted = 0;
  const askers = Array.from({ length: clients }, () => ({
    granted(_last: bigint, count: number) {
      granted += count;
    },
    refused(_count: number, text: string) {
      throw new Error(text);
    },
  }));
  let last = 5_000_000_000n;
  return () => {
    granted = 0;
    for (const asker of askers) dispenser.take(asker, each);
    endOfTurn();
    last += BigInt(posted);
    dispenser.taken(last, posted);
    if (granted !== clients * each) throw new Error(`${granted} granted`);
  };
}

for (const each of [1, 16, 1000]) {
  Deno.bench(`a take of ${clients} clients × ${each}`, turn(each));
}
