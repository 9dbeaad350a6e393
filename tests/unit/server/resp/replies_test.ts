// Replies in the order of their requests, whatever comes first.

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  Replies as RepliesOf,
  ticketsMax,
} from "../../../../server/resp/replies.ts";
import type { RunSlot } from "../../../../server/resp/reply_slots.ts";
import { leaving as left, tickets } from "../../../lib/fakes.ts";

/** Replies, and what a dispenser with one lane knows of them. */
class Replies extends RepliesOf {
  readonly #asked: { readonly client: RunSlot; left: number }[] = [];

  /** The client asks for tickets of the default sequence. */
  ask(count: number): void {
    const client = this.expectTickets(count, {
      name: "ticket",
      format: "simple",
    });
    this.startTake(() => {});
    this.#asked.push({ client, left: count });
  }

  /** The oldest `count` requests for tickets get some. */
  granted(last: bigint, count: number): void {
    let left = count;
    this.#give(count, (client, part) => {
      left -= part;
      client.granted(last - BigInt(left), part);
    });
  }

  /** The oldest `count` requests for tickets get an error instead. */
  refused(count: number, text: string): void {
    this.#give(count, (client, part) => client.refused(part, text));
  }

  #give(count: number, give: (client: RunSlot, part: number) => void): void {
    while (count > 0) {
      const asked = this.#asked[0]!;
      const part = Math.min(count, asked.left);
      asked.left -= part;
      count -= part;
      if (asked.left === 0) this.#asked.shift();
      give(asked.client, part);
    }
  }
}

Deno.test("Replies lets what is known at once leave at once", () => {
  const replies = new Replies(() => {});
  replies.writer.simple("PONG");
  assert.equal(left(replies), "+PONG\r\n");
  assert.equal(left(replies), "");
  assert(replies.empty);
});

Deno.test("Replies holds back what comes after a reply that waits", () => {
  const replies = new Replies(() => {});
  replies.ask(1);
  replies.writer.simple("PONG");
  replies.ask(2);
  replies.writer.simple("PONG");
  assert.equal(left(replies), "");
  replies.granted(8n, 2);
  assert.equal(left(replies), "+7\r\n+PONG\r\n+8\r\n");
  replies.refused(1, "ERR node is not the leader");
  assert.equal(left(replies), "-ERR node is not the leader\r\n+PONG\r\n");
  assert(replies.empty);
});

Deno.test("Replies keeps the order when a later request is answered first", () => {
  const replies = new Replies(() => {});
  const stats = replies.expectAnswer();
  replies.ask(2);
  replies.writer.simple("PONG");
  const snapshot = replies.expectAnswer();
  snapshot((writer) => writer.simple("OK"));
  replies.granted(1n, 1);
  assert.equal(left(replies), "");
  stats((writer) => writer.bulk("x"));
  assert.equal(left(replies), "$1\r\nx\r\n+1\r\n");
  replies.granted(2n, 1);
  assert.equal(left(replies), "+2\r\n+PONG\r\n+OK\r\n");
  assert(replies.empty);
});

Deno.test("Replies says when the node's answer has added something that may leave", () => {
  let changes = 0;
  const replies = new Replies(() => changes++);
  replies.writer.simple("PONG");
  assert.equal(changes, 0);
  left(replies);
  const answer = replies.expectAnswer();
  replies.ask(1);
  replies.granted(1n, 1);
  assert.equal(changes, 0);
  answer((writer) => writer.simple("OK"));
  assert.equal(changes, 1);
  assert.equal(left(replies), "+OK\r\n+1\r\n");
});

Deno.test("Replies of a connection that is gone take what still comes, and drop it", () => {
  const replies = new Replies(() => assert.fail("nothing may leave"));
  const answer = replies.expectAnswer();
  replies.ask(2);
  replies.forget();
  answer((writer) => writer.simple("OK"));
  replies.granted(1n, 1);
  replies.refused(1, "ERR leadership lost while committing log");
  assert.equal(left(replies), "");
  assert.equal(replies.ticketsLeft, ticketsMax, "none is awaited, none given");
});

