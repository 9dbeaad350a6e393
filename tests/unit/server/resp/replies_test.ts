// Replies in the order of their requests, whatever comes first.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Replies } from "../../../../server/resp/replies.ts";
import { leaving as left, tickets } from "../../../lib/fakes.ts";

Deno.test("Replies lets what is known at once leave at once", () => {
  const replies = new Replies(() => {});
  replies.writer.simple("PONG");
  assert.equal(left(replies), "+PONG\r\n");
  assert.equal(left(replies), "");
  assert(replies.empty);
});

Deno.test("Replies holds back what comes after a reply that waits", () => {
  const replies = new Replies(() => {});
  replies.expectTickets(1);
  replies.writer.simple("PONG");
  replies.expectTickets(2);
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
  replies.expectTickets(2);
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
  replies.expectTickets(1);
  replies.granted(1n, 1);
  assert.equal(changes, 0);
  answer((writer) => writer.simple("OK"));
  assert.equal(changes, 1);
  assert.equal(left(replies), "+OK\r\n+1\r\n");
});

Deno.test("Replies of a connection that is gone take what still comes, and drop it", () => {
  const replies = new Replies(() => assert.fail("nothing may leave"));
  const answer = replies.expectAnswer();
  replies.expectTickets(2);
  replies.forget();
  answer((writer) => writer.simple("OK"));
  replies.granted(1n, 1);
  replies.refused(1, "ERR leadership lost while committing log");
  assert.equal(left(replies), "");
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
    r.expectTickets(1);
    r.writer.simple(kib);
  });
  congestedAfter(2000, (r) => {
    if (r.empty) r.expectTickets(1);
    r.writer.simple(kib);
  });
  assert.equal(congestedAfter(9, (r) => r.expectTickets(2048)), 2);
  assert.equal(congestedAfter(99, (r) => r.expectAnswer()), 16);
  assert.equal(
    congestedAfter(9999, (r) => {
      r.expectTickets(1);
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
      replies.expectTickets(1);
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
  replies.expectTickets(1);
  for (let at = 1; at <= 50_000; at++) {
    replies.expectTickets(1);
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
  replies.expectTickets(2 ** 20);
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
        replies.expectTickets(1);
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
          replies.expectTickets(one.ask);
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
  replies.expectTickets(1);
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
  replies.expectTickets(1);
  assert(!replies.undo(second));
  replies.granted(1n, 1);
  assert.equal(left(replies), "+before\r\n+1\r\n");
});

Deno.test("Replies tells its connection alone of a number that cannot be written", () => {
  const failures: unknown[] = [];
  const replies = new Replies(() => {
    throw new RangeError("no room");
  }, (error) => failures.push(error));
  replies.expectTickets(1);
  replies.granted(1n, 1);
  assert.equal(failures.length, 1);
});
