// Real clusters under redis-benchmark, beside Redis with `appendfsync always` in the
// same run: `deno task bench`. Measures, decides nothing; read ratios within one run.
//
//   deno task bench                 three rounds of all workloads, interleaved
//   deno task bench --rounds 1      a quick look
//   deno task bench --start         start to first TICKET, memory idle and after 10 M
//
// Needs redis-server and redis-benchmark (Debian: redis-server, redis-tools).

type Server = {
  readonly port: number;
  readonly pids: number[];
  stop(): Promise<void>;
};

const workloads = [
  { name: "1 client", flags: ["-c", "1"], requests: 5_000 },
  { name: "50 clients", flags: ["-c", "50"], requests: 200_000 },
  { name: "1000 clients", flags: ["-c", "1000"], requests: 200_000 },
  { name: "50, -P 16", flags: ["-c", "50", "-P", "16"], requests: 2_000_000 },
  { name: "50, -P 100", flags: ["-c", "50", "-P", "100"], requests: 5_000_000 },
  {
    name: "50, -P 1000",
    flags: ["-c", "50", "-P", "1000"],
    requests: 20_000_000,
  },
] as const;

const contenders = [
  { name: "1 node", start: () => startTicketd(1), command: ["TICKET"] },
  { name: "3 nodes", start: () => startTicketd(3), command: ["TICKET"] },
  { name: "Redis AOF always", start: startRedis, command: ["INCR", "n"] },
] as const;

const main = new URL("../main.ts", import.meta.url).pathname;

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** Ends by SIGTERM, then the directory goes. */
function started(
  directory: string,
  processes: Deno.ChildProcess[],
  port: number,
): Server {
  return {
    port,
    pids: processes.map((process) => process.pid),
    async stop() {
      for (const process of processes.toReversed()) {
        process.kill("SIGTERM");
        await process.status;
      }
      Deno.removeSync(directory, { recursive: true });
    },
  };
}

async function startTicketd(count: number): Promise<Server> {
  const directory = Deno.makeTempDirSync({ prefix: "ticketd_bench_" });
  const ports: number[] = [];
  const processes: Deno.ChildProcess[] = [];
  for (let id = 1; id <= count; id++) {
    const port = freePort();
    processes.push(
      new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--allow-net",
          "--allow-read",
          "--allow-write",
          main,
          ...["--id", `${id}`, "--dir", directory],
          ...["--saddr", `127.0.0.1:${port}`],
          ...["--raddr", `127.0.0.1:${freePort()}`],
          ...(id > 1 ? ["--join", `127.0.0.1:${ports[0]}`] : []),
        ],
        stdout: "null",
        stderr: "null",
      }).spawn(),
    );
    ports.push(port);
    await until(port, "TICKET", (reply) => /^[+-]/.test(reply));
  }
  await until(
    ports[0]!,
    "RAFT.CONFIGURATION",
    (reply) =>
      reply.split("Voter").length - 1 === count && !reply.includes("Nonvoter"),
  );
  return started(directory, processes, ports[0]!);
}

