// Claims on a leader's numbers, of one sequence and of several: in which order they are settled,
// what each gets, and which of them wait for what.

import assert from "node:assert/strict";
import { int64Max } from "../../../../base/range.ts";
import { stockedMax, unaskedMax } from "../../../../raft/tickets/holdings.ts";
import { lastTicket, Machine } from "../../../../raft/tickets/machine.ts";
import { encodeGroup } from "../../../../raft/tickets/machine_codec.ts";
import { Leader } from "../../../lib/leader.ts";

/** A leader that has numbers of each of `names` in hand, and is asked for them steadily. */
function stocked(names: string, options = {}): Leader {
  const leader = new Leader({ takesMin: 2, ...options });
  for (let i = 0; i < 3; i++) {
    for (const name of names) leader.ask(`${name} 8`);
  }
  for (const name of names) {
    const { left = 0 } = leader.reserve.hands.find(name) ?? {};
    assert(left >= 8, `${left} of ${name} in hand`);
  }
  leader.told();
  return leader;
}

const raise = (name: string, to: bigint) =>
  ({ type: "raise", name, to }) as const;

Deno.test("Each sequence has numbers of its own, and a claim over several gets some of each", () => {
  const leader = new Leader();
  leader.ask("a 3");
  leader.ask("b 2");
  leader.ask("a, b 4");
  leader.ask("a 0, c 0");
  assert.deepEqual(leader.told(), [
    "a 3: 1-3",
    "b 2: 1-2",
    "a, b 4: 4-4 3-6",
    "a 0, c 0: 4 none",
  ]);
});

Deno.test("A sequence that has numbers in hand waits for no disk, whatever waits for others", () => {
  const leader = stocked("a");
  leader.stuck = true;
  leader.ask("b");
  leader.ask("b, c 2");
  leader.ask("a 2");
  leader.ask("a 0");
  assert.deepEqual(leader.told(), ["a 2: 25-26", "a 0: 26"]);
  leader.unstick();
  assert.deepEqual(leader.told(), ["b: 1-1", "b, c 2: 2-2 1-2"]);
});

Deno.test("One entry takes for all sequences that lack numbers while another is under way", () => {
  const leader = new Leader();
  leader.stuck = true;
  const { log } = leader.raft;
  const before = log.lastIndex;
  for (const name of "abcdef") leader.ask(`${name} 2`);
  assert.equal(log.lastIndex, before + 1, "that of a alone");
  leader.finish();
  assert.equal(log.lastIndex, before + 2);
  leader.unstick();
  assert.equal(log.lastIndex, before + 2);
  assert.equal(leader.told().length, 6);
});

Deno.test("A claim holds up those behind it on each of its sequences, and nobody else", () => {
  const leader = stocked("ac");
  leader.stuck = true;
  leader.ask("a, b");
  leader.ask("a");
  leader.ask("b 2");
  leader.ask("c");
  assert.deepEqual(leader.told(), ["c: 25-25"]);
  leader.unstick();
  const told = leader.told();
  assert.deepEqual(told[0], "a, b: 25-25 1-1", "first on both");
  assert.deepEqual(told.slice(1).toSorted(), ["a: 26-26", "b 2: 2-3"]);
});

Deno.test("Claims on the same sequences in opposite orders do not wait for each other", () => {
  const leader = new Leader();
  leader.stuck = true;
  leader.ask("a, b");
  leader.ask("b, a");
  leader.ask("b, c, a");
  leader.unstick();
  assert.deepEqual(leader.told(), [
    "a, b: 1-1 1-1",
    "b, a: 2-2 2-2",
    "b, c, a: 3-3 1-1 3-3",
  ]);
});

Deno.test("A command follows on the numbers that were given: what is in hand goes back before it", () => {
  const leader = stocked("ab");
  leader.command("a 0", [
    { type: "take", name: "a", count: 5, isCapped: false },
  ]);
  leader.ask("a 2");
  assert.deepEqual(leader.told(), ["a 0: 25-29", "a 2: 30-31"]);
  assert(leader.reserve.hands.find("b")!.left > 0, "b is not touched");
});

Deno.test("While a command is in the log its sequences give nothing, and the others go on", () => {
  const leader = stocked("ab");
  leader.stuck = true;
  leader.command("a 0, c 0", [raise("a", 100n), raise("c", 7n)]);
  leader.ask("a");
  leader.ask("c");
  leader.ask("a 0");
  leader.ask("b");
  assert.deepEqual(leader.told(), ["b: 25-25"]);
  leader.unstick();
  assert.deepEqual(leader.told().toSorted(), [
    "a 0, c 0: done done",
    "a 0: 101",
    "a: 101-101",
    "c: 8-8",
  ]);
});

