// Every flag, its variable, and every way to get it wrong.

import assert from "node:assert/strict";
import deno from "../../../deno.json" with { type: "json" };
import { type Config, parseConfig } from "../../../server/config.ts";

/** The arguments of `line`, cut at spaces. */
function parse(line: string, variables: Record<string, string> = {}) {
  const args = line === "" ? [] : line.split(" ");
  return parseConfig(args, (name) => variables[name]);
}

function configOf(line: string, variables?: Record<string, string>): Config {
  const parsed = parse(line, variables);
  assert.ok(parsed.type === "run", JSON.stringify(parsed));
  return parsed.config;
}

function errorOf(line: string, variables?: Record<string, string>): string {
  const parsed = parse(line, variables);
  assert.ok(parsed.type === "error", `${line}: ${JSON.stringify(parsed)}`);
  assert.ok(!parsed.text.includes("\n"), parsed.text);
  return parsed.text;
}

Deno.test("Without flags a node serves on loopback, with the original's defaults", () => {
  assert.deepEqual(configOf(""), {
    id: "1",
    clientListen: { host: "127.0.0.1", port: 11001 },
    storage: "auto",
    timeoutMillis: 10_000,
    ioThreads: 1,
    ownInJoin: [],
    limits: {
      clientsMax: 10_000,
      memoryMax: 256 * 1024 * 1024,
      idleSeconds: Infinity,
      keepAliveSeconds: 60,
    },
    node: {
      id: "1",
      raftListen: { host: "127.0.0.1", port: 12001 },
      advertise: "127.0.0.1:12001",
      clientAddress: "127.0.0.1:11001",
      version: deno.version,
      join: [],
      expect: 1,
      joinTimeoutMillis: 60_000,
      lends: true,
      nonvoter: false,
      directory: "data/1",
      durability: "high",
      heartbeatMillis: 100,
      electionMillis: 300,
      forward: "yes",
      aheadMax: 2 ** 20,
      sequencesMax: 100_000,
      logLevel: "info",
      logFormat: "text",
    },
  });
});

