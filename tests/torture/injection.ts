// Disk faults for a running node: strace attaches to all of its threads and changes what chosen
// system calls on chosen files do. The output of strace proves that the fault has bitten, when
// it did, and what the node did afterwards.

import assert from "node:assert/strict";
import type { Server } from "../lib/server.ts";
import { until, within } from "../lib/until.ts";

/** A system call, as strace wrote it. */
export type Call = {
  /** When it began, in milliseconds since 1970. */
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
   * From now on the first of `calls` meets `fault` (as strace spells it) on any of `paths`.
   * Calls that are under way already do not.
   */
  static async into(
    server: Server,
    { calls, fault, paths }: {
      calls: readonly string[];
      /** Hits the first of `calls`; the others are only recorded. */
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

  /** All recorded calls on the files, in the order in which they began. */
  get calls(): Call[] {
    return callsIn(Deno.readTextFileSync(this.#path));
  }

  /** The calls that met the fault. */
  get bitten(): Call[] {
    return this.calls.filter(({ text }) => /\((INJECTED|DELAYED)\)/.test(text));
  }

  /** How often the process was stopped; each of its threads has a line for it, one counts. */
  get stops(): number {
    const stop = `^${this.#server.pid} .*--- stopped by SIGSTOP ---$`;
    const text = Deno.readTextFileSync(this.#path);
    return [...text.matchAll(new RegExp(stop, "gm"))].length;
  }

  /** Waits until a call that met the fault has ended. */
  async bites(): Promise<Call> {
    return await until(
      `a fault bites node ${this.#server.id}`,
      () => this.bitten[0],
    );
  }

  /** Waits until the process and strace have ended: when, in milliseconds since 1970. */
  async exited(): Promise<number> {
    await this.#ended();
    const text = Deno.readTextFileSync(this.#path);
    const last = [...text.matchAll(/ ([\d.]+) \+\+\+ exited with/g)].at(-1);
    assert.ok(last !== undefined, `strace saw no end:\n${text}`);
    return Number(last[1]) * 1000;
  }

  /** Ends strace; the node goes on unharmed. */
  async detach(): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended by itself
    }
    await this.#ended();
  }

  async #ended(): Promise<void> {
    await within(
      `strace of node ${this.#server.id} has ended`,
      this.#listening,
    );
  }

  async #listen(): Promise<void> {
    const text = this.#child.stderr.pipeThrough(new TextDecoderStream());
    for await (const part of text) this.#said += part;
    await this.#child.status;
  }
}

/**
 * The calls in the output of strace. A call that another thread's has overtaken has two lines,
 * `NAME(… <unfinished ...>` and `<... NAME resumed>…`; its time is that of the first.
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