Deno.test("Replies is congested by output, by held output, by tickets and by answers", () => {
  const congestedAfter = (most: number, add: (replies: Replies) => void) => {
    const replies = new Replies(() => {});
    let count = 0;
    while (!replies.congested && count < most) {
      add(replies);
      count++;
    }
    assert(replies.congested, `not congested by ${count}`);
    return count;
  };
  const kib = "x".repeat(1024);
  assert.equal(congestedAfter(2000, (r) => r.writer.simple(kib)), 256);
  congestedAfter(2000, (r) => {
    r.ask(1);
    r.writer.simple(kib);
  });
  congestedAfter(2000, (r) => {
    if (r.empty) r.ask(1);
    r.writer.simple(kib);
  });
  assert.equal(congestedAfter(9, (r) => r.ask(2048)), 2);
  assert.equal(congestedAfter(99, (r) => r.expectAnswer()), 16);
  assert.equal(congestedAfter(99, (r) => r.expectAnswer("group")), 64);
  assert.equal(congestedAfter(9999, (r) => r.expectBlock("last")), 512);
  assert.equal(
    congestedAfter(9999, (r) => {
      r.ask(1);
      r.writer.simple("PONG");
    }),
    512,
  );
});

Deno.test("Replies frees what it held, however often it was congested", () => {
  const replies = new Replies(() => {});
  let last = 0n;
  for (let round = 0; round < 5; round++) {
    let asked = 0;
    while (!replies.congested) {
      replies.ask(1);
      replies.writer.simple("x".repeat(4000));
      asked++;
    }
    assert(asked > 60);
    replies.granted(last += BigInt(asked), asked);
    left(replies);
    assert(!replies.congested);
    assert(replies.empty);
  }
});

Deno.test("Replies holds what it holds in little memory, however long some of it waits", () => {
  const replies = new Replies(() => {});
  const kib = "x".repeat(1024);
  replies.ask(1);
  for (let at = 1; at <= 50_000; at++) {
    replies.ask(1);
    replies.writer.simple(kib);
    replies.granted(BigInt(at), 1);
    assert(!replies.congested, `at ${at}`);
    left(replies);
  }
  replies.granted(50_001n, 1);
  assert.equal(left(replies), `+50001\r\n+${kib}\r\n`);
  assert(replies.empty);
});

Deno.test("Replies of a connection that is gone are neither many nor large", () => {
  const replies = new Replies(() => {});
  replies.writer.simple("x".repeat(2 ** 20));
  replies.ask(2 ** 20);
  replies.writer.simple("x".repeat(2 ** 20));
  assert(replies.congested);
  replies.forget();
  assert(!replies.congested);
  assert(replies.empty);
});

Deno.test("Replies of a mixed pipeline cost little more than their bytes", () => {
  const buffers = (pairs: number) => {
    const Original = Uint8Array;
    let made = 0;
    globalThis.Uint8Array = new Proxy(Original, {
      construct(target, args, newTarget) {
        made++;
        return Reflect.construct(target, args, newTarget);
      },
    });
    try {
      const replies = new Replies(() => {});
      for (let i = 0; i < pairs; i++) {
        replies.ask(1);
        replies.writer.simple("PONG");
      }
    } finally {
      globalThis.Uint8Array = Original;
    }
    return made;
  };
  assert(buffers(500) < 20, `${buffers(500)} buffers`);
});