/** A flag, its variable, a good value, and what it changes. */
const good: [string, string, string, (config: Config) => unknown, unknown][] = [
  ["id", "ID", "node-2.a_b", (c) => [c.id, c.node.id, c.node.directory], [
    "node-2.a_b",
    "node-2.a_b",
    "data/node-2.a_b",
  ]],
  ["saddr", "SADDR", ":18601", (c) => c.clientListen, {
    host: "",
    port: 18601,
  }],
  ["saddr", "SADDR", "[::1]:1", (c) => c.clientListen, {
    host: "::1",
    port: 1,
  }],
  ["raddr", "RADDR", ":18601", (c) => [c.node.raftListen, c.node.advertise], [
    { host: "", port: 18601 },
    ":18601",
  ]],
  ["raddr", "RADDR", "10.0.0.1:5", (c) => c.node.advertise, "10.0.0.1:5"],
  ["raddr", "RADDR", "0.0.0.0:5", (c) => c.node.advertise, ":5"],
  ["raddr", "RADDR", "[::]:5", (c) => c.node.advertise, ":5"],
  ["join", "JOIN", ":11002", (c) => c.node.join, [":11002"]],
  ["join", "JOIN", "a:1,b:2", (c) => c.node.join, ["a:1", "b:2"]],
  ["bootstrap-expect", "BOOTSTRAP_EXPECT", "1", (c) => c.node.expect, 1],
  ["dir", "DIR", "/var/lib/t/", (c) => c.node.directory, "/var/lib/t/1"],
  ["dir", "DIR", "/", (c) => c.node.directory, "/1"],
  ["durability", "DURABILITY", "high", (c) => c.node.durability, "high"],
  ["durability", "DURABILITY", "medium", (c) => c.node.durability, "medium"],
  ["durability", "DURABILITY", "low", (c) => c.node.durability, "low"],
  ["storage", "STORAGE", "file", (c) => c.storage, "file"],
  ["storage", "STORAGE", "kv", (c) => c.storage, "kv"],
  ["storage", "STORAGE", "auto", (c) => c.storage, "auto"],
  ["advertise", "ADVERTISE", "h:7", (c) => c.node.advertise, "h:7"],
  [
    "advertise-clients",
    "ADVERTISE_CLIENTS",
    "h:8",
    (c) => c.node.clientAddress,
    "h:8",
  ],
  ["saddr", "SADDR", "10.0.0.1:6", (c) => c.node.clientAddress, "10.0.0.1:6"],
  ["saddr", "SADDR", "0.0.0.0:6", (c) => c.node.clientAddress, ":6"],
  ["heartbeat", "HEARTBEAT", "20ms", (c) => c.node.heartbeatMillis, 20],
  ["election", "ELECTION", "1s", (c) => c.node.electionMillis, 1000],
  ["election", "ELECTION", "0.15s", (c) => c.node.electionMillis, 150],
  ["ahead", "AHEAD", "auto", (c) => c.node.aheadMax, 2 ** 20],
  ["ahead", "AHEAD", "0", (c) => c.node.aheadMax, 0],
  ["ahead", "AHEAD", "1048576", (c) => c.node.aheadMax, 2 ** 20],
  ["max-sequences", "MAX_SEQUENCES", "1", (c) => c.node.sequencesMax, 1],
  [
    "max-sequences",
    "MAX_SEQUENCES",
    "250000",
    (c) => c.node.sequencesMax,
    250_000,
  ],
  ["keepalive", "KEEPALIVE", "0", (c) => c.limits.keepAliveSeconds, 0],
  ["keepalive", "KEEPALIVE", "5m", (c) => c.limits.keepAliveSeconds, 300],
  ["io-threads", "IO_THREADS", "1", (c) => c.ioThreads, 1],
  ["io-threads", "IO_THREADS", "9", (c) => c.ioThreads, 9],
  ["io-threads", "IO_THREADS", "2", (c) => c.node.lends, false],
  ["io-threads", "IO_THREADS", "16", (c) => c.ioThreads, 16],
  ["log-level", "LOG_LEVEL", "warning", (c) => c.node.logLevel, "warning"],
  ["log-level", "LOG_LEVEL", "warn", (c) => c.node.logLevel, "warning"],
  ["forward", "FORWARD", "moved", (c) => c.node.forward, "moved"],
  ["forward", "FORWARD", "true", (c) => c.node.forward, "yes"],
  ["forward", "FORWARD", "off", (c) => c.node.forward, "no"],
  ["log-format", "LOG_FORMAT", "json", (c) => c.node.logFormat, "json"],
];

Deno.test("Each flag is read with one dash or two, with a space or =, and from the environment", () => {
  for (const [flag, variable, value, part, expected] of good) {
    for (const line of [`--${flag} `, `-${flag} `, `--${flag}=`, `-${flag}=`]) {
      assert.deepEqual(part(configOf(line + value)), expected, line + value);
    }
    const variables = { [`TICKETD_${variable}`]: value };
    assert.deepEqual(part(configOf("", variables)), expected, variable);
  }
});

Deno.test("A flag wins over its variable, the last flag over the first, and an empty variable is none", () => {
  const variables = { TICKETD_ID: "3", TICKETD_JOIN: ":1" };
  assert.equal(configOf("--id 4", variables).id, "4");
  assert.equal(configOf("--id 4 -id 5").id, "5");
  assert.deepEqual(configOf("--join :2", variables).node.join, [":2"]);
  assert.equal(configOf("", { TICKETD_ID: "" }).id, "1");
});

Deno.test("--join may be repeated, and be empty as in a script without members", () => {
  const { join } = configOf("--join :1 -join :2,:3").node;
  assert.deepEqual(join, [":1", ":2", ":3"]);
  const parsed = parseConfig(["--join", ""], () => undefined);
  assert.ok(parsed.type === "run" && parsed.config.node.join.length === 0);
  assert.deepEqual(configOf("--join= --join=").node.join, []);
  assert.deepEqual(configOf("--join= --join :1,").node.join, [":1"]);
});

