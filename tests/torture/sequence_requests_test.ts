import assert from "node:assert/strict";
import { type Reply, ReplyError } from "../lib/client.ts";
import { randomOf } from "../lib/random.ts";
import { RangeChecker } from "./range_checker.ts";
import { Connection, Requests, Unkept } from "./sequence_requests.ts";

/** What a server that breaks a promise does wrong. */
type Lie =
  | "repeats"
  | "falls behind"
  | "reads behind"
  | "splits a group"
  | "takes in a group that fails"
  | "gives short blocks";

/** Sequences in a map, on one connection; honest but for its lie, which it tells now and then. */
class Fake {
  readonly #lasts = new Map<string, number>();
  #queue: (readonly string[])[] | undefined;
  #hasFailed = false;
  readonly #lie: Lie | undefined;
  #commands = 0;

  constructor(lie?: Lie) {
    this.#lie = lie;
  }

  run(words: readonly string[]): Reply {
    const [command] = words;
    if (command === "MULTI") {
      this.#queue = [];
      this.#hasFailed = false;
      return "OK";
    }
    if (command === "EXEC") return this.#exec();
    if (command === "DECR") {
      this.#hasFailed = true;
      return new ReplyError("ERR tickets only rise");
    }
    if (this.#queue === undefined) return this.#one(words);
    this.#queue.push(words);
    return "QUEUED";
  }

  #exec(): Reply {
    const queue = this.#queue ?? [];
    this.#queue = undefined;
    if (this.#hasFailed) {
      if (this.#lie === "takes in a group that fails") {
        queue.forEach((words) => this.#one(words));
      }
      return new ReplyError("EXECABORT Transaction discarded");
    }
    return queue.map((words) => {
      if (this.#lies("splits a group")) this.#take(words[1]!, 1);
      return this.#one(words);
    });
  }

  #one([command, name = "", ...rest]: readonly string[]): Reply {
    const last = this.#lasts.get(name) ?? 0;
    if (command === "GET" && !this.#lasts.has(name)) return undefined;
    switch (command) {
      case "INCR":
        if (this.#lies("repeats")) return BigInt(Math.max(last, 1));
        return BigInt(this.#take(name, 1));
      case "INCRBY":
        return BigInt(this.#take(name, Number(rest[0])));
      case "TICKET": {
        if (rest.length === 0) return `${this.#take(name, 1)}`;
        const count = Number(rest[1]);
        const end = this.#take(name, count);
        const short = this.#lies("gives short blocks") ? 1 : 0;
        return [`${end - count + 1}`, `${end - short}`];
      }
      case "TICKET.RAISE":
        this.#lasts.set(name, Math.max(last, Number(rest[0])));
        return "OK";
      default:
        return `${this.#lies("reads behind") ? Math.max(0, last - 1) : last}`;
    }
  }

  #take(name: string, count: number): number {
    const before = this.#lasts.get(name) ?? 0;
    const from = this.#lies("falls behind")
      ? Math.max(0, before - 500)
      : before;
    this.#lasts.set(name, from + count);
    return from + count;
  }

  #lies(lie: Lie): boolean {
    return lie === this.#lie && ++this.#commands % 50 === 0;
  }
}

/** Sends requests to `fake` in pipelines of three; what is found wrong at the end. */
function ask(fake: Fake): string[] {
  const sequences = ["a", "b", "c"].map((name) => ({
    name,
    checker: new RangeChecker(),
  }));
  const requests = new Requests(sequences, { random: randomOf(7) });
  const connections = [new Connection(), new Connection()];
  for (let i = 0; i < 1000; i++) {
    const connection = connections[i % 2]!;
    const pipeline = [1, 2, 3].map(() => requests.draw(connection));
    for (const request of pipeline) {
      request.answered(request.commands.map((words) => fake.run(words)));
    }
    if (i % 10 !== 0) continue;
    const sequence = sequences[i % 3]!;
    const seen = fake.run(["GET", sequence.name]);
    const group = requests.watched(connection, { sequence, seen });
    group.answered(group.commands.map((words) => fake.run(words)));
  }
  const { single, group, failed, watched } = requests.counts;
  assert.ok(Math.min(single, group, failed, watched) >= 100);
  return sequences.flatMap(({ checker }) => checker.close());
}

Deno.test("The judge of many sequences finds nothing in an honest server", () => {
  assert.deepEqual(ask(new Fake()), []);
});

for (
  const lie of [
    "repeats",
    "falls behind",
    "reads behind",
    "splits a group",
    "takes in a group that fails",
    "gives short blocks",
  ] as const
) {
  Deno.test(`The judge of many sequences finds a server that ${lie}`, () => {
    let found: readonly string[];
    try {
      found = ask(new Fake(lie));
    } catch (error) {
      assert.ok(error instanceof Unkept, `${error}`);
      found = [error.message];
    }
    assert.ok(found.length > 0);
  });
}

Deno.test("A request that a node without a leader refuses may have used its numbers up", () => {
  const checker = new RangeChecker();
  const requests = new Requests([{ name: "a", checker }], {
    random: randomOf(1),
  });
  const connection = new Connection();
  for (let i = 0; i < 100; i++) {
    const request = requests.draw(connection);
    let isOpen = false;
    request.answered(request.commands.map(([word]) => {
      if (word === "MULTI") isOpen = true;
      else if (word === "EXEC") isOpen = false;
      else if (isOpen && word !== "DECR") return "QUEUED";
      return word === "MULTI" ? "OK" : new ReplyError("ERR there is no leader");
    }));
  }
  assert.ok(checker.unknown > 100);
  assert.deepEqual(checker.close(), []);
});

Deno.test("A reply to WATCH, GET, MULTI, INCR, EXEC that skips a number is found", () => {
  const sequence = { name: "a", checker: new RangeChecker() };
  const requests = new Requests([sequence], { random: randomOf(1) });
  const connection = new Connection();
  const exec = (seen: string, number: bigint | undefined) => {
    const group = requests.watched(connection, { sequence, seen });
    group.answered([
      "OK",
      "QUEUED",
      number === undefined ? undefined : [number],
    ]);
  };
  exec("0", 1n);
  exec("1", undefined);
  exec("1", 2n);
  assert.throws(() => exec("2", 4n), Unkept);
});
