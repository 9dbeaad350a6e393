// The command line and the data directory as a user meets them: every flag takes effect, and
// every mistake gives one clear line and its exit code, and changes nothing.

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { unprivileged, unprivilegedNeeds } from "../lib/unprivileged.ts";
import { contents, e2e, type Lab, misused, refused } from "../lib/harness.ts";
import { repository, type Server } from "../lib/server.ts";

e2e(
  "Flags take one dash or two, and every flag may come from the environment",
  async (lab) => {
    const dashed = lab.server({
      args: ({ port, raftPort }) => [
        ...["-id", "seven", `-saddr=127.0.0.1:${port}`],
        ...["--raddr", `127.0.0.1:${raftPort}`, `--dir=${lab.directory}`],
        ...["-log-format", "json", "-durability", "low"],
      ],
    });
    dashed.spawn();
    await dashed.logged(/"source":"server","text":"serves clients/);
    assert.equal(await dashed.ticket(), 1n);
    await dashed.stop();
    for (const line of dashed.log.trimEnd().split("\n")) JSON.parse(line);

    const { port, raftPort } = dashed;
    const bare = lab.server({
      args: () => [],
      env: {
        TICKETD_ID: "seven",
        TICKETD_SADDR: `127.0.0.1:${port}`,
        TICKETD_RADDR: `127.0.0.1:${raftPort}`,
        TICKETD_DIR: lab.directory,
        TICKETD_LOG_LEVEL: "error",
      },
    });
    bare.spawn();
    await lab.serves(port);
    assert.equal(await dashed.ticket(), 2n);
    await bare.stop();
    assert.equal(bare.log, "");
  },
);

e2e(
  "Settings come from a file, a value from a file of its own, and a misspelt variable is told",
  async (lab) => {
    const values = await Deno.makeTempDir();
    try {
      const node = lab.server({
        args: ({ port, raftPort }) => {
          const lines = [
            `saddr = "127.0.0.1:${port}"`,
            `raddr = "127.0.0.1:${raftPort}"`,
            `dir = ${JSON.stringify(lab.directory)}`,
            `log-level = "warn"`,
          ];
          Deno.writeTextFileSync(`${values}/t.toml`, lines.join("\n"));
          Deno.writeTextFileSync(`${values}/id`, "seven\n");
          return ["serve", "--config", `${values}/t.toml`];
        },
        env: { TICKETD_ID_FILE: `${values}/id`, TICKETD_SADR: ":1" },
      });
      node.spawn();
      await lab.serves(node.port);
      assert.equal(await node.ticket(), 1n);
      await node.stop();
      assert.match(
        node.log,
        /^\S+ warn {2}server: unknown variable TICKETD_SADR \(Did you mean TICKETD_SADDR\?\); it is ignored\n$/,
      );
      assert.ok(`${lab.directory}/seven` in contents(lab.directory));

      const missing = ["--config", `${values}/none`];
      assert.match(
        await misused(lab.server({ args: () => missing })),
        /^--config: ".*\/none" does not exist; name an existing file$/,
      );
      for (const permissions of [["--allow-net", "--allow-write"], ["-P"]]) {
        const flags = ["--config", `${values}/t.toml`];
        assert.match(
          await misused(lab.server({ permissions, flags })),
          /t\.toml" may not be read: .*; add --allow-read=.*t\.toml$/,
        );
      }
    } finally {
      await Deno.remove(values, { recursive: true });
    }
  },
);

e2e(
  "--help and --version print to standard output and need no permission",
  async (lab) => {
    for (const flag of ["--help", "-help", "-h", "help"]) {
      const help = await lab.deno("run", "main.ts", flag);
      assert.equal(help.code, 0);
      assert.equal(help.stderr, "");
      assert.match(help.stdout, /^Usage: ticketd \[COMMAND\] \[flags\]\n/);
      for (const word of ["--saddr", "127.0.0.1:11001", "TICKETD_ID"]) {
        assert.ok(help.stdout.includes(word), word);
      }
    }
    const { version } = JSON.parse(
      await Deno.readTextFile(`${repository}deno.json`),
    );
    for (const flag of ["--version", "version"]) {
      assert.deepEqual(await lab.deno("run", "main.ts", flag), {
        code: 0,
        stdout: `ticketd ${version}\n`,
        stderr: "",
      });
    }
    const wrong = await lab.deno("run", "main.ts", "help", "sttus");
    assert.deepEqual(wrong, {
      code: 2,
      stdout: "",
      stderr:
        "unknown command 'sttus' (Did you mean status?); ticketd help lists all\n",
    });
  },
);

e2e(
  "Every bad flag gives one line with the flag, the value and what is allowed",
  async (lab) => {
    const cases: [string[], RegExp][] = [
      [["--id", "a/b"], /^--id: "a\/b" is not allowed; use 1 to 64 letters/],
      [["--saddr", "11001"], /^--saddr: "11001" .*HOST:PORT/],
      [["--raddr", ":70000"], /^--raddr: ":70000" .*HOST:PORT/],
      [["--join", "nonsense"], /^--join: "nonsense" .*addresses of members/],
      [["--dir="], /^--dir: "" .*path of a directory/],
      [["--durability", "none"], /^--durability: "none" .*high, medium or low/],
      [["--storage", "tape"], /^--storage: "tape" .*file, kv or auto/],
      [["--advertise", ":5"], /^--advertise: ":5" .*HOST:PORT/],
      [["--heartbeat", "soon"], /^--heartbeat: "soon" .*duration/],
      [
        ["--election", "10ms", "--heartbeat", "50ms"],
        /^--election: 10ms is too short.*150ms/,
      ],
      [["--log-level", "loud"], /^--log-level: "loud" .*debug, info/],
      [["--log-format", "yaml"], /^--log-format: "yaml" .*text or json/],
      [
        ["--saddr", ":5", "--raddr", ":5"],
        /^--saddr and --raddr: both are :5;/,
      ],
      [["-id"], /^--id: its value is missing; use 1 to 64/],
      [["--nonsense"], /'--nonsense'.*--help lists all flags/],
      [["nonsense"], /^"nonsense" is no flag; --help lists all flags/],
      [["check"], /^'check' stands behind other arguments; write it first: /],
    ];
    const directory = ["--dir", `${lab.directory}/d`];
    const faults = await Promise.all(
      cases.map(([args]) =>
        misused(lab.server({ args: () => [...directory, ...args] }))
      ),
    );
    faults.forEach((line, i) => assert.match(line, cases[i]![1]));
  },
);

e2e("A bad variable is named as a variable", async (lab) => {
  const node = lab.server({ env: { TICKETD_DURABILITY: "none" } });
  assert.match(await misused(node), /^TICKETD_DURABILITY: "none" .*high, /);
});

e2e(
  "A port in use is named, with the flag to change, and nothing is written",
  async (lab) => {
    const { port, raftPort } = await lab.server({ id: "owner" }).start();
    const fresh = `${lab.directory}/fresh`;
    const old = await stopped(lab, "old");
    // All at once, because each waits for the port for some seconds.
    const refusal = async (
      directory: string,
      { id, flag, address, whom }: Record<string, string>,
    ) =>
      assert.match(
        await refused(lab.server({ id, directory }), flag!, address!),
        new RegExp(`cannot listen on ${address} for ${whom}: .*${flag}`),
      );
    const ports = [
      { flag: "--saddr", address: `127.0.0.1:${port}`, whom: "clients" },
      { flag: "--raddr", address: `127.0.0.1:${raftPort}`, whom: "peers" },
    ];
    await Promise.all(ports.flatMap((taken) => [
      refusal(fresh, { id: "1", ...taken }),
      refusal(lab.directory, { id: "old", ...taken }),
    ]));
    assert.equal(await old.start().then((node) => node.ticket()), 11n);
  },
);

for (const storage of ["file", "kv"]) {
  const flags = ["--storage", storage];

  e2e(
    `A second process on a directory is refused, and the first goes on (${storage}; the original's both served)`,
    async (lab) => {
      const first = await lab.server({ flags }).start();
      assert.equal(await first.ticket(), 1n);
      const fault = await refused(lab.server({ flags }));
      assert.match(
        fault,
        /directory .* is in use by another ticketd process; /,
      );
      assert.equal(await first.ticket(), 2n);
    },
  );

  e2e(
    `A directory of another node is refused, and says whose it is (${storage})`,
    async (lab) => {
      const node = await stopped(lab, "1", ...flags);
      await Deno.rename(node.data, `${lab.directory}/2`);
      const fault = await refused(lab.server({ id: "2", flags }));
      assert.match(
        fault,
        /belongs to node 1, not to node 2; start with --id 1/,
      );
    },
  );

  e2e(
    `A directory that may not be read is refused: permission denied, not granted (${storage})`,
    async (lab) => {
      const node = await stopped(lab, "1", ...flags);
      const unable = lab.server({ id: "1", flags, wrapper: unprivileged });
      await Deno.chmod(node.data, 0o000);
      try {
        assert.match(
          await refused(unable),
          /cannot .*\/1.*: permission denied; give its owner/,
        );
      } finally {
        await Deno.chmod(node.data, 0o700);
      }
      const narrow = [
        "--allow-net",
        "--allow-env",
        `--allow-read=${repository}`,
      ];
      for (const rights of [narrow, [...narrow, "--allow-write"]]) {
        assert.match(
          await refused(lab.server({ id: "1", flags, permissions: rights })),
          /Deno was not given the right to; add --allow-(read|write)/,
        );
      }
      assert.equal(await node.start().then((node) => node.ticket()), 11n);
    },
    { needs: unprivilegedNeeds },
  );
}

e2e("A log of a newer version is refused", async (lab) => {
  const node = await stopped(lab);
  edit(segmentOf(node), (bytes) => {
    const view = new DataView(bytes.buffer);
    view.setUint32(8, 1 + view.getUint32(8, true), true);
    view.setUint32(12, crc32(bytes.subarray(0, 12)), true);
    return bytes;
  });
  assert.match(await refused(node), /has format 2, this ticketd knows 1; /);
});

e2e(
  "A log that is damaged is refused with file and offset (PITFALLS 8)",
  async (lab) => {
    const node = await stopped(lab);
    const path = segmentOf(node);
    const whole = await Deno.readFile(path);
    const middle = Math.floor(whole.length / 2);
    const damages: [string, (bytes: Uint8Array) => Uint8Array][] = [
      ["a flipped bit", (bytes) => bytes.with(middle, bytes[middle]! ^ 1)],
      ["zeros in the middle", (bytes) => bytes.fill(0, middle, middle + 9)],
      ["no byte at all", () => new Uint8Array(0)],
    ];
    for (const [name, damage] of damages) {
      await Deno.writeFile(path, damage(whole.slice()));
      const fault = await refused(node);
      assert.match(fault, /\/1\/\d{16}\.log is damaged at byte \d+ /, name);
    }
  },
);

e2e(
  "A torn last write is cut with a warning, and costs no given ticket (the original refused to start)",
  async (lab) => {
    const node = await stopped(lab);
    let last = 10n;
    const tails = [[7], [...Array(64).fill(0)], [1, 2, 3, 0, 0, 0, 0, 0, 9]];
    for (const tail of tails) {
      edit(segmentOf(node), (bytes) => new Uint8Array([...bytes, ...tail]));
      await node.start();
      assert.match(
        node.log,
        new RegExp(`dropped the last ${tail.length} bytes`),
      );
      assert.equal(await node.ticket(), ++last);
      await node.stop();
    }
  },
);

/** A node that gave ten tickets, each in an entry of its own, and was stopped. */
async function stopped(lab: Lab, id = "1", ...flags: string[]) {
  const node = await lab.server({ id, flags }).start();
  for (let i = 0; i < 10; i++) await node.ticket();
  await node.stop();
  return node;
}

function segmentOf({ data }: Server): string {
  const paths = Object.keys(contents(data)).filter((path) =>
    path.endsWith(".log")
  );
  assert.equal(paths.length, 1);
  return paths[0]!;
}

function edit(path: string, change: (bytes: Uint8Array) => Uint8Array): void {
  Deno.writeFileSync(path, change(Deno.readFileSync(path)));
}
