// The servers that benchmarks load, real processes on loopback with data of their own, and
// redis-benchmark as the load. What is compared, and how often, is the benchmarks' own.

export type Server = {
  /** Where clients are served; of ticketd's nodes the first leads. */
  readonly ports: readonly number[];
  readonly pids: number[];
  stop(): Promise<void>;
};

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
  ports: readonly number[],
): Server {
  return {
    ports,
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

export async function startTicketd(count: number): Promise<Server> {
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
  return started(directory, processes, ports);
}

export async function startRedis(): Promise<Server> {
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
  return started(directory, [process], [port]);
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

export type Figures = {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
};

export async function load(
  port: number,
  workload: { readonly flags: readonly string[]; readonly requests: number },
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
export function memory(pid: number, line: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(new RegExp(`${line}:\\s+(\\d+)`).exec(status)?.[1]);
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

export function short(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M`;
  return `${(perSecond / 1e3).toFixed(1)} k`;
}