Deno.test("--join leaves the node's own address out, refuses it alone, and keeps one that only looks like it", () => {
  const selves: [string, string][] = [
    ["", "127.0.0.1:11001"],
    ["", ":11001"],
    ["", "localhost:11001"],
    ["--saddr :7", "127.0.0.9:7"],
    ["--saddr 0.0.0.0:7", "[::1]:7"],
    ["--saddr 10.0.0.1:7", "10.0.0.1:7"],
  ];
  for (const [flags, member] of selves) {
    const both = configOf(`${flags} --join 10.0.0.9:1,${member}`.trim());
    assert.deepEqual(both.node.join, ["10.0.0.9:1"]);
    assert.deepEqual(both.ownInJoin, [member]);
    assert.equal(
      errorOf(`${flags} --join ${member}`.trim()),
      `--join ${member} is this node itself; name another member`,
    );
  }
  const others: [string, string][] = [
    ["", "127.0.0.1:11002"],
    ["", "127.0.0.2:11001"],
    ["--saddr :7", "10.0.0.2:7"],
    ["--saddr 10.0.0.1:7", "10.0.0.2:7"],
    ["--saddr 10.0.0.1:7", ":7"],
  ];
  for (const [flags, member] of others) {
    const { join } = configOf(`${flags} --join ${member}`.trim()).node;
    assert.deepEqual(join, [member]);
  }
});

Deno.test("--bootstrap-expect takes one list for all nodes, and no more addresses than nodes", () => {
  const list = "--bootstrap-expect 3 --join a:1,b:1,c:1";
  const { node } = configOf(list);
  assert.deepEqual([node.expect, node.join], [3, ["a:1", "b:1", "c:1"]]);
  const own = configOf("--bootstrap-expect 2 --join :11001,b:1");
  assert.deepEqual([own.node.join, own.ownInJoin], [["b:1"], [":11001"]]);
  // Two spellings of one address are one.
  const twice = configOf("--bootstrap-expect 2 --join :2,127.0.0.1:2,A:1,a:1");
  assert.equal(twice.node.expect, 2);
  assert.match(
    errorOf("--bootstrap-expect 2 --join a:1,b:1,c:1"),
    /^--bootstrap-expect 2 with 3 addresses in --join: two clusters/,
  );
  assert.match(
    errorOf("", { TICKETD_BOOTSTRAP_EXPECT: "2" }),
    /^TICKETD_BOOTSTRAP_EXPECT 2 without --join/,
  );
  assert.match(
    errorOf("--bootstrap-expect 2 --join a:1 --nonvoter"),
    /^--bootstrap-expect 2 with --nonvoter: every founder votes/,
  );
  assert.match(
    errorOf("--bootstrap-expect 2 --join :11001"),
    /^--join :11001 is this node itself/,
  );
  // Alone it founds at once, as without the flag.
  assert.deepEqual(configOf("--bootstrap-expect 1").node, configOf("").node);
  for (const value of ["0", "10", "-1", "two", "1.0", "01"]) {
    assert.match(
      errorOf(`--bootstrap-expect=${value}`),
      /a number from 1 to 9/,
    );
  }
});

