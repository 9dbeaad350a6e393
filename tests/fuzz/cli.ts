// Command lines and environments, against `server/config.ts`: right ones in every spelling,
// which must mean what was written, and wrong ones of every kind, which must be answered
// in one line.

import assert from "node:assert/strict";
import fc from "fast-check";
import { sequencesMaxLimit } from "../../base/sequence_name.ts";
import deno from "../../deno.json" with { type: "json" };
import { parseAddress } from "../../base/address.ts";
import { type Config, parseConfig } from "../../server/config.ts";
import { flags as flagTable, type Name } from "../../server/flags.ts";
import type { ToolNode } from "../../admin/node_place.ts";
import { flagOf, words } from "../../server/words.ts";
import { type Target, target } from "./target.ts";

const flags: readonly string[] = Object.keys(flagTable);

function variableOf(flag: string): string {
  return `TICKETD_${flag.toUpperCase().replaceAll("-", "_")}`;
}

// Any command line

const addresses = [
  ...[":1", ":0", ":65535", ":65536", ":99999", ":00001", ":123456", "[]:5"],
  ...["127.0.0.1:11001", "localhost:12001", "0.0.0.0:7", "[::1]:5", "[::]:5"],
  ...["::1:5", "h:65536", "h h:1", `${"h".repeat(260)}:1`, "host", "11001"],
];
const durations = [
  ..."1ms 50ms 60s 60000ms 20s 180ms 0ms 0.5ms 0.0005s 60.001s 61s 60001ms"
    .split(" "),
  ..."300 1e3ms -1ms 999999s 9999999ms １ms Infinity NaN 1m".split(" "),
];
/** For each flag, values within its limits and right beyond. */
const near: Readonly<Record<Name, readonly string[]>> = {
  id: ["1", "..", ".", "...", "a/b", "é", "x".repeat(64), "x".repeat(65), "-"],
  saddr: addresses,
  raddr: addresses,
  advertise: addresses,
  "advertise-clients": addresses,
  join: [...addresses, ":1,:2", ",", " , ", ":1,", "a:1, b:2", "a:1,\nb:2"],
  "bootstrap-expect": ["1", "2", "9", "0", "10", "02", "-1", "1.0", "three"],
  dir: ["data", "/", "a/", " ", "é", "a\nb", "--", "-h"],
  durability: ["high", "HIGH", "medium", "low", "none"],
  storage: ["file", "kv", "auto", "memory"],
  heartbeat: durations,
  election: durations,
  ahead: ["auto", "0", "1", "1048576", "1048577", "00", "-1", "1e3", "off"],
  forward: ["yes", "no", "moved", "YES"],
  timeout: durations,
  "max-clients": ["1", "999999", "0", "1000000", "010", "-1", "1e3", "many"],
  "max-sequences": ["1", "250000", "0", "250001", "010", "-1", "1e3", "many"],
  "client-memory": ["16MB", "64GB", "15MB", "65GB", "1024mb", "64", "1.5GB"],
  "client-idle": ["off", "1s", "24h", "0s", "25h", "1440m", "on", "60"],
  keepalive: ["0", "1s", "24h", "0s", "25h", "1440m", "off", "60"],
  "io-threads": ["1", "16", "0", "17", "01", "1.0", "-1", "1e1", "one"],
  "log-level": ["debug", "info", "warning", "error", "warn"],
  "log-format": ["text", "json", "yaml"],
  nonvoter: ["yes", "no", "YES", "true", "0", "off"],
  config: ["", "none", "toml", "--config", " "],
};
const values = fc.oneof(
  fc.constantFrom(...Object.values(near).flat()),
  fc.constantFrom(
    ...["", " ", "--", "-1", "--id", "--help", "-h", "==", "a\nb", "a\rb"],
    ...["18446744073709551616", "__proto__", "constructor", "toString"],
  ),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 12 }),
);
/** A flag and a value that may well be meant for it. */
const fitting = fc.constantFrom(
  ...Object.entries(near).flatMap(([flag, values]) =>
    values.map((value) => [flag, value] as const)
  ),
);
const flag = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...flags) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...["help", "version", "h", "no-id", "ID", "sadr", "__proto__", "i"],
      ...["constructor", "to-string", "log", "log-", "", "é", "a\nb"],
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
);
const dashes = fc.constantFrom("--", "--", "-", "---", "");
/** Files with settings or values; only two of them exist. */
const filed: string[][] = [
  ...["toml", "none", "value"].map((path) => ["--config", path]),
  ...flags.flatMap((flag) =>
    ["value", "none", "toml"].map((path) => [`--${flag}-file`, path])
  ),
];
/** Flags that only tools take, with values within their limits and right beyond. */
const counted: string[][] = [
  ...["0", "1", "18446744073709551615", "18446744073709551616", "01", "-1"]
    .flatMap((count) => [["--skip", count], [`--above=${count}`]]),
  ...["1s", "24h", "0s", "25h", "1d"].map((time) => ["--every", time]),
  ...["1", "999999", "0", "1000000"].map((count) => ["--keep", count]),
  ...["", "=yes", "=0", "=", "=YES"].flatMap((value) =>
    ["exact", "yes", "json"].map((flag) => [`--${flag}${value}`])
  ),
  ["file.backup"],
];
const someArgs = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fitting, fc.boolean()).map(([[flag, value], whole]) =>
      whole ? [`--${flag}=${value}`] : [`--${flag}`, value]
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(dashes, flag, values).map(([dash, flag, value]) => [
      dash + flag,
      value,
    ]),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(dashes, flag, values).map(([dash, flag, value]) => [
      `${dash}${flag}=${value}`,
    ]),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(dashes, flag).map(([dash, flag]) => [dash + flag]),
  },
  { weight: 1, arbitrary: values.map((value) => [value]) },
  { weight: 1, arbitrary: fc.constantFrom(...filed) },
);
/** Mostly few: the first fault hides the others. */
const flagged = fc.array(someArgs, { maxLength: 4, size: "max" })
  .map((some) => some.flat());
