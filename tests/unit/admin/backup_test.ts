// `ticketd backup` from the answer of a cluster to the files that stay, with a cluster, a clock
// and pauses that are played, on real directories.

import assert from "node:assert/strict";
import {
  backup,
  type BackupTask,
  type BackupWorld,
} from "../../../admin/backup.ts";
import { decodeBackup } from "../../../admin/backup_file.ts";
import type { Reply, RequestResult } from "../../../base/resp_client.ts";
import { denoFiles, type Files } from "../../../storage/files.ts";

const cluster = "0123456789abcdef0123456789abcdef";
const began = Date.UTC(2026, 10, 27, 22, 58, 1, 7);

function reply(
  last: bigint,
  { index = 7, id = cluster, total = 1, next = 0 } = {},
): Reply {
  return [
    ...["format", "2", "cluster", id, "index", `${index}`, "term", "2"],
    ...["members", "2", "1", "voter h:1", "2", "nonvoter :2"],
    ...["policy", "created", "sequences", `${total}`],
    ...["ticket", `${last}`, "next", `${next}`],
  ];
}

function answering(reply: Reply): RequestResult {
  return { type: "reply", reply };
}

/** A cluster that answers these, one after the other; the process is stopped behind the last. */
class World implements BackupWorld {
  readonly lines: string[] = [];
  readonly terminal = {
    error: (line: string) => void this.lines.push(line),
    isTerminal: false,
  };
  printed = new Uint8Array();
  millis = began;
  readonly waits: number[] = [];
  readonly files = denoFiles;
  readonly #answers: RequestResult[];
  readonly #stop = new AbortController();

  constructor(...answers: RequestResult[]) {
    this.#answers = answers;
  }

  get signal() {
    return this.#stop.signal;
  }