async function startRedis(): Promise<Server> {
  const directory = Deno.makeTempDirSync({ prefix: "ticketd_bench_" });
  const port = freePort();
  const process = new Deno.Command("redis-server", {
    args: [
      ...["--port", `${port}`, "--bind", "127.0.0.1", "--dir", directory],
      ...["--save", "", "--appendonly", "yes", "--appendfsync", "always"],
      ...["--maxclients", "5000"],
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  await until(port, "PING", (reply) => reply.startsWith("+PONG"));
  return started(directory, [process], port);
}

/** Asks until the reply is as wanted. */
async function until(
  port: number,
  command: string,
  wanted: (reply: string) => boolean,
): Promise<void> {
  const buffer = new Uint8Array(65536);
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    try {
      using client = await Deno.connect({ hostname: "127.0.0.1", port });
      await client.write(new TextEncoder().encode(`${command}\r\n`));
      const count = await client.read(buffer) ?? 0;
      if (wanted(new TextDecoder().decode(buffer.subarray(0, count)))) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`port ${port} did not answer ${command} as expected in 30 s`);
}

type Figures = {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
};

async function load(
  { port }: Server,
  workload: typeof workloads[number],
  command: readonly string[],
): Promise<Figures> {
  const { stdout } = await new Deno.Command("redis-benchmark", {
    args: [
      ...["-p", `${port}`, "-n", `${workload.requests}`, "--csv"],
      ...workload.flags,
      ...command,
    ],
    stderr: "null",
  }).output();
  // "test","rps","avg","min","p50","p95","p99","max"
  const row = new TextDecoder().decode(stdout).trim().split("\n").at(-1)!;
  const fields = row.split(",").map((field) =>
    Number(field.replaceAll('"', ""))
  );
  return { perSecond: fields[1]!, p50: fields[4]!, p99: fields[6]! };
}

/** Kilobytes, from the line of that name in the process's status. */
function memory(pid: number, line: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(new RegExp(`${line}:\\s+(\\d+)`).exec(status)?.[1]);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function short(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M`;
  return `${(perSecond / 1e3).toFixed(1)} k`;
}

async function compare(rounds: number): Promise<void> {
  const found = new Map<string, Figures[]>();
  for (let round = 1; round <= rounds; round++) {
    for (const workload of workloads) {
      for (const contender of contenders) {
        const server = await contender.start();
        const figures = await load(server, workload, contender.command);
        const peak = Math.max(
          ...server.pids.map((pid) => memory(pid, "VmHWM")),
        );
        await server.stop();
        const key = `${workload.name}/${contender.name}`;
        found.set(key, [...found.get(key) ?? [], figures]);
        console.error(
          `round ${round}  ${workload.name}  ${contender.name}  ` +
            `${
              short(figures.perSecond)
            }/s  p50 ${figures.p50} p99 ${figures.p99} ms  ` +
            `peak ${Math.round(peak / 1024)} MB`,
        );
      }
    }
  }
  console.log(
    "| workload | 1 node | ratio | 3 nodes | ratio | Redis AOF always |",
  );
  console.log("|---|--:|--:|--:|--:|--:|");
  for (const { name } of workloads) {
    const of = (contender: string) =>
      median(found.get(`${name}/${contender}`)!.map((f) => f.perSecond));
    const redis = of("Redis AOF always");
    const cells = ["1 node", "3 nodes"].flatMap((contender) => [
      short(of(contender)),
      (of(contender) / redis).toFixed(2),
    ]);
    console.log(`| ${[name, ...cells, short(redis)].join(" | ")} |`);
  }
}

async function startAndMemory(): Promise<void> {
  const starts: number[] = [];
  for (let i = 0; i < 10; i++) {
    const before = performance.now();
    const server = await startTicketd(1);
    starts.push(performance.now() - before);
    await server.stop();
  }
  const server = await startTicketd(1);
  const pid = server.pids[0]!;
  const idle = memory(pid, "VmRSS");
  const after: number[] = [];
  for (let i = 0; i < 2; i++) {
    await load(server, { ...workloads[5], requests: 10_000_000 } as never, [
      "TICKET",
    ]);
    after.push(memory(pid, "VmRSS"));
  }
  const peak = memory(pid, "VmHWM");
  await server.stop();
  const sorted = starts.toSorted((a, b) => a - b).map(Math.round);
  const megabytes = (kilobytes: number) => `${Math.round(kilobytes / 1024)} MB`;
  console.log(`start to first TICKET, ms, sorted: ${sorted.join(" ")}`);
  console.log(
    `resident: idle ${megabytes(idle)}, after 10 M tickets ${
      megabytes(after[0]!)
    }, ` +
      `after 20 M ${megabytes(after[1]!)}, peak ${megabytes(peak)}`,
  );
}

if (Deno.args.includes("--start")) await startAndMemory();
else {
  const at = Deno.args.indexOf("--rounds");
  await compare(at < 0 ? 3 : Number(Deno.args[at + 1]));
}