const args = fc.oneof(
  { weight: 9, arbitrary: flagged },
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(...Object.keys(words)) },
        { weight: 1, arbitrary: values },
      ),
      fc.array(
        fc.oneof(
          fc.constantFrom(...addresses).map((address) => [address]),
          fc.constantFrom(...counted),
          someArgs,
        ),
        { maxLength: 4, size: "max" },
      ),
    ).map(([word, more]) => [word, ...more.flat()]),
  },
);
const environment = fc.array(
  fc.oneof(fitting, fc.tuple(fc.constantFrom(...flags), values)),
  { maxLength: 2 },
).map((some) =>
  Object.fromEntries(
    some.map(([flag, value]) => [variableOf(flag), value]),
  ) as Readonly<Record<string, string>>
);

function isFrozen(value: unknown): boolean {
  return typeof value !== "object" || value === null ||
    (Object.isFrozen(value) && Object.values(value).every(isFrozen));
}

function assertInRange({ id, clientListen, storage, node }: Config): void {
  assert.match(id, /^(?!\.\.?$)[A-Za-z0-9._-]{1,64}$/);
  assert.equal(node.id, id);
  for (const { host, port } of [clientListen, node.raftListen]) {
    assert(Number.isInteger(port) && port >= 0 && port <= 65_535, `${port}`);
    assert(host.length <= 255 && !/\s/.test(host), host);
  }
  assert(node.raftListen.port > 0, "a raft port that nobody knows");
  assert(["file", "kv", "auto"].includes(storage), storage);
  assert((parseAddress(node.advertise)?.port ?? 0) > 0, node.advertise);
  // Its port may be 0, as that of --saddr: `main.ts` learns which it is.
  assert(parseAddress(node.clientAddress), node.clientAddress);
  assert(node.expect >= 1 && node.expect <= 9, `${node.expect}`);
  assert(node.expect === 1 || node.join.length > 0, "nobody to found with");
  for (const member of node.join) {
    assert((parseAddress(member)?.port ?? 0) > 0, member);
  }
  assert(node.directory?.endsWith(`/${id}`), node.directory);
  assert(["high", "medium", "low"].includes(node.durability));
  for (const millis of [node.heartbeatMillis, node.electionMillis]) {
    assert(Number.isInteger(millis) && millis >= 1 && millis <= 60_000);
  }
  assert(node.electionMillis >= 3 * node.heartbeatMillis);
  assert(node.aheadMax >= 0 && node.aheadMax <= 2 ** 20);
  assert(node.sequencesMax >= 1 && node.sequencesMax <= sequencesMaxLimit);
  assert(["debug", "info", "warning", "error"].includes(node.logLevel));
  assert(["text", "json"].includes(node.logFormat));
}

