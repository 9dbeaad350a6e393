// Starts the node and the client listener, waits for a signal or for the node's end, and
// exits with a code that says which: 0 as asked, 1 for a fault, 128 + n when a second
// signal cut the stop short.
//
// The node runs in a Web Worker. Deno lets nobody start one, or read a log back, without
// --allow-read; then it runs here, behind the same channel, on Deno KV's default store,
// which needs no permission.

import { resolve } from "node:path";
import deno from "./deno.json" with { type: "json" };
import { formatAddress } from "./raft/address.ts";
import type { FromNode, NodeOptions, StorageKind } from "./raft/channel.ts";
import { Host } from "./raft/host.ts";
import { type Log, openLog } from "./raft/logger.ts";
import { type Config, parseConfig } from "./server/config.ts";
import { listen, Listener } from "./server/listener.ts";
import { RaftLink } from "./server/raft_link.ts";
import { hasDefaultStore } from "./storage/kv.ts";

/** A stop, from the first signal to the exit, is done within 5 s; this part drains. */
const drainMillis = 2000;
const stopMillis = 4500;

const workerUrl = new URL("./raft/worker.ts", import.meta.url);

/** Reads a variable without asking: a prompt would hang a service. */
function environment(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}

function canReadCode(): boolean {
  return Deno.build.standalone ||
    Deno.permissions.querySync({ name: "read", path: workerUrl }).state ===
      "granted";
}

/** Where the log is kept, and in which isolate the node may run. */
type Place = { readonly options: NodeOptions; readonly inWorker: boolean };

async function placeNode(config: Config, log: Log): Promise<Place> {
  const { node } = config;
  if (canReadCode()) {
    const storage: StorageKind = config.storage === "kv" ? "kv" : "file";
    const options = { ...node, storage };
    if (node.join.length === 0) await refuseSecondStart(options);
    return { options, inWorker: true };
  }
  if (config.storage === "file") {
    throw new Error(
      "--storage file needs --allow-read, to read the log back after a restart",
    );
  }
  if (!isStandard(node)) {
    throw new Error(
      `--dir needs --allow-read; without it the data lie in Deno KV's default store`,
    );
  }
  refuseForgottenFiles(node);
  log(
    "warning",
    "runs without a worker, on Deno KV's default store: add --allow-read for a " +
      "node in an isolate of its own and the faster file log",
  );
  return {
    options: { ...node, storage: "kv", directory: undefined },
    inWorker: false,
  };
}

/**
 * A node whose tickets are in the default store, from a run without --allow-read, must
 * not begin again at 1 because this run may read.
 */
async function refuseSecondStart(node: NodeOptions): Promise<void> {
  const { id, directory } = node;
  if (Deno.build.standalone || directory === undefined) return;
  if (!isStandard(node) || exists(directory)) return;
  if (!await hasDefaultStore(id)) return;
  throw new Error(
    `node ${id} keeps its tickets in Deno KV's default store, from a run without ` +
      `--allow-read; run it so again, or choose another --id`,
  );
}

/** The same the other way round; without reading, a directory shows by being there. */
function refuseForgottenFiles({ id, directory }: Config["node"]): void {
  if (directory === undefined) return;
  const { state } = Deno.permissions.querySync({
    name: "write",
    path: directory,
  });
  if (state !== "granted") return;
  try {
    Deno.mkdirSync(directory);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) return;
    throw new Error(
      `node ${id} keeps its tickets in ${directory}; add --allow-read to use them, or ` +
        `choose another --id`,
    );
  }
  Deno.removeSync(directory);
}

/** Whether a node's data lie where they do without --dir; the default store is its twin. */
function isStandard({ id, directory = "" }: Config["node"]): boolean {
  return resolve(directory) === resolve("data", id);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    // What cannot be looked at is the storage's to complain about.
    return !(error instanceof Deno.errors.NotFound);
  }
}

/** Connects `link` to a node in a worker, or here. */
function connectNode(
  inWorker: boolean,
  { receive, died }: {
    receive: (message: FromNode) => void;
    died: (reason: string) => void;
  },
): { postMessage(message: unknown): void } {
  if (!inWorker) {
    const { port1, port2 } = new MessageChannel();
    const host = new Host(port2);
    port2.onmessage = (event) => host.receive(event.data);
    port1.onmessage = (event) => receive(event.data);
    return port1;
  }
  const worker = new Worker(workerUrl, { type: "module", name: "raft" });
  worker.onmessage = (event) => receive(event.data);
  worker.onerror = (event) => {
    event.preventDefault();
    died(event.message);
  };
  return worker;
}

async function serve(config: Config): Promise<never> {
  const log = openLog({
    level: config.node.logLevel,
    format: config.node.logFormat,
    source: "server",
  });
  const fail = (reason: string): never => {
    log("error", reason);
    Deno.exit(1);
  };
  try {
    const place = await placeNode(config, log);
    const ready = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    let stopping = false;
    const link: RaftLink = new RaftLink(
      connectNode(place.inWorker, {
        receive: (message) => link.receive(message),
        died: (reason) => fail(`the node died: ${reason}`),
      }),
      {
        ready: ready.resolve,
        stopped: (error) => {
          if (error !== undefined || !stopping) fail(error ?? "the node ended");
          stopped.resolve();
        },
      },
    );
    const socket = listen(config.clientListen);
    const signalled = onSignals(() => stopping = true);
    link.start(place.options);
    await Promise.race([ready.promise, signalled]);
    let listener: Listener | undefined;
    if (!stopping) {
      listener = new Listener(socket, { link, version: deno.version });
      log("info", `serves clients on ${formatAddress(config.clientListen)}`);
      await signalled;
    }
    log("info", "stopping");
    const timer = setTimeout(() => fail("could not stop in time"), stopMillis);
    await listener?.close(drainMillis);
    link.stop();
    await stopped.promise;
    clearTimeout(timer);
    log("info", "stopped");
    Deno.exit(0);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

/** Resolves at the first SIGTERM or SIGINT; the second ends the process at once. */
function onSignals(first: () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  for (const [name, number] of [["SIGINT", 2], ["SIGTERM", 15]] as const) {
    Deno.addSignalListener(name, () => {
      if (++count > 1) Deno.exit(128 + number);
      first();
      resolve();
    });
  }
  return promise;
}

const parsed = parseConfig(Deno.args, environment);
switch (parsed.type) {
  case "run":
    await serve(parsed.config);
    break;
  case "print":
    console.log(parsed.text);
    break;
  case "error":
    console.error(parsed.text);
    Deno.exit(1);
    break;
  default:
    parsed satisfies never;
}
