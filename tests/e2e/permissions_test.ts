// The very commands of a user, with exactly the permissions that they grant, in a copy of the
// tree: `./data` and Deno KV's default store then belong to this test.

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { contents, e2e, type Lab, misused } from "../lib/harness.ts";
import { run } from "../lib/program.ts";
import { repository, type Server } from "../lib/server.ts";
import { within } from "../lib/until.ts";

const withoutRead = ["--allow-net", "--allow-write"];
const withRead = [...withoutRead, "--allow-read"];
const granted = ["-P"];

e2e(
  "--allow-net --allow-write serves, says what --allow-read gives, and keeps its tickets",
  async (lab) => {
    const node = (await copy(lab))(withoutRead);
    let last = 0n;
    for (const end of ["stop", "kill", "stop"] as const) {
      await node.start();
      const lines = node.log.split("\n").filter((line) => / warn /.test(line));
      assert.equal(lines.length, 1, node.log);
      assert.match(lines[0]!, /on Deno KV's default store: add --allow-read/);
      for (const number of await node.tickets(100)) {
        assert.equal(number, ++last);
      }
      assert.match(
        await node.bytes("RAFT.STATS"),
        /^\*\d+\r\n\$13\r\napplied_index\r\n/,
      );
      await node[end]();
    }
    assert.deepEqual(contents(`${node.options.cwd}/data`), {});
  },
);

e2e(
  "Where no worker may be started, --io-threads is said to be 1, and is",
  async (lab) => {
    const node = (await copy(lab))(withoutRead);
    await node.start("--io-threads", "3");
    const lines = node.log.split("\n").filter((line) => / warn /.test(line));
    assert.equal(lines.length, 2, node.log);
    assert.match(lines[1]!, /with 1 thread, not with 3, .*add --allow-read$/);
    assert.deepEqual(await node.tickets(100).then((all) => all.at(-1)), 100n);
    await node.stop();
  },
);

e2e("-P is enough for more threads", async (lab) => {
  const node = (await copy(lab))(granted);
  await node.start("--io-threads", "2");
  assert.equal(await node.ticket(), 1n);
  assert.doesNotMatch(node.log, / warn /);
  await node.stop();
});

e2e("-P serves from ./data, and keeps its tickets", async (lab) => {
  const node = (await copy(lab))(granted);
  await node.start();
  assert.equal(await node.ticket(), 1n);
  await node.stop();
  const [path] = Object.keys(contents(`${node.options.cwd}/data`));
  assert.match(path!, /\/data\/1$/);
  await node.start();
  assert.equal(await node.ticket(), 2n);
  assert.doesNotMatch(node.log, / warn /);
});

for (const rights of [withoutRead, withRead, granted]) {
  e2e(
    `At a terminal nobody is asked for more than ${rights.join(" ")}`,
    async (lab) => {
      const node = (await copy(lab))(rights);
      const ports = ["--saddr", `127.0.0.1:${node.port}`];
      const flags = [...ports, "--raddr", `127.0.0.1:${node.raftPort}`];
      const own = rights === withRead ? ["--dir", lab.directory] : [];
      const command = ["deno", "run", ...rights, "main.ts", ...flags, ...own];
      const terminal = new Deno.Command("script", {
        args: ["-qec", command.join(" "), "/dev/null"],
        ...(node.options.cwd === undefined ? {} : { cwd: node.options.cwd }),
        env: { PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}` },
        stdin: "null",
        stdout: "piped",
      }).spawn();
      let shown = "";
      let isOver = false;
      const watched = (async () => {
        for await (const bytes of terminal.stdout) {
          shown += new TextDecoder().decode(bytes);
          if (isOver || !/serves clients|Deno requests/.test(shown)) continue;
          isOver = true;
          terminal.kill(); // and with it the node
        }
        await terminal.status;
      })();
      await within("the node at the terminal has served and ended", watched);
      assert.match(shown, /serves clients/);
      assert.doesNotMatch(shown, /Deno requests/);
    },
    { needs: ["script"] },
  );
}

e2e(
  "At a terminal nobody is asked for a file of settings that may not be read",
  async (lab) => {
    const node = (await copy(lab))(withoutRead);
    const rights = withoutRead.join(" ");
    const { stdout } = await run("script", [
      "-qec",
      `deno run ${rights} main.ts --config ticketd.toml`,
      "/dev/null",
    ], {
      ...(node.options.cwd === undefined ? {} : { cwd: node.options.cwd }),
      env: { PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}` },
    });
    assert.match(stdout, /may not be read: .* add --allow-read=ticketd\.toml/);
    assert.doesNotMatch(stdout, /Deno requests/);
  },
  { needs: ["script"] },
);

e2e("deno task start serves, and SIGTERM ends it as well", async (lab) => {
  const node = (await copy(lab))(granted, "start");
  try {
    await node.start();
    assert.equal(await node.ticket(), 1n);
  } finally {
    await node.stop(); // kill -9 would end only the task runner
  }
  await node.start();
  assert.equal(await node.ticket(), 2n);
  await node.stop();
});

/** Starts a task as npx does: with a shell in between, and neither passes a signal on. */
const likeNpx = [
  ...["bash", "-c"],
  `npm_lifecycle_event=npx bash -c '"$@"; true' bash "$@" & wait`,
  "bash",
];

e2e(
  "deno task start leaves no node behind when the task, or npx above it, is killed",
  async (lab) => {
    const make = await copy(lab);
    for (const wrapper of [undefined, likeNpx]) {
      const node = await make(granted, "start", wrapper).start();
      assert.equal(typeof await node.ticket(), "bigint");
      node.signal("SIGKILL");
      await node.logged(/server: stopped\n/);
      await node.exit();
    }
  },
);

e2e(
  "A run that may not read does not begin anew beside tickets in files",
  async (lab) => {
    const inCopy = await copy(lab);
    const reading = await inCopy(withRead).start();
    assert.equal(await reading.ticket(), 1n);
    await reading.stop();
    assert.match(
      await misused(inCopy(withoutRead)),
      /node 1 keeps its tickets in data\/1; add --allow-read/,
    );
    await reading.start();
    assert.equal(await reading.ticket(), 2n);
  },
);

e2e(
  "A run that may read does not begin anew beside tickets in the default store",
  async (lab) => {
    const inCopy = await copy(lab);
    const blind = await inCopy(withoutRead).start();
    assert.equal(await blind.ticket(), 1n);
    await blind.stop();
    for (const rights of [withRead, granted]) {
      assert.match(
        await misused(inCopy(rights)),
        /node 1 keeps its tickets in Deno KV's default store, from a run without/,
      );
    }
    await blind.start();
    assert.equal(await blind.ticket(), 2n);
  },
);

e2e(
  "A flag that needs the right to read is refused without it, and the right is named",
  async (lab) => {
    const inCopy = await copy(lab);
    for (const flags of [["--storage", "file"], ["--dir", "elsewhere"]]) {
      const fault = await misused(inCopy(withoutRead), ...flags);
      assert.ok(fault.includes(flags[0]!) && /--allow-read/.test(fault), fault);
    }
  },
);

/**
 * Makes servers in one copy of the files that `deno run main.ts` needs, with a Deno directory
 * of its own, where the default KV stores lie. Only the downloaded packages are shared.
 */
async function copy(
  lab: Lab,
): Promise<
  (
    permissions: readonly string[],
    task?: string,
    wrapper?: readonly string[],
  ) => Server
> {
  const { stdout } = await lab.deno("info", "--json");
  const { npmCache } = JSON.parse(stdout) as { npmCache: string };
  const cache = `${lab.directory}/deno`;
  await Deno.mkdir(cache);
  await Deno.symlink(npmCache, `${cache}/npm`);
  const cwd = `${lab.directory}/ticketd`;
  await Deno.mkdir(cwd);
  for (const [path, bytes] of Object.entries(sources())) {
    if (bytes === undefined) await Deno.mkdir(`${cwd}/${path}`);
    else await Deno.writeFile(`${cwd}/${path}`, bytes);
  }
  return (permissions, task, wrapper) =>
    lab.server({
      task,
      wrapper,
      cwd,
      directory: undefined,
      flags: [],
      permissions,
      env: { DENO_DIR: cache },
    });
}

/** The files of the service; each folder comes before its files. */
function sources(): Record<string, Uint8Array | undefined> {
  const files: Record<string, Uint8Array | undefined> = {};
  const folders = ["admin", "base", "raft", "server", "storage", "deploy"];
  for (const folder of folders) {
    files[folder] = undefined;
    for (const [path, bytes] of Object.entries(contents(repository + folder))) {
      files[path.slice(repository.length)] = bytes;
    }
  }
  for (const name of ["main.ts", "deno.json", "deno.lock"]) {
    files[name] = Deno.readFileSync(repository + name);
  }
  return files;
}