function assertNodeInRange({ id, dir, storage, advertise }: ToolNode): void {
  assert.match(id, /^(?!\.\.?$)[A-Za-z0-9._-]{1,64}$/);
  assert(dir !== "");
  assert(["file", "kv", "auto"].includes(storage), storage);
  assert((parseAddress(advertise)?.port ?? 0) > 0, advertise);
}

/** Keys and values of a file, fitting or not. */
const toml = fc.array(
  fc.oneof(
    fitting.map(([flag, value]) => `${flag} = ${quoted(value)}`),
    fc.constantFrom(
      ...["id = 1", "nonvoter = true", 'join = ["a:1", "b:2"]', "join = []"],
      ...["ahead = 1e3", "id = 1979-05-27", "[id]", "[[x]]", "id.x = 1", "="],
      ...["id-file = 'value'", "config = 'toml'", "'a' = 1", "id = '''\n"],
    ),
    fc.tuple(flag, values).map(([key, value]) => `${key} = ${value}`),
  ),
  { maxLength: 4 },
).map((lines) => lines.join("\n"));
const someText = fc.string({ unit: "binary", maxLength: 40 });

/** As a TOML string: JSON leaves DEL as it is. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}

const any = target({
  name: "cli/any",
  claim:
    "parseConfig() gives a frozen Config within its limits, or one line that names what is wrong",
  weight: 100,
  inputs: fc.record({ args, environment, toml: fc.oneof(toml, someText) }),
}, ({ args, environment, toml }) => {
  const parsed = parseConfig(args, (name) => environment[name], {
    readFile: (path) => {
      if (path === "toml") return toml;
      if (path === "value") return "1\n";
      throw new Error("does not exist");
    },
  });
  if (parsed.type === "run") {
    assert(isFrozen(parsed.config), "not frozen");
    return assertInRange(parsed.config);
  }
  if (parsed.type === "print") {
    return assert(
      args.some((arg) => /^-{1,2}(h|help|version)/.test(arg)) ||
        args[0] === "help" || args[0] === "version",
      "printed what nobody asked for",
    );
  }
  if (parsed.type !== "error") {
    assert.equal(args[0], parsed.type);
    if (!("address" in parsed)) return assertNodeInRange(parsed.node);
    return assert(parsed.address.port > 0, "a port that nobody serves on");
  }
  const { text } = parsed;
  assert(!/[\n\r]/.test(text), `more than one line: ${text}`);
  if (/^toml:/.test(text)) return;
  const fault = text.replace(/; (--help|ticketd help) .*$|; usage: .*$/, "");
  const variables = Object.keys(environment);
  const byFlag = flags.filter((flag) =>
    variables.includes(variableOf(flag)) || toml.includes(flag)
  );
  const given = [...args, ...variables, ...byFlag].map((arg) =>
    arg.replace(/^--?/, "").replace(/=[^]*/, "").trim()
      .replace(/\s*[\n\r]\s*/g, " ")
  );
  const names = given.some((word) => fault.includes(word)) ||
    args.some((arg) => fault.includes(JSON.stringify(arg)));
  assert(names, `names nothing that was given: ${text}`);
});

// Right ones

/** A value in one of its spellings, and what it means. */
type Spelled<T> = { readonly text: string; readonly means: T };

const host = fc.constantFrom("", "127.0.0.1", "localhost", "::1", "10.0.0.7");

