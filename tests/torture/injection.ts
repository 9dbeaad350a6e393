// Faults of the disk that a running node is made to meet: strace attaches to all of its
// threads and changes what chosen system calls on chosen files do. What strace wrote
// down is the proof that the fault has bitten, when, and what the node did after it.

import assert from "node:assert/strict";
import type { Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";

export type Call = {
  /** Milliseconds since 1970, when it began. */
  readonly at: number;
  readonly text: string;
};

export class Injection {
  readonly #child: Deno.ChildProcess;
  readonly #server: Server;
  readonly #path: string;
  #said = "";
  readonly #listening: Promise<void>;

  private constructor(server: Server, path: string, args: readonly string[]) {
    this.#server = server;
    this.#path = path;
    this.#child = new Deno.Command("strace", {
      args: ["-f", "-ttt", "-y", "-o", path, ...args, "-p", `${server.pid}`],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#listening = this.#listen();
  }

  /**
   * From now on each of `calls` on one of `paths` meets `fault`, in strace's words;
   * what was called and not stopped before is unharmed.
   */
  static async into(
    server: Server,
    { calls, fault, paths }: {
      calls: readonly string[];
      /** Of the first of `calls`; the others are written down only. */
      fault: string;
      paths: readonly string[];
    },
  ): Promise<Injection> {
    const path = await Deno.makeTempFile({ prefix: "strace-" });
    const injection = new Injection(server, path, [
      ...["-e", `trace=${calls.join(",")}`],
      ...["-e", `inject=${calls[0]}:${fault}`],
      ...paths.flatMap((path) => ["-P", path]),
    ]);
    await until(
      `strace attaches to node ${server.id}`,
      () => /attached/.test(injection.#said),
    );
    return injection;
  }

  /** All calls on the files, as strace wrote them, in the order of their beginnings. */
  get calls(): Call[] {
    return callsIn(Deno.readTextFileSync(this.#path));
  }

  get bitten(): Call[] {
    return this.calls.filter(({ text }) => /\((INJECTED|DELAYED)\)/.test(text));
  }

  /** How often the whole process was stopped; each of its threads has a line for it. */
  get stops(): number {
    const stop = `^${this.#server.pid} .*--- stopped by SIGSTOP ---$`;
    const text = Deno.readTextFileSync(this.#path);
    return [...text.matchAll(new RegExp(stop, "gm"))].length;
  }

  /** Waits until a call that met the fault is over. */
  async bites(): Promise<Call> {
    return await until(
      `a fault bites node ${this.#server.id}`,
      () => this.bitten[0],
    );
  }

  /** When the process ended, in milliseconds since 1970; strace ended with it. */
  async exited(): Promise<number> {
    await this.#listening;
    const text = Deno.readTextFileSync(this.#path);
    const last = [...text.matchAll(/ ([\d.]+) \+\+\+ exited with/g)].at(-1);
    assert.ok(last !== undefined, `strace saw no end:\n${text}`);
    return Number(last[1]) * 1000;
  }

  /** The node goes on unharmed. */
  async detach(): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended by itself
    }
    await this.#listening;
  }

  async #listen(): Promise<void> {
    const text = this.#child.stderr.pipeThrough(new TextDecoderStream());
    for await (const part of text) this.#said += part;
    await this.#child.status;
  }
}

/**
 * The calls in what strace wrote. One that another thread's overtook stands in two lines,
 * `NAME(… <unfinished ...>` and `<... NAME resumed>…`, of which the first has its time.
 */
export function callsIn(output: string): Call[] {
  const calls: { at: number; text: string }[] = [];
  const unfinished = new Map<string, { at: number; text: string }>();
  for (const line of output.split("\n")) {
    const [, pid, seconds, text] = /^(\d+)\s+([\d.]+) (.*)/.exec(line) ?? [];
    if (pid === undefined || text === undefined) continue;
    const resumed = /^<\.\.\. \w+ resumed>(.*)/.exec(text);
    if (resumed !== null) {
      const call = unfinished.get(pid);
      if (call !== undefined) call.text += resumed[1];
      unfinished.delete(pid);
    } else if (/^\w+\(/.test(text)) {
      const call = {
        at: Number(seconds) * 1000,
        text: text.replace(/ <unfinished \.\.\.>$/, ""),
      };
      calls.push(call);
      if (call.text !== text) unfinished.set(pid, call);
    }
  }
  return calls;
}
