// Where the value of a flag comes from: the command line, the environment, a file of settings,
// or a file with one value; and every way to get a file wrong.

import assert from "node:assert/strict";
import { parseConfig } from "../../../server/config.ts";
import { flags } from "../../../server/flags.ts";

type Given = {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
};

/** The task of `line`, cut at spaces, where there are `files` by their paths. */
function parse(line: string, { env = {}, files = {} }: Given = {}) {
  const args = line === "" ? [] : line.split(" ");
  return parseConfig(args, (name) => env[name], {
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error("does not exist; name a file");
      return text;
    },
  });
}

function configOf(line: string, given?: Given) {
  const parsed = parse(line, given);
  assert.ok(parsed.type === "run", `${line}: ${JSON.stringify(parsed)}`);
  return parsed.config;
}

function errorOf(line: string, given?: Given): string {
  const parsed = parse(line, given);
  assert.ok(parsed.type === "error", `${line}: ${parsed.type}`);
  assert.ok(!parsed.text.includes("\n"), parsed.text);
  return parsed.text;
}

/** The fault of a start with the settings `toml`. */
function faultIn(toml: string): string {
  return errorOf("--config t.toml", { files: { "t.toml": toml } });
}

Deno.test("A file of settings has the names of flags as its keys, and values of any fitting type", () => {
  const files = {
    "t.toml": `# A comment
id = 7
saddr = ":18601"
join = ["a:1", "b:2"]
nonvoter = true
forward = false
io-threads = 4
'election' = "1s"
client-idle = "5m"
`,
  };
  const ways: [string, Given][] = [
    ["--config t.toml", { files }],
    ["", { files, env: { TICKETD_CONFIG: "t.toml" } }],
  ];
  for (const [line, given] of ways) {
    const config = configOf(line, given);
    assert.equal(config.id, "7");
    assert.deepEqual(config.clientListen, { host: "", port: 18601 });
    assert.deepEqual(config.node.join, ["a:1", "b:2"]);
    assert.equal(config.node.nonvoter, true);
    assert.equal(config.node.forward, "no");
    assert.equal(config.ioThreads, 4);
    assert.equal(config.node.electionMillis, 1000);
    assert.equal(config.limits.idleSeconds, 300);
  }
  const join = (toml: string) =>
    configOf("--config t", { files: { t: toml } }).node.join;
  assert.deepEqual(join('join = "a:1, b:2"'), ["a:1", "b:2"]);
  assert.deepEqual(join("join = []"), []);
  assert.deepEqual(join(""), []);
});

Deno.test("A flag wins over its variable, and that over the file", () => {
  const files = { "t.toml": 'id = "file"\ndir = "d"', one: "content\n" };
  const env = { TICKETD_ID: "env", TICKETD_CONFIG: "t.toml" };
  assert.equal(configOf("--id line", { files, env }).id, "line");
  assert.equal(configOf("", { files, env }).id, "env");
  assert.equal(
    configOf("--config t.toml", { files, env: { TICKETD_ID: "" } }).id,
    "file",
  );
  assert.equal(configOf("", { files, env }).node.directory, "d/env");
  // The same between a value and a file that holds it.
  assert.equal(configOf("--id-file one", { files, env }).id, "content");
  assert.equal(
    configOf("--id line", { files, env: { TICKETD_ID_FILE: "none" } }).id,
    "line",
  );
});

Deno.test("Tools find their node in the same file", () => {
  const files = { t: 'id = "2"\ndir = "/d"\nsaddr = ":1"\nraddr = ":5"' };
  assert.deepEqual(parse("check --config t --dir /e", { files }), {
    type: "check",
    node: {
      id: "2",
      idGiven: true,
      dir: "/e",
      storage: "auto",
      advertise: ":5",
    },
    json: false,
  });
  // It asks a node, and has none itself.
  assert.equal(
    parse("status", { env: { TICKETD_CONFIG: "none" } }).type,
    "status",
  );
});

Deno.test("An unknown key is named with its line, and with the nearest", () => {
  const cases: [string, string][] = [
    ['\nsadr = ":1"', 't.toml:2: unknown key "sadr" (Did you mean saddr?)'],
    [
      "log_level = 1",
      't.toml:1: unknown key "log_level" (Did you mean log-level?)',
    ],
    ["[raft]\nid = 1", 't.toml:1: unknown key "raft"'],
    ["[[x]]", 't.toml:1: unknown key "x"'],
    ['"a\\nb" = 1', 't.toml: unknown key "a\\nb"'],
    ['config = "u"', 't.toml:1: unknown key "config"'],
    ["skip = 1", 't.toml:1: unknown key "skip"'],
    ["config-file = 1", 't.toml:1: unknown key "config-file"'],
    ["__proto__ = 1", 't.toml:1: unknown key "__proto__"'],
    ["constructor = 1", 't.toml:1: unknown key "constructor"'],
    ["dir = '''\nx = 1'''\nx = 1", 't.toml: unknown key "x"'],
  ];
  for (const [toml, text] of cases) {
    const fault = faultIn(toml);
    assert.ok(fault.startsWith(text), fault);
    assert.ok(fault.endsWith("; --help lists the flags, which are the keys"));
  }
});

