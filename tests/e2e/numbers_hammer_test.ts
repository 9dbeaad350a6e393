// TICKET, TICKET.LAST and TICKET.RAISE mixed in pipelines, on every node at once, while leaders
// are killed, stopped and asked to hand over. The checker judges all answers by the clock, and
// each connection by the order of its commands. Not here: each rule by itself (numbers_test.ts).

import assert from "node:assert/strict";
import { checkTickets, type Mark, type Ticket } from "../lib/checker.ts";
import type { Client, Reply } from "../lib/client.ts";
import { e2e } from "../lib/harness.ts";
import type { Server } from "../lib/server.ts";
import { until } from "../lib/until.ts";

type Command = "TICKET" | "TICKET.LAST" | `TICKET.RAISE ${bigint}`;

/** All clients of one test, and what they saw. */
class Hammer {
  readonly tickets: Ticket[] = [];
  readonly marks: Mark[] = [];
  highest = 0n;
  isOver = false;
  #connections = 0;

  async client(server: Server): Promise<void> {
    while (!this.isOver) {
      const connection = ++this.#connections;
      try {
        using client = await server.connect();
        while (!this.isOver) await this.#pipeline(client, connection);
      } catch (error) {
        // The node is down, or its answer would not keep the rules.
        if (error instanceof assert.AssertionError) throw error;
        await until(
          "the node is up again",
          () => server.ask("PING").catch(() => undefined),
        );
      }
    }
  }

  async #pipeline(client: Client, connection: number): Promise<void> {
    const commands = Array.from({ length: 1 + random(9) }, () => this.#draw());
    const requestedAt = performance.now();
    await client.send(commands.map((command) => `${command}\r\n`).join(""));
    let floor = 0n;
    for (const command of commands) {
      const reply = await client.reply();
      if (reply instanceof Error) continue; // no leader in time
      const receivedAt = performance.now();
      const number = numberOf(command, reply);
      const told = { requestedAt, receivedAt, number };
      if (command === "TICKET") {
        assert(number > floor, `${number} after ${floor}, in ${commands}`);
        this.tickets.push({ connection, ...told });
      } else if (command === "TICKET.LAST") {
        assert(number >= floor, `last ${number}, ${floor}, in ${commands}`);
        this.marks.push({ type: "last", ...told });
      } else this.marks.push({ type: "raise", ...told });
      if (number > floor) floor = number;
      if (number > this.highest) this.highest = number;
    }
  }

  #draw(): Command {
    const drawn = random(16);
    if (drawn === 0) return "TICKET.LAST";
    if (drawn > 1) return "TICKET";
    // Below the highest, within what is in hand, or above.
    const to = this.highest + BigInt(random(60) - 20);
    return `TICKET.RAISE ${to < 0n ? 0n : to}`;
  }

  async more(count: number): Promise<void> {
    const wanted = this.tickets.length + count;
    await until("more tickets are given", () => this.tickets.length >= wanted);
  }
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}

function numberOf(command: Command, reply: Reply): bigint {
  const [name, to] = command.split(" ");
  if (name !== "TICKET.RAISE") {
    assert.match(String(reply), /^\d+$/);
    return BigInt(String(reply));
  }
  assert.equal(reply, "OK");
  return BigInt(to!);
}

for (const count of [1, 3]) {
  e2e(
    `Pipelines of tickets, raises and last tickets keep their order through ${count} nodes' faults`,
    async (lab) => {
      const cluster = await lab.cluster(count);
      const hammer = new Hammer();
      const clients = cluster.servers.flatMap((server) =>
        Array.from({ length: 4 }, () => hammer.client(server))
      );
      const all = Promise.all(clients);
      const faults = async () => {
        for (const fault of ["transfer", "kill", "stop", "transfer", "kill"]) {
          await hammer.more(150);
          const leader = await cluster.leader();
          if (fault === "transfer") await leader.ask("RAFT.TRANSFER");
          else {
            await (fault === "kill" ? leader.kill() : leader.stop());
            await leader.start();
          }
        }
        await hammer.more(150);
        hammer.isOver = true;
      };
      await Promise.all([all, faults()]);
      checkTickets(hammer.tickets, { marks: hammer.marks });
      assert(hammer.marks.length > 50, `${hammer.marks.length} marks`);
    },
  );
}