Deno.test("A command waits for an entry that takes numbers of its sequences, and for those before it", () => {
  const leader = new Leader();
  leader.stuck = true;
  leader.ask("a 3");
  leader.command("a 0", [raise("a", 10n)]);
  leader.ask("a 4");
  leader.unstick();
  assert.deepEqual(leader.told(), [
    "a 3: 1-3",
    "a 0: done",
    "a 4: 11-14",
  ]);
});

Deno.test("A command waits for numbers that are taken ahead: they would be given behind it, and are below", () => {
  const leader = stocked("a");
  const { left } = leader.reserve.hands.find("a")!;
  leader.stuck = true;
  leader.ask(`a ${left}`);
  assert(leader.reserve.hands.find("a")!.taking > 0, "more is under way");
  leader.command("a 0", [raise("a", 1000n)]);
  leader.ask("a");
  assert.equal(leader.told().length, 1);
  leader.unstick();
  assert.deepEqual(leader.told(), ["a 0: done", "a: 1001-1001"]);
});

Deno.test("A command that nobody waits for any more does not enter the log, and holds nobody up", () => {
  const leader = new Leader();
  leader.stuck = true;
  leader.command("a 0", [raise("a", 10n)]);
  let isWanted = true;
  const command = encodeGroup([raise("a", 20n)], { sequencesMax: 9 });
  leader.ask("a 0", { kind: "group", command, isWanted: () => isWanted });
  leader.ask("a 1");
  isWanted = false;
  leader.unstick();
  assert.deepEqual(leader.told(), [
    "a 0: done",
    "a 0: lost",
    "a 1: 11-11",
  ]);
});

Deno.test("A command of no sequence waits for nobody", () => {
  const leader = stocked("a");
  leader.stuck = true;
  leader.ask("b");
  leader.command("", [{ type: "set-policy", policy: "created" }]);
  leader.ask("a");
  assert.deepEqual(leader.told(), ["a: 25-25"]);
  leader.unstick();
  assert.deepEqual(leader.told(), ["b: 1-1", ": done"]);
  leader.ask("c");
  assert.deepEqual(leader.told(), ["c: unknown-sequence at 0"]);
});

Deno.test("A group that the state refuses changes nothing, and those behind it go on", () => {
  const leader = new Leader({ machine: Machine.of([["a", 5n]]) });
  leader.command("a 0, b 0", [
    { type: "take", name: "a", count: 3, isCapped: false },
    { type: "create", name: "a", start: 1n },
  ]);
  leader.ask("a");
  assert.deepEqual(leader.told(), ["a 0, b 0: exists at 1", "a: 6-6"]);
});

Deno.test("A claim is judged when it is its turn, before it gets anything", () => {
  const leader = new Leader({ machine: Machine.of([["a", 5n]]) });
  const seen: (bigint | undefined)[] = [];
  const check = (last: bigint | undefined) => ({
    judge: (lastOf: (name: string) => bigint | undefined) => {
      seen.push(lastOf("a"));
      return lastOf("a") === last
        ? undefined
        : { at: 7, reason: "changed" } as const;
    },
  });
  leader.stuck = true;
  leader.ask("a 2");
  leader.ask("a 3", check(7n));
  leader.ask("a 4", check(7n));
  leader.ask("a");
  leader.unstick();
  assert.deepEqual(leader.told(), [
    "a 2: 6-7",
    "a 3: 8-10",
    "a 4: changed at 7",
    "a: 11-11",
  ]);
  assert.deepEqual(seen, [7n, 10n], "each once");
  assert.equal(leader.machine.last("a"), 11n, "nothing was taken for it");
});

Deno.test("A claim that a check refuses begins no sequence", () => {
  const leader = new Leader();
  leader.ask("a 2", { judge: () => ({ at: 0, reason: "changed" }) });
  assert.deepEqual(leader.told(), ["a 2: changed at 0"]);
  assert.equal(leader.machine.last("a"), undefined);
});

Deno.test("A command is judged before it enters the log", () => {
  const leader = new Leader();
  const { lastIndex } = leader.raft.log;
  leader.ask("a 0", {
    kind: "group",
    command: new Uint8Array([0]),
    judge: () => ({ at: 0, reason: "changed" }),
  });
  assert.deepEqual(leader.told(), ["a 0: changed at 0"]);
  assert.equal(leader.raft.log.lastIndex, lastIndex);
});

