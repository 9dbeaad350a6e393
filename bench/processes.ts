// Every process and every directory that a benchmark starts or makes, so that none is left
// behind however it ends: by itself, by an error or by Ctrl-C. Each process is ended by
// its own id, politely first.

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

/** A process that has not ended so long after SIGTERM is killed. */
const politeMillis = 15_000;

const processes = new Set<Deno.ChildProcess>();
const directories = new Set<string>();
let isEnding = false;

/** Starts a program that `end` or `endAll` ends, if it does not end itself. */
export function spawn(
  program: string,
  options: Deno.CommandOptions,
): Deno.ChildProcess {
  assertGoesOn();
  // A process group of its own: Ctrl-C reaches only the benchmark, which ends it.
  const process = new Deno.Command(program, { ...options, detached: true })
    .spawn();
  processes.add(process);
  process.status.then(() => processes.delete(process));
  return process;
}

function assertGoesOn(): void {
  if (isEnding) throw new Error("the benchmark is ending");
}

export async function end(process: Deno.ChildProcess): Promise<void> {
  const timer = setTimeout(() => signal(process, "SIGKILL"), politeMillis);
  signal(process, "SIGTERM");
  await process.status;
  clearTimeout(timer);
}

function signal(process: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    process.kill(name);
  } catch {
    // It has ended already.
  }
}

/** On the disk that TICKETD_BENCH_DIR names, or where the system has such directories. */
export function makeDirectory(): string {
  assertGoesOn();
  const benchDir = Deno.env.get("TICKETD_BENCH_DIR");
  const directory = Deno.makeTempDirSync({
    ...(benchDir === undefined ? {} : { dir: benchDir }),
    prefix: "ticketd_bench_",
  });
  directories.add(directory);
  return directory;
}

export function removeDirectory(directory: string): void {
  if (!directories.delete(directory)) return;
  Deno.removeSync(directory, { recursive: true });
}

/** Nothing is started any more; what runs is ended, what was made removed. */
export async function endAll(): Promise<void> {
  isEnding = true;
  await Promise.all([...processes].map(end));
  for (const directory of directories) removeDirectory(directory);
}

/** Ctrl-C may come twice, from the terminal and from `deno task`: the first one counts. */
function endOnSignals(): void {
  for (
    const [name, number] of [
      ["SIGINT", 2],
      ["SIGTERM", 15],
      ["SIGHUP", 1],
    ] as const
  ) {
    Deno.addSignalListener(name, async () => {
      if (isEnding) return;
      await endAll();
      Deno.exit(128 + number);
    });
  }
}

/** An error that no `await` leads to the benchmark itself. */
function endOnStrayErrors(): void {
  addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error);
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
}

async function fail(error: unknown): Promise<void> {
  // A process that ends with the benchmark fails because of that: it is not what went wrong.
  if (isEnding) return;
  console.error(error instanceof Error ? error.message : error);
  await endAll();
  Deno.exit(1);
}

/** Runs a benchmark; whatever becomes of it, nothing stays. */
export async function run(benchmark: () => Promise<void>): Promise<void> {
  endOnSignals();
  endOnStrayErrors();
  try {
    await benchmark();
  } catch (error) {
    return await fail(error);
  }
  await endAll();
  Deno.exit(0);
}
