// The load of every benchmark, a process of its own: so many connections, each of which keeps
// one pipeline of tickets under way and sends the next when the last reply has come. Requests
// are made once and written in one piece; nothing waits on a promise for each. Every reply is
// checked. `load.ts` starts it.
//
//   closed_loop.ts PLAN     PLAN is JSON, a `Plan`
//
// It prints a line when the warm-up is over, and a line of JSON, an `Outcome`, at the end.

// deno-lint-ignore-file no-console -- it speaks to the process that started it

import { connect, type Socket } from "node:net";
import { Histogram, type HistogramJson } from "./histogram.ts";
import { nameWord } from "./name_word.ts";
import { type Expected, ReplyChecker } from "./reply_checker.ts";

export type Plan = {
  /** The connections go round them, so that each has as many as the next, or one more. */
  readonly ports: readonly number[];
  readonly clients: number;
  /** Tickets in one write. */
  readonly pipeline: number;
  /** The commands that make one ticket, in words; `nameWord` stands for a name of `names`. */
  readonly commands: readonly (readonly string[])[];
  /** How many sequences there are, each as likely as the others; 1 if it is left out. */
  readonly names?: number | undefined;
  /** Numbers that each of these asks for, together; 1 if it is left out. */
  readonly numbers?: number | undefined;
  /** Of the lines that answer them. */
  readonly expected: readonly Expected[];
  /** Before anything is counted. */
  readonly warmUpSeconds: number;
  readonly until: { readonly seconds: number } | { readonly tickets: number };
};

export type Outcome = {
  readonly seconds: number;
  /** That were answered in this time. */
  readonly tickets: number;
  /** From the sending of a pipeline to each of its replies, of all that was sent in this time. */
  readonly latency: HistogramJson;
  /** Why the run says nothing; empty if nothing went wrong. */
  readonly failure: string;
};

/** At a time: more would overflow the queue of a server that accepts. */
const connectingMax = 100;
/** A request that has no reply so long after the end never gets one. */
const drainMillisMax = 30_000;

const plan: Plan = JSON.parse(Deno.args[0]!);
const { names = 1 } = plan;
/** Pipelines that are ready to be sent: so many that about all names are among them. */
const requests = Array.from(
  { length: names === 1 ? 1 : Math.ceil(4 * names / plan.pipeline) },
  () => new TextEncoder().encode(pipeline()),
);
const ticketsMax = "tickets" in plan.until ? plan.until.tickets : Infinity;

const latency = new Histogram();
let phase: "warm-up" | "measured" | "draining" = "warm-up";
let beganMillis = 0;
let endedMillis = 0;
/** Since the warm-up. */
let asked = 0;
let tickets = 0;

function pipeline(): string {
  let text = "";
  for (let i = 0; i < plan.pipeline; i++) {
    for (const words of plan.commands) text += resp(words);
  }
  return text;
}

function resp(words: readonly string[]): string {
  const named = words.map((word) =>
    word === nameWord ? `bench:${Math.floor(Math.random() * names)}` : word
  );
  return `*${named.length}\r\n` +
    named.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
}

class Client {
  readonly replies = new ReplyChecker(plan.expected);
  readonly #socket: Socket;
  /** Replies to the pipeline under way that have not come. */
  #open = 0;
  #sentMillis = 0;
  #isMeasured = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes) => this.#receive(bytes));
    socket.on("error", ({ message }) => fail(message));
    socket.on("close", () => fail("the server closed a connection"));
  }

  get isWaiting(): boolean {
    return this.#open > 0;
  }

  /** Unless enough has been sent. */
  send(nowMillis: number): void {
    if (phase === "draining" || asked >= ticketsMax) return;
    this.#isMeasured = phase === "measured";
    if (this.#isMeasured) asked += plan.pipeline;
    this.#open = plan.pipeline;
    this.#sentMillis = nowMillis;
    const at = Math.floor(Math.random() * requests.length);
    this.#socket.write(requests[at]!);
  }

  #receive(bytes: Uint8Array): void {
    const nowMillis = performance.now();
    const count = this.replies.feed(bytes);
    this.#open -= count;
    if (this.#isMeasured) {
      latency.record((nowMillis - this.#sentMillis) * 1000, count);
    }
    if (phase === "measured") {
      tickets += count;
      if (tickets >= ticketsMax) endMeasured();
    }
    if (this.#open < 0) fail("there were more replies than requests");
    else if (this.#open === 0) this.send(nowMillis);
    if (phase === "draining") endWhenDrained();
  }
}

const clients: Client[] = [];

function connectOne(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.once("connect", resolve);
    clients.push(new Client(socket));
  });
}

function beginMeasured(): void {
  phase = "measured";
  beganMillis = performance.now();
  console.log("measured from here");
  if ("seconds" in plan.until) {
    setTimeout(endMeasured, plan.until.seconds * 1000);
  }
}

/** What is under way is answered yet: a request that met a stall belongs to the latencies. */
function endMeasured(): void {
  phase = "draining";
  endedMillis = performance.now();
  setTimeout(() => {
    const waiting = clients.filter(({ isWaiting }) => isWaiting).length;
    fail(`${waiting} clients had no reply ${drainMillisMax / 1000} s later`);
  }, drainMillisMax);
  endWhenDrained();
}

function endWhenDrained(): void {
  if (clients.some(({ isWaiting }) => isWaiting)) return;
  const faults = clients.reduce((sum, { replies }) => sum + replies.faults, 0);
  const first = clients.find(({ replies }) => replies.faults > 0);
  end(
    faults === 0 ? "" : `${faults} bad replies: ${first?.replies.firstFault}`,
  );
}

function fail(reason: string): never {
  return end(reason);
}

function end(failure: string): never {
  const seconds = (endedMillis - beganMillis) / 1000;
  const outcome: Outcome = {
    ...{ seconds, tickets, failure },
    latency: latency.toJSON(),
  };
  console.log(JSON.stringify(outcome));
  Deno.exit(failure === "" ? 0 : 1);
}

while (clients.length < plan.clients) {
  const first = clients.length;
  const count = Math.min(connectingMax, plan.clients - first);
  await Promise.all(
    Array.from(
      { length: count },
      (_, i) => connectOne(plan.ports[(first + i) % plan.ports.length]!),
    ),
  );
}
if (plan.warmUpSeconds === 0) beginMeasured();
else setTimeout(beginMeasured, plan.warmUpSeconds * 1000);
for (const client of clients) client.send(performance.now());
