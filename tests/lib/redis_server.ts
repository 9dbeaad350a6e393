// A redis-server of a test: on a port of its own, in memory alone, ended with the test. For
// tests that compare replies; they need the program `redis-server`.

import { exchange } from "./client.ts";
import { freePort } from "./ports.ts";
import { withPackage } from "./needs.ts";
import { until } from "./until.ts";

/** A running redis-server. */
export type RedisServer = AsyncDisposable & { readonly port: number };

/** Starts one, and waits until it answers. */
export async function startRedis(): Promise<RedisServer> {
  const port = freePort();
  const directory = await Deno.makeTempDir();
  const child = spawn([
    ...["--port", `${port}`, "--bind", "127.0.0.1", "--dir", directory],
    ...["--save", "", "--appendonly", "no", "--databases", "1"],
  ]);
  await until("redis-server answers", async () => {
    const reply = await exchange(port, "PING\r\n").catch(() => "");
    return reply === "+PONG\r\n";
  });
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(directory, { recursive: true });
    },
  };
}

function spawn(args: readonly string[]): Deno.ChildProcess {
  try {
    const command = new Deno.Command("redis-server", {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    return command.spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `${withPackage("redis-server")} is missing, and not named in needs`,
    );
  }
}