Deno.test("A name that nobody created is refused to all who wait for it, and to those who came since", () => {
  const machine = Machine.of([["a", 5n]], "created");
  const leader = new Leader({ machine });
  leader.stuck = true;
  leader.ask("b");
  leader.ask("b 2, a");
  leader.ask("b 0");
  leader.ask("b");
  leader.ask("a 2");
  const { lastIndex } = leader.raft.log;
  leader.unstick();
  assert.equal(leader.raft.log.lastIndex, lastIndex + 1, "for a alone");
  assert.deepEqual(leader.told().toSorted(), [
    "a 2: 6-7",
    "b 0: none",
    "b 2, a: unknown-sequence at 0",
    "b: unknown-sequence at 0",
    "b: unknown-sequence at 0",
  ]);
});

Deno.test("A new leader reads nothing before it has applied what the last one did (thesis 6.4)", () => {
  const machine = Machine.of([["a", 5n]]);
  const leader = new Leader({ machine, isFresh: true });
  leader.ask("a 0");
  leader.ask("");
  leader.ask("b", { judge: (lastOf) => void lastOf("b") });
  leader.command("a 0", [raise("a", 9n)]);
  assert.deepEqual(leader.told(), []);
  leader.unstick();
  const told = [": ", "a 0: 5", "a 0: done", "b: 1-1"];
  assert.deepEqual(leader.told().toSorted(), told);
});

Deno.test("A read sees what was given, and not what is on its way back into the log", () => {
  const leader = stocked("a");
  leader.stuck = true;
  assert(leader.reserve.giveBack());
  leader.ask("a 0");
  assert.deepEqual(leader.told(), ["a 0: 24"]);
});

Deno.test("A claim behind the command that creates its sequence is not refused with those before it", () => {
  const leader = new Leader({ machine: Machine.of([], "created") });
  leader.stuck = true;
  leader.ask("b");
  leader.command("b 0", [{ type: "create", name: "b", start: 50n }]);
  leader.ask("b 2");
  leader.unstick();
  assert.deepEqual(leader.told(), [
    "b: unknown-sequence at 0",
    "b 0: done",
    "b 2: 50-51",
  ]);
});

Deno.test("A sequence beyond the limit is refused, and touches no other in the same entry", () => {
  const machine = Machine.of([["a", 5n], ["b", 5n]]);
  const leader = new Leader({ machine, sequencesMax: 3 });
  leader.stuck = true;
  for (const name of "acdb") leader.ask(`${name} 2`);
  leader.unstick();
  assert.deepEqual(leader.told(), [
    "a 2: 6-7",
    "c 2: 1-2",
    "d 2: too-many-sequences at 0",
    "b 2: 6-7",
  ]);
});

Deno.test("A claim gets all that it asks for or nothing; a smaller one behind it what is left", () => {
  for (const takesMin of [Infinity, 1]) {
    const machine = Machine.of([["a", lastTicket - 10n], ["b", 0n]]);
    const leader = new Leader({ machine, takesMin });
    leader.stuck = true;
    for (const claim of ["a 7", "b, a 4", "a 2", "a", "a", "b"]) {
      leader.ask(claim);
    }
    leader.unstick();
    assert.deepEqual(leader.told().toSorted(), [
      `a 2: ${lastTicket - 2n}-${lastTicket - 1n}`,
      `a 7: ${lastTicket - 9n}-${lastTicket - 3n}`,
      `a: ${lastTicket}-${lastTicket}`,
      "a: exhausted at 0",
      "b, a 4: exhausted at 1",
      "b: 1-1",
    ], `from ${takesMin} on`);
  }
});

Deno.test("A capped claim gets nothing above 2^63 - 1, and others go on there", () => {
  for (const takesMin of [Infinity, 1]) {
    const machine = Machine.of([["a", int64Max - 5n]]);
    const leader = new Leader({ machine, takesMin });
    leader.ask("a 3");
    leader.ask("a 3 capped");
    leader.ask("a 2 capped");
    leader.ask("a 1 capped");
    leader.ask("a 2");
    leader.ask("a 1 capped");
    assert.deepEqual(leader.told(), [
      `a 3: ${int64Max - 4n}-${int64Max - 2n}`,
      "a 3 capped: above-int64 at 0",
      `a 2 capped: ${int64Max - 1n}-${int64Max}`,
      "a 1 capped: above-int64 at 0",
      `a 2: ${int64Max + 1n}-${int64Max + 2n}`,
      "a 1 capped: above-int64 at 0",
    ], `from ${takesMin} on`);
  }
});

Deno.test("A capped claim alone takes no number above 2^63 - 1 from the log", () => {
  const machine = Machine.of([["a", int64Max]]);
  const leader = new Leader({ machine, takesMin: 1 });
  for (let i = 0; i < 5; i++) leader.ask("a 2 capped");
  assert.equal(machine.last("a"), int64Max);
});