/** A flag, its variable, and values that it does not take. */
const bad: [string, string, string[], RegExp][] = [
  [
    "id",
    "ID",
    ["..", ".", "a/b", "a b", "é", "a\nb", "x".repeat(65)],
    /1 to 64/,
  ],
  ["saddr", "SADDR", ["11001", "host", ":65536", ":x", "::1:5"], /HOST:PORT/],
  [
    "raddr",
    "RADDR",
    ["12001", ":0", "h:0", `${"h".repeat(260)}:1`],
    /HOST:PORT/,
  ],
  [
    "join",
    "JOIN",
    ["nonsense", ":1,nonsense", ":0", ",", " , "],
    /addresses of members/,
  ],
  ["durability", "DURABILITY", ["HIGH", "none"], /high, medium or low/],
  ["storage", "STORAGE", ["memory", "files"], /file, kv or auto/],
  [
    "advertise",
    "ADVERTISE",
    [":5", "h:0", "0.0.0.0:5", "[::]:5", "h"],
    /HOST:PORT/,
  ],
  ["advertise-clients", "ADVERTISE_CLIENTS", [":5", "h:0"], /HOST:PORT/],
  [
    "heartbeat",
    "HEARTBEAT",
    ["50", "0ms", "61s", "-1ms", "1h", "0.5ms"],
    /50ms/,
  ],
  ["election", "ELECTION", ["300", "1m", "1e3ms"], /duration/],
  ["ahead", "AHEAD", ["-1", "01", "1048577", "1e3", "off"], /0 to 1048576/],
  [
    "max-sequences",
    "MAX_SEQUENCES",
    ["0", "250001", "01", "1e3", "-1", "many"],
    /from 1 to 250000/,
  ],
  ["keepalive", "KEEPALIVE", ["off", "0s", "60", "1d", "25h"], /0 for never/],
  ["io-threads", "IO_THREADS", ["0", "17", "01", "1.5", "two"], /from 1 to 16/],
  [
    "log-level",
    "LOG_LEVEL",
    ["warnings", "INFO", "yes"],
    /debug, info, warning or error/,
  ],
  ["log-format", "LOG_FORMAT", ["yaml"], /text or json/],
];

Deno.test("A bad value is one line with flag or variable, the value, and what is allowed", () => {
  for (const [flag, variable, values, allowed] of bad) {
    for (const value of values) {
      const cases: [string, string][] = [];
      const parsed = parseConfig([`--${flag}`, value], () => undefined);
      cases.push([`--${flag}`, parsed.type === "error" ? parsed.text : ""]);
      const name = `TICKETD_${variable}`;
      cases.push([name, errorOf("", { [name]: value })]);
      for (const [by, text] of cases) {
        const start = `${by}: ${JSON.stringify(value)} is not allowed; use `;
        assert.ok(text.startsWith(start), `${text} (${value})`);
        assert.match(text, allowed);
        assert.ok(!text.includes("\n"));
      }
    }
  }
});

Deno.test("An empty value is refused where it means nothing", () => {
  for (
    const flag of ["id", "saddr", "raddr", "dir", "durability", "advertise"]
  ) {
    assert.match(errorOf(`--${flag}=`), new RegExp(`^--${flag}: "" is not`));
  }
});

Deno.test("A missing value names the flag and what it takes, also when another flag follows", () => {
  for (const [flag] of good) {
    const start = `--${flag}: its value is missing; use `;
    assert.ok(errorOf(`--${flag}`).startsWith(start));
    assert.ok(errorOf(`-${flag} --raddr :1`).startsWith(start));
  }
});

Deno.test("What is no flag is refused by name", () => {
  assert.equal(
    errorOf("--foo"),
    "unknown flag '--foo'; --help lists all flags",
  );
  assert.equal(
    errorOf("-sadr :1"),
    "unknown flag '--sadr' (Did you mean --saddr?); --help lists all flags",
  );
  assert.equal(
    errorOf("--id 2 x"),
    '"x" is no flag; --help lists all flags',
  );
  assert.equal(errorOf("-- x"), '"x" is no flag; --help lists all flags');
  assert.match(errorOf("-i 1"), /unknown flag '-i'/);
  assert.match(errorOf("--no-id"), /unknown flag '--no-id'/);
});

Deno.test("--saddr and --raddr must differ, unless the system chooses the ports", () => {
  const clashes = [
    "--saddr :5 --raddr :5",
    "--saddr 127.0.0.1:5 --raddr :5",
    "--saddr 127.0.0.1:5 --raddr localhost:5",
    "--saddr :12001",
  ];
  for (const line of clashes) {
    assert.match(errorOf(line), /--saddr and --raddr.*use two different ports/);
  }
  configOf("--saddr :0 --raddr :1");
  configOf("--saddr 10.0.0.1:5 --raddr 10.0.0.2:5");
});