Deno.test("Replies come in the order of requests, in whatever order answers come", () => {
  const step = fc.oneof(
    fc.constantFrom("ping" as const, "admin" as const),
    fc.record({ ask: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ grant: fc.integer({ min: 1, max: 7 }) }),
    fc.record({ answer: fc.nat(100) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const replies = new Replies(() => {});
      let expected = "", got = "";
      let asked = 0, granted = 0, number = 0;
      const pending: (() => void)[] = [];
      const grant = (most: number) => {
        const count = Math.min(most, asked - granted);
        if (count === 0) return;
        replies.granted(BigInt(granted += count), count);
      };
      for (const one of steps) {
        if (one === "ping") {
          replies.writer.integer(++number);
          expected += `:${number}\r\n`;
        } else if (one === "admin") {
          const answer = replies.expectAnswer();
          const text = String(++number);
          pending.push(() => answer((writer) => writer.error(text)));
          expected += `-${text}\r\n`;
        } else if ("ask" in one) {
          replies.ask(one.ask);
          expected += tickets(asked + 1, asked + one.ask);
          asked += one.ask;
        } else if ("grant" in one) grant(one.grant);
        else pending.splice(one.answer % (pending.length || 1), 1)[0]?.();
        got += left(replies);
        assert(expected.startsWith(got));
      }
      grant(Infinity);
      for (const answer of pending) answer();
      got += left(replies);
      assert.equal(got, expected);
      assert(replies.empty);
    }),
  );
});

Deno.test("Replies makes a long reply piece by piece, in its order, and nothing else meanwhile", () => {
  const replies = new Replies(() => {});
  const piece = "x".repeat(10_000);
  let made = 0;
  const pieces = Array.from({ length: 100 }, () => piece).values().map(
    (text) => {
      made++;
      return text;
    },
  );
  replies.ask(1);
  const before = replies.reservedBytes;
  replies.long(1_000_000, { pieces, keptBytes: 70_000 });
  assert(
    replies.reservedBytes >= before + 70_000,
    "what it is made from counts",
  );
  assert.equal(made, 0, "it is not its turn yet");
  assert(replies.congested);
  replies.granted(1n, 1);
  assert(made < 20, `${made} pieces before anything has left`);
  let got = "";
  while (!replies.empty) {
    got += left(replies);
    assert(replies.reservedBytes < 512 * 1024);
  }
  assert.equal(got, `+1\r\n$1000000\r\n${"x".repeat(1_000_000)}\r\n`);
  assert(!replies.congested);
});

Deno.test("Replies takes back what a command had written when it failed, unless it promised more", () => {
  const replies = new Replies(() => {});
  replies.writer.simple("before");
  const mark = replies.mark();
  replies.writer.array(3);
  assert(replies.undo(mark));
  const second = replies.mark();
  replies.ask(1);
  assert(!replies.undo(second));
  replies.granted(1n, 1);
  assert.equal(left(replies), "+before\r\n+1\r\n");
});

Deno.test("Replies tells its connection alone of a number that cannot be written", () => {
  const failures: unknown[] = [];
  const replies = new Replies(() => {
    throw new RangeError("no room");
  }, (error) => failures.push(error));
  replies.ask(1);
  replies.granted(1n, 1);
  assert.equal(failures.length, 1);
});

Deno.test("Replies of different sequences come in the order of requests, whichever is given first", () => {
  const replies = new RepliesOf(() => {});
  const expect = (name: string, count: number) => {
    const client = replies.expectTickets(count, { name, format: "integer" });
    replies.startTake(() => {});
    return client;
  };
  const orders = expect("orders", 2);
  const invoices = expect("invoices", 1);
  const block = replies.expectBlock("range");
  replies.startTake(() => {});
  const last = replies.expectBlock("last");
  replies.startTake(() => {});
  const again = expect("orders", 1);
  assert.notEqual(orders, again, "invoices come between");
  again.granted(3n, 1);
  last.granted(9n, 5);
  block.granted(12n, 10);
  invoices.refused(1, "ERR no");
  orders.granted(1n, 1);
  assert.equal(left(replies), ":1\r\n");
  orders.granted(2n, 1);
  assert.equal(
    left(replies),
    ":2\r\n-ERR no\r\n*2\r\n$1\r\n3\r\n$2\r\n12\r\n:9\r\n:3\r\n",
  );
  assert(replies.empty);
});

