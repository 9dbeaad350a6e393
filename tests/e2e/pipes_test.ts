// Standard error that takes nothing: a pipe that nobody reads, a full device, a reader that is
// gone (PITFALLS 38). A node serves and stops as if somebody read it, and a fault still ends
// it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { checkTickets } from "../lib/checker.ts";
import { e2e, type Lab } from "../lib/harness.ts";
import { permissions, type ServerOptions } from "../lib/server.ts";
import { until, within } from "../lib/until.ts";

/** The capacity of a pipe on Linux: with as much in it, a write waits. */
const pipeBytes = 65_536;

/** A pipe that is full from the beginning, and that nobody reads before `readUntil`. */
class FullPipe implements Disposable {
  readonly path: string;
  /** Held open, so that the pipe does not break. */
  readonly #end: Deno.FsFile;

  constructor(lab: Lab, name = "pipe") {
    this.path = `${lab.directory}/${name}`;
    run("mkfifo", this.path);
    this.#end = Deno.openSync(this.path, { read: true, write: true });
    const fill = `head -c ${pipeBytes} /dev/zero > "$0"`;
    run("bash", "-c", fill, this.path);
  }

  /** The option of a node that writes its log there. */
  get wrapper(): Pick<ServerOptions, "wrapper"> {
    return stderrTo(this.path);
  }

  /** Reads what the pipe holds and gets until `pattern` is in it. */
  async readUntil(pattern: RegExp): Promise<string> {
    const chunk = new Uint8Array(pipeBytes);
    let text = "";
    while (!pattern.test(text)) {
      const read = this.#end.read(chunk);
      const count = await within(`the pipe shows ${pattern}`, read);
      text += new TextDecoder().decode(chunk.subarray(0, count ?? 0));
    }
    return text.replace(/^\0*/, "");
  }

  [Symbol.dispose](): void {
    this.#end.close();
  }
}

function run(program: string, ...args: string[]): void {
  const { success } = new Deno.Command(program, { args }).outputSync();
  assert.ok(success, `${program} ${args.join(" ")}`);
}

function stderrTo(path: string): Pick<ServerOptions, "wrapper"> {
  return { wrapper: ["bash", "-c", `exec 2> "$0" "$@"`, path] };
}

e2e(
  "A log that nobody reads costs a single node neither tickets nor its stop, and is not lost",
  async (lab) => {
    using pipe = new FullPipe(lab);
    const node = lab.server({ ...pipe.wrapper });
    node.spawn("--log-level", "debug");
    await lab.serves(node.port);
    const load = lab.load([node]);
    await load.more(1000);
    assert.equal(await node.ask("RAFT.SNAPSHOT"), "OK");
    await load.more(1000);
    const log = await pipe.readUntil(/serves clients on .*\n/);
    assert.match(
      log,
      /^\d{4}-\d\d-\d\dT\S+ info {2}node 1: founds a new cluster/,
    );
    await load.stop().then((tickets) => checkTickets(tickets, { dense: true }));
    await node.stop();
    assert.match(
      await pipe.readUntil(/stopped\n/),
      /info {2}server: stopping\n/,
    );
  },
);

e2e(
  "A leader whose log nobody reads goes on leading, hands over at SIGTERM and ends with 0",
  async (lab) => {
    using pipe = new FullPipe(lab);
    const first = lab.server({ id: "1", ...pipe.wrapper });
    first.spawn("--log-level", "debug");
    await lab.serves(first.port);
    const others = ["2", "3"].map((id) =>
      lab.server({ id, join: [first.port] })
    );
    for (const other of others) await other.start();
    await until(
      "node 1 knows three voters",
      async () =>
        (await first.members()).filter((m) => m.endsWith("Voter")).length === 3,
    );
    assert.equal((await first.stats()).state, "Leader");
    const load = lab.load(others);
    await load.more(1000);
    assert.equal((await first.stats()).state, "Leader");
    await first.stop(); // with code 0: a stop that takes more than 5 s is a fault
    await load.more(1000);
    checkTickets(await load.stop(), { dense: true });
  },
);

e2e(
  "Further threads write to one pipe, and none of them waits",
  async (lab) => {
    using pipe = new FullPipe(lab);
    const node = lab.server({ ...pipe.wrapper });
    node.spawn("--log-level", "debug", "--io-threads", "3");
    await lab.serves(node.port);
    const load = lab.load([node], { connections: 12 });
    await load.more(1000);
    await load.stop();
    await node.stop();
  },
);

e2e(
  "A full device and a reader that is gone cost nothing but the log",
  async (lab) => {
    for (const path of ["/dev/full", ">(true)"]) {
      const wrapper = ["bash", "-c", `exec 2> ${path} "$@"`, "bash"];
      const node = lab.server({ wrapper });
      node.spawn();
      await lab.serves(node.port);
      await node.tickets(100);
      await node.stop();
    }
  },
);

e2e(
  "A fault ends a node whose log nobody reads with code 1, in whatever isolate it is",
  async (lab) => {
    using pipe = new FullPipe(lab);
    for (const bug of ["SIGWINCH", "SIGURG"] as const) {
      const inMain = lab.server({
        ...pipe.wrapper,
        permissions: [...permissions, "--preload", "tests/e2e/bug.ts"],
      });
      inMain.spawn();
      await lab.serves(inMain.port);
      inMain.signal(bug);
      assert.deepEqual(await inMain.exit(), { code: 1, signal: null });
    }
    const inWorker = lab.server({ id: "2", ...pipe.wrapper });
    inWorker.spawn("--raddr", "203.0.113.9:7");
    assert.deepEqual(await inWorker.exit(), { code: 1, signal: null });
  },
);

e2e(
  "While a process waits for its last words to leave, it serves nobody",
  async (lab) => {
    using pipe = new FullPipe(lab);
    const struck = `${lab.directory}/struck`;
    const node = lab.server({
      ...pipe.wrapper,
      env: { BUG: struck },
      permissions: [...permissions, "--preload", "tests/e2e/bug.ts"],
    });
    node.spawn();
    await lab.serves(node.port);
    using client = await node.connect();
    await client.tickets(1);
    node.signal("SIGWINCH");
    await until("the node serves nobody after its fault", async () => {
      const after = existsSync(struck);
      const answered = await client.tickets(1).then(() => true, () => false);
      assert.ok(!(answered && after), "a ticket was given after the fault");
      return !answered;
    });
    assert.deepEqual(await node.exit(), { code: 1, signal: null });
  },
);

e2e(
  "The last words of a process stand in a file, and in a pipe that is read",
  async (lab) => {
    const path = `${lab.directory}/log`;
    for (const options of [{}, stderrTo(path)]) {
      const node = lab.server({
        ...options,
        permissions: [...permissions, "--preload", "tests/e2e/bug.ts"],
      });
      node.spawn();
      await lab.serves(node.port);
      node.signal("SIGWINCH");
      assert.deepEqual(await node.exit(), { code: 1, signal: null });
      const log = "wrapper" in options
        ? await Deno.readTextFile(path)
        : node.log;
      const [last] = log.trimEnd().split("\n").slice(-1);
      assert.match(
        last!,
        /error server: a fault in ticketd: a bug error=.*bug/,
      );
    }
  },
);
