// Addresses as people write them: which are parsed, which mean this machine, which must not be
// dialled, and which count as one source.

import assert from "node:assert/strict";
import {
  faultToDial,
  formatAddress,
  isLoopback,
  networkOf,
  parseAddress,
  plainHost,
} from "../../../base/address.ts";

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

Deno.test("faultToDial() allows names and addresses of one host, and nothing else", () => {
  const good = [
    ":12001",
    "node-1.example:1",
    "a_b.internal.:65535",
    "10.0.0.1:1",
    "[fd00::1]:1",
    "[::1]:1",
    "[::ffff:10.0.0.1]:1",
    `${"a".repeat(63)}.b:1`,
  ];
  for (const text of good) assert.equal(faultToDial(text), undefined, text);
  const bad: [string, RegExp][] = [
    ["host", /is not HOST:PORT/],
    ["host:0", /names no port/],
    [":0", /names no port/],
    ["0.0.0.0:1", /every address/],
    ["0.1.2.3:1", /every address/],
    ["[::]:1", /every address/],
    ["[::ffff:0.0.0.0]:1", /every address/],
    ["224.0.0.1:1", /group/],
    ["255.255.255.255:1", /group/],
    ["[ff02::1]:1", /group/],
    ["[::ffff:239.1.2.3]:1", /group/],
    ["0:1", /names no host/],
    ["2130706433:1", /names no host/],
    ["0x7f.1:1", /names no host/],
    ["0x7f000001:1", /names no host/],
    ["1.2.3:1", /names no host/],
    ["1.2.3.256:1", /names no host/],
    ["a..b:1", /names no host/],
    ["-a:1", /names no host/],
    ["a/b:1", /names no host/],
    ["user@host:1", /names no host/],
    ["ä:1", /names no host/],
    [`${"a".repeat(64)}:1`, /names no host/],
    [`${"a.".repeat(127)}a:1`, /names no host/],
  ];
  for (const [text, fault] of bad) {
    assert.match(faultToDial(text) ?? "none", fault, text);
  }
});

Deno.test("networkOf() counts an IPv4 address alone, and of IPv6 a network of 64 bits", () => {
  const same = [
    ["10.0.0.1", "::ffff:10.0.0.1"],
    ["fd00:1:2:3::1", "fd00:1:2:3:4:5:6:7"],
    ["fd00::1", "FD00::9:8:7:6"],
    ["::1", "::2"],
    ["fe80::1%eth0", "fe80::2"],
    ["1::2:3:4:5:6", "1:0:0:2:9:9:9:9"],
  ];
  for (const [one, other] of same) {
    assert.equal(networkOf(one!), networkOf(other!), `${one} ${other}`);
  }
  const others = [
    ["10.0.0.1", "10.0.0.2"],
    ["fd00:1:2:3::1", "fd00:1:2:4::1"],
    ["::1", "127.0.0.1"],
    ["1::2:3:4:5:6", "1:0:0:3::"],
  ];
  for (const [one, other] of others) {
    assert.notEqual(networkOf(one!), networkOf(other!), `${one} ${other}`);
  }
});

Deno.test("A caller over IPv4 at a port of both kinds has an address that all can dial", () => {
  for (
    const [host, plain] of [
      ["::ffff:10.0.0.1", "10.0.0.1"],
      ["::FFFF:10.0.0.1", "10.0.0.1"],
      ["::ffff:a:1", "::ffff:a:1"],
      ["fd00::1", "fd00::1"],
      ["10.0.0.1", "10.0.0.1"],
    ] as const
  ) assert.equal(plainHost(host), plain);
});