  readonly questions: string[] = [];
  ask = (_: unknown, words: readonly string[]) => {
    this.questions.push(words.join(" "));
    return Promise.resolve(this.#answers.shift()!);
  };
  print = (bytes: Uint8Array) => void (this.printed = bytes.slice());
  now = () => this.millis;

  wait = (millis: number): Promise<void> => {
    this.waits.push(millis);
    this.millis += millis;
    if (this.#answers.length === 0) this.#stop.abort();
    return Promise.resolve();
  };
}

function taskOf(path: string | undefined, rest: Partial<BackupTask> = {}) {
  const address = { host: "h", port: 11001 };
  const once = { everyMillis: undefined, keep: undefined };
  return { address, path, ...once, ...rest };
}

function inDirectory(claim: string, run: (path: string) => Promise<void>) {
  Deno.test(claim, async () => {
    const path = await Deno.makeTempDir();
    try {
      await run(path);
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  });
}

function read(path: string) {
  return decodeBackup(Deno.readFileSync(path), path);
}

function names(path: string): string[] {
  return Array.from(Deno.readDirSync(path), ({ name }) => name).sort();
}

Deno.test("Without a file the backup goes to standard output, and nothing else does", async () => {
  const world = new World(answering(reply(2n ** 60n)));
  assert.equal(await backup(taskOf(undefined), world), 0);
  assert.deepEqual(decodeBackup(world.printed, "-"), {
    cluster,
    taken: "2026-11-27T22:58:01.007Z",
    from: "h:11001",
    index: 7,
    term: 2,
    members: [
      { id: "1", address: "h:1", suffrage: "voter" },
      { id: "2", address: ":2", suffrage: "nonvoter" },
    ],
    policy: "created",
    sequences: [{ name: "ticket", last: 2n ** 60n }],
  });
  assert.deepEqual(world.lines, []);
});

Deno.test("A backup of many sequences is asked for page by page, to its end", async () => {
  const world = new World(
    answering(reply(5n, { total: 4, next: 1 })),
    answering(["next", "7", "a", "8", "next", "3"]),
    // One that was begun since the first page.
    answering(["b", "9", "c", "1", "d", "1", "next", "0"]),
  );
  assert.equal(await backup(taskOf(undefined), world), 0);
  assert.deepEqual(world.questions, [
    "RAFT.BACKUP",
    "RAFT.BACKUP 1",
    "RAFT.BACKUP 3",
  ]);
  const { sequences } = decodeBackup(world.printed, "-");
  assert.deepEqual(
    sequences.map(({ name, last }) => `${name} ${last}`),
    ["ticket 5", "next 7", "a 8", "b 9", "c 1", "d 1"],
  );
});

Deno.test("A backup whose pages are not the whole is none", async () => {
  const first = answering(reply(5n, { total: 3, next: 1 }));
  const further: readonly (readonly [RequestResult, RegExp])[] = [
    [{ type: "failure", reason: "connection refused" }, /connection refused/],
    [answering(new Error("ERR there is no leader")), /there is no leader/],
    [answering(["a", "1", "next", "0"]), /gives no backup/], // too few
    [answering(["a", "1", "b", "2"]), /gives no backup/], // no cursor
    [answering(["next", "1"]), /gives no backup/], // no end
    [answering(["a", "1", "next", "1"]), /gives no backup/],
    [answering(["a", "1", "next", "3"]), /gives no backup/],
    [answering(["a", "1", "b", "2", "c"]), /gives no backup/],
    [answering(["a", "1", "ticket", "2", "next", "0"]), /"sequences"/], // twice
    [answering(["a", "1", "b c", "2", "next", "0"]), /"sequences"/],
  ];
  for (const [answer, why] of further) {
    const world = new World(first, answer);
    assert.equal(await backup(taskOf(undefined), world), 1);
    assert.match(world.lines.join(), why);
    assert.equal(world.printed.length, 0);
  }
});

inDirectory(
  "A file is written whole, for its owner alone, and replaces an earlier backup",
  async (path) => {
    const file = `${path}/new/b.backup`;
    const world = new World(
      answering(reply(5n)),
      answering(reply(9n, { index: 8 })),
    );
    assert.equal(await backup(taskOf(file), world), 0);
    assert.equal(read(file).sequences[0]!.last, 5n);
    assert.equal(await backup(taskOf(file), world), 0);
    assert.equal(read(file).sequences[0]!.last, 9n);
    assert.deepEqual(names(`${path}/new`), ["b.backup"]);
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
  },
);

inDirectory("Nothing else is replaced", async (path) => {
  const file = `${path}/b.backup`;
  const other = "f".repeat(32);
  const cases: readonly (readonly [RequestResult, RegExp])[] = [
    [answering(reply(9n, { index: 6 })), /a later backup of cluster 0123/],
    [answering(reply(9n, { id: other })), /a backup of cluster 0123/],
  ];
  await backup(taskOf(file), new World(answering(reply(5n))));
  for (const [answer, why] of cases) {
    const world = new World(answer);
    assert.equal(await backup(taskOf(file), world), 1);
    assert.match(world.lines.join(), why);
    assert.equal(read(file).sequences[0]!.last, 5n);
  }
  await Deno.writeTextFile(file, "my thesis");
  const world = new World(answering(reply(5n)));
  assert.equal(await backup(taskOf(file), world), 1);
  assert.match(world.lines.join(), /is no sound backup: it is not replaced$/);
  assert.equal(await Deno.readTextFile(file), "my thesis");
  assert.deepEqual(names(path), ["b.backup"]);
});

inDirectory(
  "A backup is durable under its name: it is synced, renamed, and synced with its directory",
  async (path) => {
    const done: string[] = [];
    const world = new World(answering(reply(5n)));
    const files = (directory: string): Files => {
      const real = denoFiles(directory);
      return {
        directory,
        makeDirectory: () => real.makeDirectory(),
        lock: () => assert.fail(),
        unlock: () => assert.fail(),
        list: () => real.list(),
        read: (name) => real.read(name),
        create(name) {
          const file = real.create(name);
          return {
            append: (bytes) => file.append(bytes),
            close: () => file.close(),
            sync: () => assert.fail(),
            syncNow: () => {
              done.push(`sync ${name}`);
              file.syncNow();
            },
          };
        },
        rename(from, to) {
          done.push(`rename ${from} ${to}`);
          real.rename(from, to);
        },
        remove: (name) => real.remove(name),
        sync: () => assert.fail(),
        syncNow: () => {
          done.push("sync the directory");
          real.syncNow();
        },
      };
    };
    await backup(taskOf(`${path}/b`), {
      ...world,
      signal: world.signal,
      files,
    });
    const steps = done.map((step) => step.replaceAll(/b\.\w{8}\.new/g, "NEW"));
    assert.deepEqual(steps, ["sync NEW", "rename NEW b", "sync the directory"]);
  },
);

Deno.test("An answer that is no backup is a fault, in one line", async () => {
  const good = reply(5n) as string[];
  const answers: readonly (readonly [RequestResult, RegExp])[] = [
    [{ type: "failure", reason: "connection refused" }, /connection refused/],
    [answering(new Error("ERR there is no leader")), /there is no leader/],
    [answering("OK"), /gives no backup/],
    [answering([]), /gives no backup/],
    [answering(good.slice(0, -1)), /gives no backup/],
    [answering(good.slice(0, -2)), /gives no backup/],
    [answering([...good, "a", "b"]), /gives no backup/],
    [answering(good.with(1, "1")), /in format 1, and .* reads format 2/],
    [answering(good.with(3, "c")), /no sound "cluster"/],
    [answering(good.with(9, "99999999")), /gives no backup/],
    [answering(good.with(11, "king h:1")), /gives no backup/],
    [answering(good.with(-7, "some")), /gives no backup/],
    [answering(good.with(-5, "2")), /gives no backup/],
    [answering(good.with(-3, "-1")), /gives no backup/],
    [answering(good.with(-3, `${2n ** 64n}`)), /no sound "sequences"/],
    [answering(good.with(-1, "2")), /gives no backup/],
  ];
  for (const [answer, why] of answers) {
    const world = new World(answer);
    assert.equal(await backup(taskOf(undefined), world), 1);
    assert.equal(world.lines.length, 1);
    assert.match(world.lines[0]!, why);
    assert.match(world.lines[0]!, /^no backup of the cluster at h:11001: /);
    assert.equal(world.printed.length, 0);
  }
});

inDirectory(
  "With --every there is one after the other, and the newest stay",
  async (path) => {
    const world = new World(
      ...[1n, 2n, 3n, 4n].map((last) => answering(reply(last))),
    );
    const task = taskOf(path, { everyMillis: 3_600_000, keep: 2 });
    await Deno.writeTextFile(`${path}/ticketd-01234567-notes.backup`, "mine");
    const damaged = "ticketd-01234567-20200101T000000Z.backup";
    await Deno.writeTextFile(`${path}/${damaged}`, "cut");
    assert.equal(await backup(task, world), 0);
    assert.deepEqual(names(path), [
      damaged,
      "ticketd-01234567-20261128T005801Z.backup",
      "ticketd-01234567-20261128T015801Z.backup",
      "ticketd-01234567-notes.backup",
    ]);
    assert.deepEqual(world.waits, Array(4).fill(3_600_000));
    const wrote = world.lines.filter((line) => line.includes(" wrote "));
    assert.equal(wrote.length, 4);
    assert.match(
      wrote[3]!,
      /^2026-11-28T01:58:01.007Z wrote .*Z\.backup: ticket 4, 2 members, index 7$/,
    );
    const left = world.lines.filter((line) => line.startsWith("left alone: "));
    assert.match(left[0]!, /20200101T000000Z\.backup is no backup/);
  },
);

inDirectory(
  "A backup that fails is tried again, with growing pauses, and none is removed",
  async (path) => {
    const failure = { type: "failure", reason: "connection refused" } as const;
    const world = new World(
      answering(reply(1n)),
      ...Array(8).fill(failure),
      answering(reply(2n)),
    );
    const task = taskOf(path, { everyMillis: 3_600_000, keep: 1 });
    assert.equal(await backup(task, world), 0);
    const seconds = world.waits.map((millis) => millis / 1000);
    assert.deepEqual(seconds.slice(1, 9), [1, 2, 4, 8, 16, 32, 60, 60]);
    // The schedule is that of the first one: the tries took 183 s of the last hour.
    assert.equal(seconds[9], 3600 - 183);
    assert.equal(names(path).length, 1);
    assert.equal(read(`${path}/${names(path)[0]}`).sequences[0]!.last, 2n);
  },
);

inDirectory(
  "An old backup that cannot be removed is told, and no reason to take another one",
  async (path) => {
    const world = new World(answering(reply(1n)), answering(reply(2n)));
    const remove = () => {
      throw new Error("permission denied");
    };
    const files = (directory: string) =>
      Object.assign(denoFiles(directory), { remove });
    const task = taskOf(path, { everyMillis: 3_600_000, keep: 1 });
    await backup(task, { ...world, signal: world.signal, files });
    assert.deepEqual(world.waits, [3_600_000, 3_600_000]);
    assert.equal(names(path).length, 2);
    assert.match(world.lines.join("\n"), /^left alone: permission denied$/m);
  },
);

inDirectory(
  "A file of somebody else that is called like an unfinished backup stays",
  async (path) => {
    await Deno.writeTextFile(`${path}/b.new`, "mine");
    const world = new World(answering(reply(1n)));
    assert.equal(await backup(taskOf(`${path}/b`), world), 0);
    assert.deepEqual(names(path), ["b", "b.new"]);
    assert.equal(await Deno.readTextFile(`${path}/b.new`), "mine");
  },
);

inDirectory("The newest stays even if the clock went back", async (path) => {
  const world = new World(answering(reply(1n)), answering(reply(2n)));
  const { wait } = world;
  world.wait = async (millis) => {
    await wait(millis);
    world.millis -= 3 * millis;
  };
  const task = taskOf(path, { everyMillis: 60_000, keep: 1 });
  await backup(task, world);
  assert.equal(names(path).length, 1);
  assert.equal(read(`${path}/${names(path)[0]}`).sequences[0]!.last, 2n);
});
