// What the machine costs by itself: one command, batches, and 100,000 sequences.
// deno bench -A bench/machine_bench.ts

import {
  encodeBatch,
  isCommand,
  isState,
  Machine,
  type SequenceOperation,
} from "../raft/tickets/machine.ts";

const options = { sequencesMax: 250_000 };

function take(name: string): SequenceOperation {
  return { type: "take", name, count: 3, isCapped: false };
}

const alone = new Machine();
const one = encodeBatch([take("ticket")], options);

Deno.bench("encode one take", { group: "one take", baseline: true }, () => {
  encodeBatch([take("ticket")], options);
});
Deno.bench("isCommand() of one take", { group: "one take" }, () => {
  isCommand(one);
});
Deno.bench("apply one take", { group: "one take" }, () => {
  alone.apply(one);
});

for (const length of [12, 128]) {
  const group = `100,000 names of ${length} bytes`;
  const names = Array.from(
    { length: 100_000 },
    (_, i) => `t${i}-`.padEnd(length, "x"),
  );
  const state = Machine.of(names.map((name) => [name, 5n])).snapshot();
  const count = Math.min(800, Math.floor(65_000 / (length + 11)));
  const batch = encodeBatch(
    Array.from({ length: count }, (_, i) => take(names[i * 79]!)),
    options,
  );
  const machine = new Machine();
  machine.restore(state);
  /** Until all that a snapshot has put off is done. */
  const goOn = () => {
    for (let i = 0; i < 300; i++) machine.apply(one);
  };
  goOn();
  Deno.bench(`apply a batch of ${count}`, { group, baseline: true }, () => {
    machine.apply(batch);
  });
  Deno.bench("snapshot()", { group, n: 30 }, (bench) => {
    goOn();
    bench.start();
    machine.snapshot();
    bench.end();
  });
  Deno.bench(`apply a batch of ${count} right behind a snapshot`, {
    group,
    n: 30,
  }, (bench) => {
    goOn();
    machine.snapshot();
    bench.start();
    machine.apply(batch);
    bench.end();
  });
  Deno.bench("isState()", { group, n: 30 }, () => {
    isState(state);
  });
  Deno.bench("restore()", { group, n: 30 }, () => {
    new Machine().restore(state);
  });
}
