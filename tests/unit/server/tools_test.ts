// The words of the command line and what each of them takes: the tasks of the tools, with
// every way to get them wrong.

import assert from "node:assert/strict";
import { parseConfig } from "../../../server/config.ts";
import { words } from "../../../server/words.ts";

/** The arguments of `line`, cut at spaces. */
function parse(line: string, variables: Record<string, string> = {}) {
  return parseConfig(line.split(" "), (name) => variables[name]);
}

function errorOf(line: string): string {
  const parsed = parse(line);
  assert.ok(parsed.type === "error", `${line}: ${JSON.stringify(parsed)}`);
  assert.ok(!parsed.text.includes("\n"), parsed.text);
  return parsed.text;
}

Deno.test("`status` takes one address, or none for that of --saddr, behind deno task's --", () => {
  const cases: [string, string, number][] = [
    ["status", "127.0.0.1", 11001],
    ["status :7", "", 7],
    ["status -- h:7", "h", 7],
    ["status --", "127.0.0.1", 11001],
  ];
  for (const [line, host, port] of cases) {
    const address = { host, port };
    assert.deepEqual(parse(line), { type: "status", address }, line);
  }
});

Deno.test("`status` names what it does not take, and has a help of its own", () => {
  const cases: [string, string][] = [
    ["status h:0", "h:0"],
    ["status 11001", "11001"],
    ["status :1 :2", ":2"],
    ["status :1 :2 :3", ":2"],
  ];
  for (const [line, wrong] of cases) {
    assert.equal(
      errorOf(line),
      `status: "${wrong}" is not allowed; use one HOST:PORT where a node serves ` +
        "clients, such as 127.0.0.1:11001",
    );
  }
  for (const line of ["status --help", "status :1 -h", "status -help"]) {
    const parsed = parse(line);
    assert.ok(parsed.type === "print");
    assert.match(parsed.text, /^Usage: ticketd status \[HOST:PORT\]\n/);
    assert.ok(parsed.text.split("\n").every((line) => line.length < 80));
  }
  const { text } = parse("--help") as { text: string };
  assert.match(text, /^ {2}status \[HOST:PORT\] /m);
});

/** The task of a tool, or what is said instead. */
function taskOf(line: string, variables?: Record<string, string>) {
  const parsed = parse(line, variables);
  assert.ok(parsed.type !== "run" && parsed.type !== "print", line);
  return parsed.type === "error" ? parsed.text : parsed;
}

const toolNode = {
  id: "1",
  idGiven: false,
  dir: "data",
  storage: "auto",
  advertise: "127.0.0.1:12001",
};

Deno.test("`check` and `inspect` take a node and --json, from flags and environment", () => {
  for (const type of ["check", "inspect"] as const) {
    const expected = { type, node: toolNode, json: false };
    assert.deepEqual(taskOf(type), expected);
    assert.deepEqual(
      taskOf(`${type} --json -dir=/d --id 2`, { TICKETD_STORAGE: "kv" }),
      {
        type,
        node: { ...toolNode, id: "2", idGiven: true, dir: "/d", storage: "kv" },
        json: true,
      },
    );
    assert.deepEqual(
      taskOf(type, { TICKETD_ID: "1", TICKETD_RADDR: ":5" }),
      {
        ...expected,
        node: { ...toolNode, idGiven: true, advertise: ":5" },
      },
    );
    assert.equal(
      taskOf(`${type} data`),
      `${type}: "data" is too much; usage: ticketd ${type} [--json] [flags]`,
    );
    assert.equal(
      taskOf(`${type} --jsn`),
      `${type}: unknown flag '--jsn' (Did you mean --json?); ticketd help ${type} lists ` +
        "its flags",
    );
  }
});

Deno.test("`backup` takes an address and a file, with --every a directory", () => {
  const address = { host: "h", port: 7 };
  const once = { everyMillis: undefined, keep: undefined };
  const type = "backup";
  for (const [line, path] of [["", undefined], ["-", undefined], ["f", "f"]]) {
    assert.deepEqual(
      taskOf(`backup h:7 ${line}`.trim()),
      { type, address, path, ...once },
    );
  }
  assert.deepEqual(
    taskOf("backup --every 1h h:7 d --keep 24"),
    { type, address, path: "d", everyMillis: 3_600_000, keep: 24 },
  );
  const usage = "usage: ticketd backup HOST:PORT [FILE]";
  const wrong: [string, string][] = [
    ["backup", `backup: HOST:PORT is missing; ${usage}`],
    ["backup h:7 ", `backup: the name of FILE is missing; ${usage}`],
    ["backup h:7 a b", `backup: "b" is too much; ${usage}`],
    [
      "backup f",
      'backup: "f" is not allowed; use HOST:PORT where a node serves clients, such as ' +
      "127.0.0.1:11001",
    ],
    [
      "backup h:7 --every 1h",
      `backup: the directory for --every is missing; ${usage}`,
    ],
    [
      "backup h:7 f --keep 2",
      "--keep without --every: one backup is one file",
    ],
    [
      "backup h:7 f --every 1d",
      '--every: "1d" is not allowed; use a duration from 1s to 24h, such as 300s, 5m or 1h',
    ],
    [
      "backup h:7 f --every 1h --keep 0",
      '--keep: "0" is not allowed; use a number from 1 to 999999',
    ],
  ];
  for (const [line, text] of wrong) assert.equal(taskOf(line), text);
});

