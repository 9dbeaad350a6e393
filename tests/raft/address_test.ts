// Addresses as people write them.

import assert from "node:assert/strict";
import { formatAddress, isLoopback, parseAddress } from "../../raft/address.ts";

Deno.test("parseAddress() takes host:port, :port and [v6]:port, and formatAddress() gives them back", () => {
  const cases: [string, string, number][] = [
    ["127.0.0.1:11001", "127.0.0.1", 11001],
    ["node-2.example:1", "node-2.example", 1],
    [":11001", "", 11001],
    [":0", "", 0],
    ["[::1]:65535", "::1", 65535],
    ["[fe80::1]:80", "fe80::1", 80],
  ];
  for (const [text, host, port] of cases) {
    const address = parseAddress(text);
    assert.deepEqual(address, { host, port }, text);
    assert.equal(formatAddress({ host, port }), text);
  }
});

Deno.test("parseAddress() refuses what is no address", () => {
  const cases = [
    "",
    "11001",
    "host",
    "host:",
    ":",
    ":x",
    ":-1",
    ":65536",
    ":123456",
    "a b:1",
    " :1",
    ":1 ",
    ":1\n",
    "::1:80",
    "[::1]",
    "[::1:80",
    "[zz]:80",
    "http://host:80",
  ];
  for (const text of cases) assert.equal(parseAddress(text), undefined, text);
});

Deno.test("isLoopback() knows every spelling of this machine, and no other", () => {
  const loopback = ["localhost", "127.0.0.1", "127.9.9.9", "::1"];
  for (const host of [...loopback, "::ffff:127.0.0.1", "::FFFF:127.0.0.1"]) {
    assert.ok(isLoopback(host), host);
  }
  for (const host of ["", "0.0.0.0", "10.0.0.1", "128.0.0.1", "::", "x127.1"]) {
    assert.ok(!isLoopback(host), host);
  }
});