Deno.test("Replies of a pipeline of one sequence are one slot, unless they have another format", () => {
  const replies = new RepliesOf(() => {});
  const expect = (format: "simple" | "integer") => {
    const client = replies.expectTickets(1, { name: "orders", format });
    replies.startTake(() => {});
    return client;
  };
  const first = expect("simple");
  assert.equal(expect("simple"), first);
  const second = expect("integer");
  assert.notEqual(second, first);
  second.granted(3n, 1);
  first.granted(2n, 2);
  assert.equal(left(replies), "+1\r\n+2\r\n:3\r\n");
});

Deno.test("A block that is refused has one reply, however many it was for", () => {
  const replies = new RepliesOf(() => {});
  const block = replies.expectBlock("range");
  replies.startTake(() => {});
  block.refused(1000, "ERR no");
  assert.equal(left(replies), "-ERR no\r\n");
});

Deno.test("Replies captures what one command replies, and leaves what waits as it is", () => {
  const replies = new RepliesOf(() => {});
  const answer = replies.expectAnswer();
  const captured = replies.capture(() => replies.writer.simple("PONG"));
  assert.equal(new TextDecoder().decode(captured), "+PONG\r\n");
  const pieces = ["a", "b"].values();
  const long = replies.capture(() => replies.long(2, { pieces, keptBytes: 0 }));
  assert.equal(new TextDecoder().decode(long), "$2\r\nab\r\n");
  const kib = "x".repeat(1024);
  const tooLong = replies.capture(() => {
    for (let i = 0; i < 300; i++) replies.writer.simple(kib);
  });
  assert.equal(tooLong, undefined);
  answer((writer) => writer.simple("OK"));
  assert.equal(left(replies), "+OK\r\n");
  assert(replies.empty && !replies.congested);
});

Deno.test("Takes follow takes and groups follow groups at once, and one kind waits for the other", () => {
  const kind = fc.constantFrom("take" as const, "group" as const);
  const step = fc.oneof(
    fc.record({ start: kind }),
    fc.record({ start: kind, atOnce: fc.constant(true) }),
    fc.record({ end: fc.nat(100) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const replies = new RepliesOf(() => {});
      /** All that was started, in its order. */
      const all: { kind: string; state: "held" | "open" | "ended" }[] = [];
      const open: (() => void)[] = [];
      const check = () => {
        for (const [at, { kind, state }] of all.entries()) {
          const before = all.slice(0, at);
          const mustWait = before.some((one) =>
            one.state !== "ended" && one.kind !== kind
          );
          assert.equal(state === "held", mustWait, `${at} of ${all.length}`);
        }
      };
      for (const one of steps) {
        if ("end" in one) open.splice(one.end % (open.length || 1), 1)[0]?.();
        else {
          const entry: typeof all[number] = { kind: one.start, state: "held" };
          all.push(entry);
          const started = (end: () => void) => {
            assert.equal(entry.state, "held", "it starts once");
            entry.state = "open";
            const ended = () => {
              entry.state = "ended";
              end();
            };
            if ("atOnce" in one) ended();
            else open.push(ended);
          };
          if (one.start === "take") {
            const name = `s${all.length % 3}`;
            const format = "simple" as const;
            const client = replies.expectTickets(1, { name, format });
            replies.startTake(() => started(() => client.granted(1n, 1)));
          } else {
            const answer = replies.expectAnswer("group");
            replies.startGroup(() =>
              started(() => answer((writer) => writer.simple("OK")))
            );
          }
        }
        check();
      }
      while (open.length > 0) open.shift()!();
      assert(all.every(({ state }) => state === "ended"));
      const expected = all.map((one) => one.kind === "take" ? "+1" : "+OK");
      assert.equal(left(replies), expected.map((r) => `${r}\r\n`).join(""));
      assert(replies.empty && !replies.congested);
    }),
  );
});

Deno.test("Replies of a connection that is gone start nothing more", () => {
  const replies = new RepliesOf(() => {});
  const client = replies.expectTickets(1, { name: "a", format: "simple" });
  replies.startTake(() => {});
  replies.expectAnswer("group");
  replies.startGroup(() => assert.fail("nobody reads its outcome"));
  replies.forget();
  client.granted(1n, 1);
});
