// redis-benchmark as the load: one process of it, or several at once when the clients are
// to be spread over several ports. Its own figures, checked for being figures at all.

import { sum } from "./figures.ts";
import { spawn } from "./processes.ts";

export type Load = {
  /** The clients are divided between them as evenly as may be. */
  readonly ports: readonly number[];
  readonly clients: number;
  readonly pipeline: number;
  /** Of all clients. */
  readonly requests: number;
  /** In words. */
  readonly command: string;
};

export type Figures = {
  readonly perSecond: number;
  /** Milliseconds from the sending of a pipeline to a reply. */
  readonly p50: number;
  readonly p99: number;
};

export async function load(options: Load): Promise<Figures> {
  const { ports, clients, requests } = options;
  const parts = ports.map((port, at) => {
    const share = Math.floor(clients / ports.length) +
      (at < clients % ports.length ? 1 : 0);
    return {
      port,
      clients: share,
      requests: Math.round(requests * share / clients),
    };
  });
  const all = await Promise.all(parts.map((part) => one(options, part)));
  // They start together, so all of them have ended when the longest has; its time divides
  // the whole sum. To add their rates would count, for the last ones, a time in which they
  // have the servers to themselves. Each one's time is what it says itself, without its
  // start, as it is with one process: its requests by its rate.
  const seconds = all.map(({ perSecond }, at) =>
    parts[at]!.requests / perSecond
  );
  return {
    perSecond: sum(parts.map((part) => part.requests)) / Math.max(...seconds),
    // A quantile of all of them together is not above the worst of theirs.
    p50: Math.max(...all.map(({ p50 }) => p50)),
    p99: Math.max(...all.map(({ p99 }) => p99)),
  };
}

async function one(
  { pipeline, command }: Load,
  part: {
    readonly port: number;
    readonly clients: number;
    readonly requests: number;
  },
): Promise<Figures> {
  const process = spawn("redis-benchmark", {
    args: [
      ...["-p", `${part.port}`, "-c", `${part.clients}`, "-P", `${pipeline}`],
      ...["-n", `${part.requests}`, "--csv", ...command.split(" ")],
    ],
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await process.output();
  const text = new TextDecoder().decode(stdout).trim();
  // "test","rps","avg","min","p50","p95","p99","max"
  const row = text.split("\n").at(-1)!;
  const fields = row.split(",").map((field) =>
    Number(field.replaceAll('"', ""))
  );
  const [perSecond = NaN, p50 = NaN, p99 = NaN] = [1, 4, 6].map((at) =>
    fields[at]
  );
  if (code !== 0 || !(perSecond > 0) || Number.isNaN(p50 + p99)) {
    const said = `${new TextDecoder().decode(stderr).trim()} ${row}`.trim();
    throw new Error(`redis-benchmark ended with ${code} and said: ${said}`);
  }
  return { perSecond, p50, p99 };
}