Deno.test("`restore` takes a file, a node, and exactly one of --skip, --above and --exact", () => {
  const restored = { type: "restore", path: "f", node: toolNode };
  const bounds: [string, unknown][] = [
    ["--skip 0", { type: "skip", count: 0n }],
    ["--above 18446744073709551615", { type: "above", count: 2n ** 64n - 1n }],
    ["--exact", { type: "exact" }],
    ["--exact=no --skip=7", { type: "skip", count: 7n }],
  ];
  for (const [flags, bound] of bounds) {
    assert.deepEqual(taskOf(`restore f ${flags}`), { ...restored, bound });
  }
  assert.deepEqual(taskOf("restore f --exact --advertise h:1 --id 1"), {
    ...restored,
    node: { ...toolNode, idGiven: true, advertise: "h:1" },
    bound: { type: "exact" },
  });
  const usage =
    "usage: ticketd restore FILE (--skip N | --above N | --exact) [flags]";
  assert.equal(
    taskOf("restore --exact"),
    `restore: FILE is missing; ${usage}`,
  );
  assert.equal(
    taskOf("restore f"),
    `restore: --skip or --above is missing; ${usage}`,
  );
  const pairs = ["--skip 1 --above 2", "--above 2 --exact", "--exact --skip 1"];
  for (const pair of pairs) {
    assert.match(
      String(taskOf(`restore f ${pair}`)),
      /^restore: --\w+ and --\w+ contradict each other; use one$/,
    );
  }
});

Deno.test("A count is a whole decimal number up to 2^64 - 1", () => {
  for (
    const text of ["18446744073709551616", "-1", "01", "1.5", "1e3", "", "٣"]
  ) {
    assert.equal(
      taskOf(`recover --skip=${text}`),
      `--skip: "${text}" is not allowed; use a number from 0 to 18446744073709551615`,
    );
  }
});

Deno.test("`recover` takes a node, --skip and --yes", () => {
  const type = "recover";
  assert.deepEqual(
    taskOf("recover --skip 1000 --dir d"),
    { type, node: { ...toolNode, dir: "d" }, skip: 1000n, yes: false },
  );
  assert.deepEqual(
    taskOf("recover --yes --skip 0"),
    { type, node: toolNode, skip: 0n, yes: true },
  );
  assert.equal(
    taskOf("recover --yes", { TICKETD_SKIP: "7" }),
    "recover: --skip is missing; usage: ticketd recover --skip N [--yes] [flags]",
  );
});

Deno.test("A flag of one word is refused by the others", () => {
  for (const line of ["check --skip 1", "status --id 1", "inspect --yes"]) {
    const [word, flag] = line.split(" ");
    assert.equal(
      taskOf(line),
      `${word}: unknown flag '${flag}'; ticketd help ${word} lists its flags`,
    );
  }
  assert.match(errorOf("serve --skip 1"), /^unknown flag '--skip'/);
});

Deno.test("An unknown word names the nearest, and a word behind flags is told its place", () => {
  const cases: [string, string][] = [
    ["sttus", "unknown command 'sttus' (Did you mean status?)"],
    ["server", "unknown command 'server' (Did you mean serve?)"],
    ["sevre -id 1", "unknown command 'sevre' (Did you mean serve?)"],
    ["help recove", "unknown command 'recove' (Did you mean recover?)"],
    ["x", "unknown command 'x'"],
    [":11001", "unknown command ':11001'"],
  ];
  for (const [line, text] of cases) {
    assert.equal(errorOf(line), `${text}; ticketd help lists all`);
  }
  assert.equal(
    errorOf("--dir d check"),
    "'check' stands behind other arguments; write it first: ticketd check [--json] [flags]",
  );
});

Deno.test("`serve` is what no word is", () => {
  assert.deepEqual(parse("serve"), parseConfig([], () => undefined));
  assert.deepEqual(parse("serve --id 2"), parse("--id 2"));
});

Deno.test("Each word has a help of its own, by `help WORD` and by --help, within 80 columns", () => {
  const whole = parse("--help");
  assert.deepEqual(parse("help"), whole);
  for (const word of Object.keys(words)) {
    const help = parse(`help ${word}`);
    assert.ok(help.type === "print", word);
    assert.deepEqual(parse(`${word} --help`), help);
    assert.deepEqual(parse(`${word} x --nonsense -h`), help);
    assert.ok(help.text.split("\n").every((line) => line.length < 80), word);
    if (word === "serve") assert.deepEqual(help, whole);
    else assert.ok(help.text.startsWith(`Usage: ticketd ${word}`), word);
  }
  assert.match(errorOf("help a b"), /^help: "b" is too much; usage: /);
});