Deno.test("A value of a wrong type or range is named with key and line", () => {
  const cases: [string, RegExp][] = [
    ["id = 1979-05-27", /^t\.toml:1: id: a date is not allowed; use 1 to 64/],
    ["\n\nid = ['1']", /^t\.toml:3: id: an array is not allowed; use 1 to 64/],
    ["[id]\nx = 1", /^t\.toml:1: id: a table is not allowed; use 1 to 64/],
    ["id.x = 1", /^t\.toml:1: id: a table is not allowed; use 1 to 64/],
    ["join = [[1]]", /^t\.toml:1: join: an array of other things than texts /],
    ["join-file = ['a:1']", /^t\.toml:1: join-file: an array .*path of a file/],
    ["join = ['a']", /^t\.toml:1: join: "a" is not allowed; use addresses/],
    ["dir = ''\nid = 'a/b'", /^t\.toml:2: id: "a\/b" is not allowed; use 1 to/],
    ["io-threads = 99", /^t\.toml:1: io-threads: "99" is not allowed; use a/],
    ["timeout = 10", /^t\.toml:1: timeout: "10" .*use a duration/],
    [
      "ahead = 9007199254740993",
      /^t\.toml:1: ahead: "9007199254740993" is not/,
    ],
    ["ahead = nan", /^t\.toml:1: ahead: "NaN" is not allowed/],
    ["nonvoter = true", /^t\.toml:1: nonvoter without --join: /],
  ];
  for (const [toml, text] of cases) assert.match(faultIn(toml), text);
});

Deno.test("What is no TOML is named with its line", () => {
  const cases: [string, RegExp][] = [
    ["id = 1\nid = 2", /^t\.toml:2: no TOML: /],
    ["\n\nid = :1", /^t\.toml:3: no TOML: /],
    ["--id 1", /^t\.toml:1: no TOML: /],
    ["id = 'x", /^t\.toml:1: no TOML: /],
    ["id = " + "[".repeat(5000), /^t\.toml:1: no TOML: /],
  ];
  for (const [toml, text] of cases) assert.match(faultIn(toml), text);
});

Deno.test("A file of settings that cannot be read is a fault, whoever names it", () => {
  const reason = "does not exist; name a file";
  assert.equal(errorOf("--config x"), `--config: "x" ${reason}`);
  assert.equal(
    errorOf("", { env: { TICKETD_CONFIG: "x" } }),
    `TICKETD_CONFIG: "x" ${reason}`,
  );
  assert.equal(
    errorOf("--config a\nb", { files: { "a\nb": "x = 1" } }),
    'a b:1: unknown key "x"; --help lists the flags, which are the keys',
  );
  assert.match(errorOf("--config="), /^--config: "" is not allowed; use the/);
  assert.match(errorOf("--config --id 2"), /^--config: its value is missing/);
  assert.match(
    errorOf("--config-file x"),
    /^unknown flag '--config-file'/,
  );
});

Deno.test("Any value may be the content of a file, without the newline at its end", () => {
  const contents: [string, string][] = [
    ["2", "2"],
    ["2\n", "2"],
    ["2\r\n", "2"],
  ];
  for (const [text, id] of contents) {
    const files = { one: text, t: "id-file = 'one'" };
    assert.equal(configOf("--id-file one", { files }).id, id);
    assert.equal(configOf("-id-file=one", { files }).id, id);
    const env = { TICKETD_ID_FILE: "one" };
    assert.equal(configOf("", { files, env }).id, id);
    assert.equal(configOf("--config t", { files }).id, id);
  }
  for (const name of Object.keys(flags).filter((name) => name !== "config")) {
    assert.equal(
      errorOf(`--${name}-file x`),
      `--${name}-file: "x" does not exist; name a file`,
    );
    assert.equal(
      errorOf(`--${name}-file`),
      `--${name}-file: its value is missing; use the path of a file`,
    );
  }
  const files = { yes: "yes\n" };
  const nonvoter = configOf("--join :1 --nonvoter-file yes", { files });
  assert.equal(nonvoter.node.nonvoter, true);
});

Deno.test("A wrong value in a file is named with flag and file, and cut when it is long", () => {
  const files = {
    one: "a/b\n",
    two: "2\n\n",
    long: "/".repeat(5000),
    none: "",
  };
  const expected: [string, string][] = [
    ["one", '--id-file one: "a/b" is not'],
    ["two", '--id-file two: "2\\n" is not'],
    ["none", '--id-file none: "" is not'],
    ["long", `--id-file long: "${"/".repeat(300)}…" is not`],
  ];
  for (const [path, text] of expected) {
    const fault = errorOf(`--id-file ${path}`, { files });
    assert.ok(fault.startsWith(text), fault);
  }
});

Deno.test("A value and a file with the value contradict each other, where both stand", () => {
  const files = { one: "1", t: "id = 1\nid-file = 'one'" };
  const env = { TICKETD_ID: "1", TICKETD_ID_FILE: "one" };
  const both: [string, Given, string][] = [
    ["--id 1 --id-file one", {}, "--id and --id-file: "],
    ["", { env }, "TICKETD_ID and TICKETD_ID_FILE: "],
    ["--config t", {}, "t:1: id and t:2: id-file: "],
  ];
  for (const [line, given, text] of both) {
    assert.equal(
      errorOf(line, { files, ...given }),
      `${text}use one of the two`,
    );
  }
});

Deno.test("A file is read once: the other end of a pipe writes once", () => {
  const read: string[] = [];
  const args = ["--advertise-file", "p", "--config", "q"];
  const parsed = parseConfig(args, () => undefined, {
    readFile: (path) => {
      read.push(path);
      return path === "p" ? "h:2\n" : "raddr = ':5'\n";
    },
  });
  assert.ok(parsed.type === "run" && parsed.config.node.advertise === "h:2");
  assert.deepEqual(read.toSorted(), ["p", "q"]);
});
