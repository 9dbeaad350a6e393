// Who may talk to whom, and the bytes in which it is asked.

import assert from "node:assert/strict";
import type { Identity } from "../../raft/core/types.ts";
import {
  decodeGreeting,
  encodeGreeting,
  factOfRefusal,
  faultOfHello,
  faultOfWelcome,
  type Greeting,
  type Hello,
  introductionOf,
  lifeOf,
  type Members,
  nobody,
  type Refused,
  remedies,
} from "../../raft/greeting.ts";

const cluster = "c".repeat(32);
const own: Identity = { cluster, node: "1", incarnation: "1".repeat(16) };
const hello: Hello = {
  type: "hello",
  cluster,
  sender: "2",
  incarnation: "2".repeat(16),
  since: 0,
  receiver: "1",
  client: ":11002",
  version: "0.1.0",
  address: ":12002",
};
const greetings: Greeting[] = [
  hello,
  {
    type: "welcome",
    node: "node.a-b_c",
    incarnation: "f".repeat(16),
    since: 2 ** 53 - 1,
    client: "h".repeat(250) + ":1",
    version: "",
  },
  ...Object.keys(remedies).map((reason): Greeting => (
    { type: "refused", reason: reason as Refused, node: "1", cluster }
  )),
];
/** A configuration at index 5 that names one disk. */
function knowing(id: string, incarnation: string): Members {
  return {
    configurationIndex: 5,
    incarnationOf: (other) => other === id ? incarnation : "",
  };
}

Deno.test("decodeGreeting() gives back what encodeGreeting() made", () => {
  for (const greeting of greetings) {
    assert.deepEqual(decodeGreeting(encodeGreeting(greeting)), greeting);
  }
});

Deno.test("decodeGreeting() calls every cut and every extra byte malformed", () => {
  const bytes = encodeGreeting(hello);
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length);
    assert.deepEqual(decodeGreeting(cut), { type: "malformed" }, `${length}`);
  }
  const longer = new Uint8Array([...bytes, 0]);
  assert.deepEqual(decodeGreeting(longer), { type: "malformed" });
  assert.deepEqual(decodeGreeting(new Uint8Array(0)), { type: "malformed" });
});

Deno.test("decodeGreeting() names another version, but reads its refusal", () => {
  const newer = encodeGreeting(hello);
  newer[12] = 4;
  assert.deepEqual(decodeGreeting(newer), { type: "foreign", version: 4 });
  const refusal = greetings.at(-1)!;
  const no = encodeGreeting(refusal);
  no[12] = 4;
  assert.deepEqual(decodeGreeting(no), refusal);
});

Deno.test("faultOfHello() lets in a node of the same cluster that looks for this one", () => {
  assert.equal(faultOfHello(hello, own, nobody), undefined);
  const known = knowing("2", hello.incarnation);
  assert.equal(faultOfHello(hello, own, known), undefined);
});

Deno.test("Who knows older members only lets in a new life of one of them (scenario)", () => {
  const known = knowing("2", "9".repeat(16));
  assert.equal(faultOfHello({ ...hello, since: 6 }, own, known), undefined);
  const fault = faultOfHello({ ...hello, since: 5 }, own, known);
  assert.equal(fault?.reason, "used-id");
});

Deno.test("lifeOf() claims a membership only for the very disk that the configuration names", () => {
  const { incarnation } = own;
  assert.deepEqual(lifeOf(own, knowing("1", incarnation)), {
    incarnation,
    since: 5,
  });
  assert.deepEqual(lifeOf(own, knowing("1", "other")), {
    incarnation,
    since: 0,
  });
  assert.deepEqual(lifeOf(own, nobody), { incarnation, since: 0 });
});

Deno.test("faultOfHello() refuses strangers, each for its own reason (PITFALLS 29, 30)", () => {
  const known = knowing("2", "9".repeat(16));
  const cases: [Parameters<typeof faultOfHello>[0], Refused, RegExp][] = [
    [{ ...hello, cluster: "d".repeat(32) }, "wrong-cluster", /d{32}.*c{32}/],
    [{ ...hello, receiver: "3" }, "wrong-receiver", /node 3 and found node 1/],
    [{ ...hello, sender: "1", receiver: "3" }, "wrong-receiver", /node 3/],
    [{ ...hello, sender: "1" }, "used-id", /itself 1/],
    [hello, "used-id", /member 2 has another data directory/],
    [{ type: "foreign", version: 7 }, "version", /protocol 7, this node 3/],
    [{ type: "malformed" }, "malformed", /cannot be read/],
    [greetings[1]!, "malformed", /cannot be read/],
  ];
  for (const [greeted, reason, fact] of cases) {
    const fault = faultOfHello(greeted, own, known);
    assert.equal(fault?.reason, reason);
    assert.match(fault.fact, fact);
  }
});

Deno.test("faultOfWelcome() hangs up on another node, and on another life of the same", () => {
  const welcome = {
    type: "welcome",
    node: "2",
    incarnation: "2",
    since: 5,
    client: "",
    version: "",
  } as const;
  assert.equal(faultOfWelcome(welcome, "2", nobody), undefined);
  assert.equal(faultOfWelcome(welcome, "2", knowing("2", "2")), undefined);
  assert.equal(
    faultOfWelcome(welcome, "3", nobody)?.reason,
    "wrong-receiver",
  );
  assert.equal(
    faultOfWelcome(welcome, "2", knowing("2", "3"))?.reason,
    "used-id",
  );
  assert.equal(faultOfWelcome(hello, "2", nobody)?.reason, "malformed");
  const foreign = { type: "foreign", version: 1 } as const;
  assert.equal(faultOfWelcome(foreign, "2", nobody)?.reason, "version");
});

Deno.test("introductionOf() fills in the host at which a node was met", () => {
  const clientAt = (host: string, client = ":11002") =>
    introductionOf({ ...hello, client }, host).client;
  assert.equal(clientAt("10.0.0.2"), "10.0.0.2:11002");
  assert.equal(clientAt("fd00::2"), "[fd00::2]:11002");
  for (const host of ["", "localhost", "127.0.0.5", "::1"]) {
    assert.equal(clientAt(host), "127.0.0.1:11002", host);
  }
  assert.equal(clientAt("10.0.0.2", "b.example:5"), "b.example:5");
});

Deno.test("introductionOf() passes on nothing but an address and a version", () => {
  const of = (about: { client: string; version: string }) => {
    const { client, version } = introductionOf({ ...hello, ...about }, "h");
    return [client, version];
  };
  for (const client of ["", "h", "h:0", ":0", "a\u001b[2J:1", "ä:1", "a b:1"]) {
    for (const version of ["", "1\r\n+OK", "1 2", "v".repeat(33)]) {
      assert.deepEqual(of({ client, version }), ["", ""]);
    }
  }
  assert.deepEqual(of({ client: "h:1", version: "1.0.0-rc.1+a" }), [
    "h:1",
    "1.0.0-rc.1+a",
  ]);
});

Deno.test("factOfRefusal() has a sentence for every reason", () => {
  for (const greeting of greetings) {
    if (greeting.type !== "refused") continue;
    assert.ok(factOfRefusal(greeting, own).length > 10, greeting.reason);
  }
});