function addressIn(from: number): fc.Arbitrary<Spelled<[string, number]>> {
  return fc.tuple(host, fc.nat(999), fc.boolean()).map(([host, port, long]) => {
    const digits = String(from + port).padStart(long ? 5 : 1, "0");
    const shown = host.includes(":") ? `[${host}]` : host;
    return { text: `${shown}:${digits}`, means: [host, from + port] };
  });
}

/** `millis` as milliseconds or as seconds, with or without zeros that mean nothing. */
function duration(least: number): fc.Arbitrary<Spelled<number>> {
  return fc.tuple(fc.integer({ min: least, max: 60_000 }), fc.nat(3)).map(
    ([millis, spelling]) => ({
      text: [
        `${millis}ms`,
        `${millis / 1000}s`,
        `${(millis / 1000).toFixed(6)}s`,
        `${String(millis).padStart(6, "0")}.0ms`,
      ][spelling]!,
      means: millis,
    }),
  );
}

function oneOf<T extends string>(...texts: T[]): fc.Arbitrary<Spelled<T>> {
  return fc.constantFrom(...texts).map((text) => ({ text, means: text }));
}

const plain = (text: string) => ({ text, means: text });
const idCharacter = fc.constantFrom(..."abzAZ09._-");
const directory = fc.oneof(
  fc.constantFrom("data", "/", "/var/lib/t/", "-data", "-d", "é ü", "--dir-x"),
  fc.string({ unit: "binary", minLength: 1, maxLength: 12 }),
  // A value that looks like a flag is taken for one whose own value was forgotten.
).filter((text) => !/^--?[a-z-]+/.test(text) || !isFlag(text)).map(plain);

function isFlag(text: string): boolean {
  return flagOf(/^--?([a-z-]+)/.exec(text)?.[1] ?? "") !== undefined;
}

const heartbeatMax = 20_000;
const right = fc.record(
  {
    id: fc.string({ unit: idCharacter, minLength: 1, maxLength: 64 })
      .filter((id) => id !== "." && id !== ".." && !isFlag(id)).map(plain),
    saddr: addressIn(1000),
    raddr: addressIn(2000),
    join: fc.array(addressIn(3000), { maxLength: 3 }).map((members) => ({
      text: members.map(({ text }) => text).join(", "),
      means: members.map(({ text }) => text),
    })),
    "bootstrap-expect": fc.integer({ min: 1, max: 9 })
      .map((means) => ({ text: `${means}`, means })),
    dir: directory,
    durability: oneOf("high", "medium", "low"),
    storage: oneOf("file", "kv", "auto"),
    advertise: addressIn(4000).filter(({ means: [host] }) => host !== ""),
    "advertise-clients": addressIn(5000).filter(({ means: [host] }) =>
      host !== ""
    ),
    heartbeat: duration(1).filter(({ means }) => means <= heartbeatMax),
    election: duration(3 * heartbeatMax),
    ahead: fc.oneof(
      fc.constant({ text: "auto", means: 2 ** 20 }),
      fc.integer({ min: 0, max: 2 ** 20 })
        .map((means) => ({ text: `${means}`, means })),
    ),
    forward: oneOf("yes", "no", "moved"),
    timeout: duration(1),
    "max-clients": fc.integer({ min: 1, max: 999_999 })
      .map((means) => ({ text: `${means}`, means })),
    "max-sequences": fc.integer({ min: 1, max: sequencesMaxLimit })
      .map((means) => ({ text: `${means}`, means })),
    "client-memory": fc.integer({ min: 16, max: 64 * 1024 })
      .map((size) => ({ text: `${size}MB`, means: size * 1024 * 1024 })),
    "client-idle": fc.oneof(
      fc.constant({ text: "off", means: Infinity }),
      fc.integer({ min: 1, max: 1440 })
        .map((size) => ({ text: `${size}m`, means: 60 * size })),
    ),
    keepalive: fc.oneof(
      fc.constant({ text: "0", means: 0 }),
      fc.integer({ min: 1, max: 86_400 })
        .map((means) => ({ text: `${means}s`, means })),
    ),
    "io-threads": fc.integer({ min: 1, max: 16 })
      .map((means) => ({ text: `${means}`, means })),
    "log-level": oneOf("debug", "info", "warning", "error"),
    "log-format": oneOf("text", "json"),
    nonvoter: fc.boolean(),
    // It holds some of the others.
    config: fc.constant(plain("toml")),
  } satisfies Record<Name, unknown>,
).map(({ nonvoter, ...flags }) => {
  // Only a node that joins may want no vote.
  const means = nonvoter && flags.join.means.length > 0;
  // Several nodes name each other, and all of them vote.
  const mayExpect = !means && flags["bootstrap-expect"].means >= 3 &&
    flags.join.means.length > 0;
  return {
    ...flags,
    "bootstrap-expect": mayExpect
      ? flags["bootstrap-expect"]
      : { text: "1", means: 1 },
    nonvoter: { text: means ? "true" : "off", means },
  };
});