Deno.test("No number above 2^63 - 1 is lent: the isolate deals a loan to whoever asks", () => {
  const last = int64Max - BigInt(unaskedMax) - 8n;
  const leader = new Leader({
    machine: Machine.of([["a", last], ["b", last + 9n]]),
    takesMin: 1,
  });
  for (const name of "ab") leader.spare.set(name, 5);
  for (let i = 0; i < 3; i++) {
    leader.ask("a", { kind: "own" });
    leader.ask("b", { kind: "own" });
  }
  const counts = leader.settled.map(({ settlement }) =>
    settlement.type === "given" ? settlement.parts[0]!.count : 0
  );
  assert(Math.max(counts[0]!, counts[2]!) > 1, "a is still below");
  assert.deepEqual([counts[1], ...counts.slice(3)], [1, 1, 1, 1]);
  assert.equal(leader.reserve.lend("b", 1), undefined);
});

Deno.test("A claim of others waits until the loans of its sequences are back", () => {
  const leader = stocked("ab");
  leader.lent.add("a");
  leader.ask("a, b");
  leader.ask("a 0");
  leader.ask("b 0");
  leader.command("a 0", [raise("a", 50n)]);
  assert.deepEqual(leader.told(), []);
  leader.lent.delete("a");
  leader.reserve.returned("a", { last: 24n, count: 3 });
  leader.pump();
  assert.deepEqual(leader.told(), [
    "a, b: 22-22 25-25",
    "a 0: 22",
    "b 0: 25",
    "a 0: done",
  ]);
});

Deno.test("Nothing is taken ahead of demand while the log refuses what is asked for", () => {
  const leader = new Leader({
    machine: Machine.of([], "created"),
    takesMin: 1,
  });
  const { lastIndex } = leader.raft.log;
  for (let i = 0; i < 5; i++) leader.ask("a");
  assert.equal(leader.raft.log.lastIndex, lastIndex + 5);
  leader.command("a 0", [{ type: "create", name: "a", start: 1n }]);
  for (let i = 0; i < 3; i++) leader.ask("a");
  assert.equal(leader.told().at(-1), "a: 3-3");
  assert(leader.reserve.hands.find("a")!.left > 0, "now it is");
});

Deno.test("All sequences together hold a bounded number of numbers that nobody asks for", () => {
  const leader = new Leader({ takesMin: 1, aheadMax: unaskedMax });
  for (let round = 0; round < 3; round++) {
    for (const name of "abcdefgh") leader.ask(`${name} ${2 ** 20}`);
    const { unasked } = leader.reserve.hands;
    assert(unasked <= unaskedMax, `${unasked} in all`);
    assert(unasked > unaskedMax / 2, "some are taken ahead");
  }
});

Deno.test("Numbers of a bounded number of sequences are taken ahead, and of the others as asked", () => {
  const leader = new Leader({ takesMin: 1, sequencesMax: 10_000 });
  leader.stuck = true;
  for (let i = 0; i < stockedMax + 100; i++) leader.ask(`n${i}`);
  leader.unstick();
  const stock = [...leader.reserve.hands.all].filter(({ left }) => left > 0);
  assert.equal(stock.length, stockedMax);
  assert.equal(leader.settled.length, stockedMax + 100);
});

Deno.test("Sequences that were asked for once leave nothing behind", () => {
  const leader = new Leader({ sequencesMax: 10_000 });
  leader.stuck = true;
  for (let i = 0; i < 2000; i++) leader.ask(`n${i}`);
  leader.unstick();
  assert.equal(leader.reserve.hands.count, 2000);
  leader.tick(6);
  const { count, size, unasked } = leader.reserve.hands;
  assert.deepEqual([count, size, unasked], [0, 0, 0]);
});

Deno.test("What nobody comes for goes back to the log, of all sequences in one entry", () => {
  const leader = stocked("abcd");
  const { lastIndex } = leader.raft.log;
  leader.tick(10);
  assert.equal(leader.raft.log.lastIndex, lastIndex + 1);
  for (const name of "abcd") assert.equal(leader.machine.last(name), 24n);
  assert.equal(leader.reserve.size, 0);
});

Deno.test("An entry of others that a sequence waits for counts among the time of its own", () => {
  const leader = new Leader({ takesMin: 1 });
  leader.stuck = true;
  leader.ask("b");
  leader.ask("a 10");
  leader.tick(2);
  leader.finish();
  leader.unstick();
  const { ahead } = leader.reserve.hands.find("a")!.demand;
  // A quarter of the 10 is the pace of a tick; 4 ticks outlast 2 with the disk.
  assert.equal(ahead, 4 * Math.ceil(10 / 4));
});
