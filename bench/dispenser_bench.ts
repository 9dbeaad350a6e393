// What it costs to gather the requests of 50 clients into takes and to hand their numbers
// out, without sockets and channel: of one sequence, and of many, with a take for each.
// deno bench bench/dispenser_bench.ts

import { Dispenser } from "../server/tickets/dispenser.ts";

const clients = 50;

type Turn = {
  /** Tickets that each client asks for. */
  readonly each: number;
  /** Sequences that there are; each request is for one of them. */
  readonly names?: number;
  /** Requests of a client. */
  readonly requests?: number;
};

/** A turn: all clients ask; the takes are posted, and answered. */
function turn({ each, names = 1, requests = 1 }: Turn): () => void {
  let endOfTurn = () => {};
  let posted: { readonly name: string; readonly count: number }[] = [];
  const dispenser = new Dispenser({
    requests: { take: (take) => posted.push(take), refill() {} },
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
  const all = Array.from({ length: names }, (_, at) => `name-${at}`);
  let next = 0;
  let last = 5_000_000_000n;
  const request = { count: each, isBlock: false, isCapped: false };
  return () => {
    granted = 0;
    posted = [];
    for (const asker of askers) {
      for (let i = 0; i < requests; i++) {
        next = (next + 7919) % names; // all of them, in an order without neighbours
        dispenser.take(all[next] ?? "", asker, request);
      }
    }
    endOfTurn();
    for (const { name, count } of posted) {
      dispenser.taken(name, last += BigInt(count), count);
    }
    const asked = clients * requests * each;
    if (granted !== asked) throw new Error(`${granted} granted`);
  };
}

for (const each of [1, 16, 1000]) {
  Deno.bench(`a take of ${clients} clients × ${each}`, turn({ each }));
}
for (const names of [1, 16, 10_000]) {
  const run = turn({ each: 1, names, requests: 16 });
  Deno.bench(`${clients} clients × 16 tickets of ${names} sequences`, run);
}
