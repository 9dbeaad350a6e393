import assert from "node:assert/strict";
import fc from "fast-check";
import { InvariantError } from "../../../../base/assert.ts";
import { RespWriter } from "../../../../server/resp/resp_writer.ts";

function written(write: (writer: RespWriter) => void): string {
  const writer = new RespWriter();
  write(writer);
  return new TextDecoder().decode(writer.bytes());
}

function run(last: bigint, count: number): string {
  return written((writer) => writer.ticketRun(last, count));
}

function slowly(last: bigint, count: number): string {
  const numbers = Array.from(
    { length: count },
    (_, i) => `+${last - BigInt(count - 1 - i)}\r\n`,
  );
  return numbers.join("");
}

Deno.test("RespWriter writes each kind of reply as RESP2 and RESP3 say", () => {
  assert.equal(written((w) => w.simple("PONG")), "+PONG\r\n");
  assert.equal(written((w) => w.simple("")), "+\r\n");
  assert.equal(written((w) => w.error("ERR no")), "-ERR no\r\n");
  assert.equal(written((w) => w.integer(-7)), ":-7\r\n");
  assert.equal(written((w) => w.bulk("")), "$0\r\n\r\n");
  assert.equal(written((w) => w.bulk("grün")), "$5\r\ngrün\r\n");
  assert.equal(written((w) => w.bulk(Uint8Array.of(13, 10))), "$2\r\n\r\n\r\n");
  assert.equal(written((w) => w.array(0)), "*0\r\n");
  assert.equal(written((w) => w.map(3, 2)), "*6\r\n");
  assert.equal(written((w) => w.map(3, 3)), "%3\r\n");
  assert.equal(written((w) => w.null(2)), "$-1\r\n");
  assert.equal(written((w) => w.null(3)), "_\r\n");
});

Deno.test("RespWriter keeps a line from ending early", () => {
  assert.equal(written((w) => w.error("ERR a\r\n+OK")), "-ERR a  +OK\r\n");
  assert.equal(written((w) => w.simple("a\nü\r")), "+a ü \r\n");
});

Deno.test("RespWriter.ticketRun() counts across every growth of digits", () => {
  assert.equal(run(1n, 1), "+1\r\n");
  assert.equal(run(10n, 2), "+9\r\n+10\r\n");
  assert.equal(run(100n, 2), "+99\r\n+100\r\n");
  assert.equal(run(1001n, 1001), slowly(1001n, 1001));
  for (let digits = 1n; digits < 20n; digits++) {
    const last = 10n ** digits + 1n;
    assert.equal(run(last, 3), slowly(last, 3));
  }
  assert.equal(run(123_456n, 123_456), slowly(123_456n, 123_456));
});

Deno.test("RespWriter.ticketRun() writes up to 2^64 - 1 and no further", () => {
  const max = 2n ** 64n - 1n;
  assert.equal(run(max, 2000), slowly(max, 2000));
  assert.throws(() => run(max + 1n, 1), InvariantError);
  assert.throws(() => run(3n, 4), InvariantError);
  assert.throws(() => run(3n, 0), InvariantError);
});

Deno.test("RespWriter.ticketRun() agrees with BigInt, after whatever was there", () => {
  const lasts = fc.bigInt({ min: 5000n, max: 2n ** 64n - 1n });
  const near = fc.tuple(fc.integer({ min: 1, max: 19 }), fc.nat(300))
    .map(([digits, past]) => 10n ** BigInt(digits) + BigInt(past));
  fc.assert(fc.property(
    fc.oneof(lasts, near),
    fc.integer({ min: 1, max: 300 }),
    (last, wanted) => {
      const count = last < BigInt(wanted) ? Number(last) : wanted;
      const got = written((w) => {
        w.simple("PONG");
        w.ticketRun(last, count);
        w.simple("PONG");
      });
      assert.equal(got, `+PONG\r\n${slowly(last, count)}+PONG\r\n`);
    },
  ));
});

Deno.test("RespWriter.clear() empties it and gives memory back by and by", () => {
  const writer = new RespWriter();
  writer.ticketRun(100_000n, 100_000);
  const big = writer.bytes().buffer.byteLength;
  for (let i = 0; i < 20; i++) {
    writer.clear();
    assert.equal(writer.length, 0);
    writer.simple("PONG");
  }
  assert(writer.bytes().buffer.byteLength <= 2048);
  assert(big > 500_000);
});

Deno.test("RespWriter.rest() empties it, and keeps a small buffer but not a large one", () => {
  const writer = new RespWriter();
  writer.simple("PONG");
  const small = writer.bytes().buffer;
  writer.rest();
  assert.equal(writer.length, 0);
  assert.equal(writer.bytes().buffer, small);
  writer.append(new Uint8Array(2 ** 20));
  writer.rest();
  assert(writer.bytes().buffer.byteLength <= 64);
});

Deno.test("RespWriter.drop() forgets the first bytes and no others", () => {
  const writer = new RespWriter();
  writer.simple("one");
  writer.simple("two");
  writer.drop(6);
  writer.simple("three");
  assert.equal(new TextDecoder().decode(writer.bytes()), "+two\r\n+three\r\n");
});
