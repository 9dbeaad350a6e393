// docs/RECIPES.md, typed: every recipe on a node of its own, every command as it stands there,
// and every line of the answers compared. The document is the test's only source, so that the
// two cannot drift apart.
//
// A block of code that begins with ```redis holds commands behind `> ` (ticketd) or `old> ` (a
// Redis that somebody comes from), each followed by what redis-cli prints at a terminal.
// Commands to the same server that follow each other in a block are typed on one connection.

import assert from "node:assert/strict";
import { e2e, type Lab, redisTool } from "../lib/harness.ts";
import type { Need } from "../lib/needs.ts";
import { freePort } from "../lib/ports.ts";
import { read } from "../lib/source_tree.ts";

/** What is typed on one connection, and what comes of it. */
type Session = {
  /** Of the prompt: `old`, or nothing. */
  readonly server: string;
  readonly commands: string[];
  readonly answers: string[];
};

type Recipe = { readonly name: string; readonly sessions: readonly Session[] };

function recipesOf(text: string): Recipe[] {
  const sections = text.split(/^## /m).slice(1);
  return sections.map((section) => ({
    name: section.split("\n")[0]!,
    sessions: [...section.matchAll(/^( *)```redis\n(.*?)^ *```$/gms)].flatMap(
      ([, indent, block]) => sessionsOf(block!, indent!.length),
    ),
  }));
}

function sessionsOf(block: string, indent: number): Session[] {
  const sessions: Session[] = [];
  let session: Session | undefined;
  for (const line of block.trimEnd().split("\n")) {
    const text = line.slice(indent);
    const [, server, command] = /^(\w*)> (.+)$/.exec(text) ?? [];
    if (server === undefined || command === undefined) {
      assert.ok(session !== undefined, `an answer to nothing: ${text}`);
      session.answers.push(text);
    } else if (session?.server === server) session.commands.push(command);
    else {
      session = { server, commands: [command], answers: [] };
      sessions.push(session);
    }
  }
  return sessions;
}

const recipes = recipesOf(read("docs/RECIPES.md"));

Deno.test("The recipes are found in their document", () => {
  assert.ok(recipes.length >= 8);
  for (const { name, sessions } of recipes) {
    assert.ok(sessions.length > 0, name);
    for (const { server, commands, answers } of sessions) {
      assert.ok(answers.length >= commands.length, `${name}: ${commands}`);
      assert.match(server, /^(old)?$/, `${name}: ${commands}`);
    }
  }
});

for (const { name, sessions } of recipes) {
  const comesFromRedis = sessions.some(({ server }) => server === "old");
  const needs: Need[] = comesFromRedis
    ? ["redis-cli", "redis-server"]
    : ["redis-cli"];
  e2e(
    `The recipe "${name}" does what docs/RECIPES.md shows`,
    async (lab) => {
      const node = await lab.server().start();
      await using old = comesFromRedis ? await Old.start(lab) : undefined;
      for (const { server, commands, answers } of sessions) {
        const port = server === "" ? node.port : old!.port;
        const typed = commands.join("\n");
        const args = ["-p", `${port}`, "--no-raw"];
        const { stdout, stderr } = await redisTool(
          "redis-cli",
          args,
          `${typed}\n`,
        );
        assert.equal(stderr, "");
        assert.equal(stdout.trimEnd(), answers.join("\n"), typed);
      }
    },
    { needs },
  );
}

/** A Redis that keeps nothing, from which somebody moves. */
class Old implements AsyncDisposable {
  readonly port = freePort();
  readonly #child: Deno.ChildProcess;

  static async start(lab: Lab): Promise<Old> {
    const old = new Old(lab.directory);
    await lab.serves(old.port);
    return old;
  }

  private constructor(directory: string) {
    this.#child = new Deno.Command("redis-server", {
      args: ["--port", `${this.port}`, "--save", "", "--dir", directory],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}