/** How each flag is given: as a variable, a flag, a key of a file, or a file's content. */
const ways = fc.array(fc.nat(7), {
  minLength: flags.length,
  maxLength: flags.length,
});

const meant = target({
  name: "cli/meant",
  claim:
    "parseConfig() takes every right value in every spelling for what is meant",
  weight: 50,
  inputs: fc.record({ right, ways }),
}, ({ right, ways }) => {
  const args: string[] = [];
  const variables: Record<string, string> = {};
  const lines: string[] = [];
  const files: Record<string, string> = {};
  Object.entries(right).forEach(([flag, { text }], i) => {
    const way = flag === "config" ? ways[i]! % 2 : ways[i];
    if (flag === "nonvoter" && (way === 1 || way === 2)) {
      args.push(`${way === 1 ? "-" : "--"}nonvoter=${text}`);
      return;
    }
    // A file may end with a newline, which is not part of the value.
    files[flag] = text.endsWith("\r") ? text : `${text}\n`;
    switch (way) {
      case 0:
        variables[variableOf(flag)] = text;
        break;
      case 1:
        args.push(`--${flag}`, text);
        break;
      case 2:
        args.push(`-${flag}`, text);
        break;
      case 3:
        args.push(`--${flag}=${text}`);
        break;
      case 4:
        args.push(`-${flag}=${text}`);
        break;
      case 5:
        lines.push(`${flag} = ${quoted(text)}`);
        break;
      case 6:
        lines.push(`${flag}-file = "${flag}"`);
        break;
      default:
        variables[`${variableOf(flag)}_FILE`] = flag;
    }
  });
  files.toml = lines.join("\n");
  const parsed = parseConfig(args, (name) => variables[name], {
    readFile: (path) => files[path]!,
  });
  assert(parsed.type === "run", parsed.type === "error" ? parsed.text : "");
  const { id, dir } = right;
  const listen = ([host, port]: [string, number]) => ({ host, port });
  assert.deepEqual(parsed.config, {
    id: id.means,
    clientListen: listen(right.saddr.means),
    storage: right.storage.means,
    timeoutMillis: right.timeout.means,
    ioThreads: right["io-threads"].means,
    ownInJoin: [],
    limits: {
      clientsMax: right["max-clients"].means,
      memoryMax: right["client-memory"].means,
      idleSeconds: right["client-idle"].means,
      keepAliveSeconds: right.keepalive.means,
    },
    node: {
      id: id.means,
      raftListen: listen(right.raddr.means),
      advertise: right.advertise.text,
      clientAddress: right["advertise-clients"].text,
      version: deno.version,
      join: right.join.means,
      expect: right["bootstrap-expect"].means,
      joinTimeoutMillis: 60_000,
      nonvoter: right.nonvoter.means,
      directory: `${dir.means}${dir.means.endsWith("/") ? "" : "/"}${id.means}`,
      durability: right.durability.means,
      heartbeatMillis: right.heartbeat.means,
      electionMillis: right.election.means,
      forward: right.forward.means,
      aheadMax: right.ahead.means,
      sequencesMax: right["max-sequences"].means,
      lends: right["io-threads"].means === 1,
      logLevel: right["log-level"].means,
      logFormat: right["log-format"].means,
    },
  });
});

export const cliTargets: readonly Target[] = [any, meant];