Deno.test("--election must be three heartbeats or more", () => {
  assert.equal(
    errorOf("--election 100ms --heartbeat 50ms"),
    "--election: 100ms is too short for --heartbeat 50ms; use at least 150ms",
  );
  assert.match(errorOf("--heartbeat 1s"), /at least 3000ms/);
  assert.match(errorOf("--election 2ms"), /--heartbeat 1ms; use at least 3ms/);
  configOf("--heartbeat 100ms");
});

Deno.test("--heartbeat follows a shorter --election, and no longer one", () => {
  const heartbeatOf = (line: string) => configOf(line).node.heartbeatMillis;
  assert.equal(heartbeatOf("--election 100ms"), 33);
  assert.equal(heartbeatOf("--election 3ms"), 1);
  assert.equal(heartbeatOf("--election 5s"), 100);
  assert.equal(heartbeatOf("--election 5s --heartbeat 200ms"), 200);
});

Deno.test("--nonvoter takes no value, may come from the environment, and needs --join", () => {
  const yes = { TICKETD_NONVOTER: "yes" };
  assert.equal(configOf("").node.nonvoter, false);
  for (const flag of ["--nonvoter", "-nonvoter"]) {
    assert.equal(configOf(`--join :1 ${flag} -id 7`).node.nonvoter, true);
    assert.equal(configOf(`${flag} --join :1 --id 7`).id, "7");
    assert.equal(
      errorOf(flag),
      "--nonvoter without --join: the first node of a cluster votes; use --join " +
        "to name members of one",
    );
    assert.match(errorOf(`--join :1 ${flag} yes`), /^"yes" is no flag/);
    assert.equal(configOf(`--join :1 ${flag}=true`).node.nonvoter, true);
    assert.equal(configOf(`--join :1 ${flag}=off`).node.nonvoter, false);
    assert.match(errorOf(`${flag}=`), /^--nonvoter: "" is not allowed/);
    assert.match(errorOf(`--id ${flag}`), /^--id: its value is missing/);
  }
  assert.equal(configOf("--join :1", yes).node.nonvoter, true);
  assert.match(errorOf("", yes), /^TICKETD_NONVOTER without --join: /);
  assert.equal(
    configOf("", { TICKETD_NONVOTER: "no" }).node.nonvoter,
    false,
  );
  assert.equal(
    errorOf("--join :1", { TICKETD_NONVOTER: "YES" }),
    'TICKETD_NONVOTER: "YES" is not allowed; use yes or no',
  );
});

Deno.test("--help fits 80 columns and one screen, with every flag, default and the environment", () => {
  for (const flag of ["--help", "-h", "-help", "--help --id 2"]) {
    const parsed = parse(flag);
    assert.ok(parsed.type === "print");
    const lines = parsed.text.trimEnd().split("\n");
    // 45 lines leave a terminal of 50 its prompt and the command.
    assert.ok(lines.length <= 45 && lines.every((line) => line.length < 80));
    for (const [name] of good) assert.ok(parsed.text.includes(`--${name} `));
    for (const shown of ["(127.0.0.1:11001)", "(300ms)", "TICKETD_ID"]) {
      assert.ok(parsed.text.includes(shown), shown);
    }
  }
});

Deno.test("--version is that of deno.json", () => {
  const text = `ticketd ${deno.version}\n`;
  assert.deepEqual(parse("--version"), { type: "print", text });
  assert.deepEqual(parse("-version"), { type: "print", text });
  assert.deepEqual(parse("version"), { type: "print", text });
  assert.match(errorOf("version 2"), /^version: "2" is too much; usage: /);
});

Deno.test("A Config is frozen through and through", () => {
  const frozen = (value: unknown): boolean =>
    typeof value !== "object" || value === null ||
    (Object.isFrozen(value) && Object.values(value).every(frozen));
  assert.ok(frozen(configOf("--join :1,:2 --saddr :7 --raddr :8")));
});
