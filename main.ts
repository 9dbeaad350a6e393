// Starts the node and the client listener, waits for a signal or for the node's end, and
// exits with a code that says which: 0 as asked or removed from the cluster, 1 for a
// fault, 128 + n when a second signal cut the stop short. Or does what else the command
// line asks for: `status`.
// Where the node runs is `raft/place.ts`'s to say.

import deno from "./deno.json" with { type: "json" };
import { formatAddress, parseAddress } from "./raft/address.ts";
import type { FromNode } from "./raft/channel.ts";
import { Host } from "./raft/host.ts";
import { type Log, openLog } from "./raft/logger.ts";
import { placeNode } from "./raft/place.ts";
import { TakeBox } from "./raft/take_box.ts";
import { Census, type CensusOptions } from "./server/census.ts";
import { type Config, parseConfig } from "./server/config.ts";
import { Front } from "./server/front.ts";
import {
  freeHandles,
  handlesFor,
  type HandleShares,
  shareHandles,
} from "./server/handles.ts";
import { IoThreads } from "./server/io_threads.ts";
import { listen } from "./server/listener.ts";
import { RaftLink } from "./server/raft_link.ts";
import { claimPort } from "./server/shared_port.ts";
import { status } from "./server/status.ts";

/** A stop, from the first signal to the exit, is done within 5 s. */
const stopMillis = 4500;
/** Two signals within this are one. */
const sameSignalMillis = 500;

const workerUrl = new URL("./raft/worker.ts", import.meta.url);
const ioWorkerUrl = new URL("./server/io_worker.ts", import.meta.url);

/** Reads a variable without asking: a prompt would hang a service. */
function environment(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}

function canRead(path: URL): boolean {
  return Deno.build.standalone ||
    Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

/** Connects `link` to a node in a worker, or here. */
function connectNode(
  inWorker: boolean,
  { receive, died }: {
    receive: (message: FromNode) => void;
    died: (reason: string) => void;
  },
): Pick<MessagePort, "postMessage"> {
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
    const { limits, shares } = limitsOf(config, log);
    const { peersMax } = shares;
    const place = await placeNode({ ...config.node, peersMax }, {
      storage: config.storage,
      canReadCode: canRead(workerUrl),
      log,
    });
    const ready = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    let stopping = false;
    const asked = Promise.withResolvers<void>();
    const stop = () => {
      stopping = true;
      asked.resolve();
    };
    const node = connectNode(place.inWorker, {
      receive: (message) => link.receive(message),
      died: (reason) => fail(`the node died: ${reason}`),
    });
    const { timeoutMillis } = config;
    const asksAgain = config.node.forward !== "no";
    const link = new RaftLink(node, {
      takes: place.inWorker ? new TakeBox() : undefined,
      timeoutMillis,
      asksAgain,
      ready: ready.resolve,
      removed: stop,
      stopped: (error) => {
        if (error !== undefined || !stopping) fail(error ?? "the node ended");
        stopped.resolve();
      },
      broken: (error) => fail(`the dispenser is broken: ${error}`),
    });
    const { version } = deno;
    const census = new Census(limits);
    const { idleSeconds } = config.limits;
    const { refusalsMax } = shares;
    const each = { timeoutMillis, version, refusalsMax, idleSeconds };
    const front = new Front({ link, census, log, ...each });
    const claim = mayShare(config, { inWorker: place.inWorker, log })
      ? claimPort(config.clientListen)
      : undefined;
    const socket = claim?.socket ?? listen(config.clientListen);
    onSignals(stop);
    const threads = new IoThreads({
      count: claim === undefined ? 0 : config.ioThreads - 1,
      spawn: (name) => new Worker(ioWorkerUrl, { type: "module", name }),
      openDoor: (port, takes) =>
        node.postMessage({ type: "door", takes }, [port]),
      died: (reason) => fail(`a thread that serves clients died: ${reason}`),
      each: {
        ...each,
        asksAgain,
        limits: { ...limits, memory: census.memory },
        log: { level: config.node.logLevel, format: config.node.logFormat },
      },
    });
    link.start({
      ...place.options,
      clientAddress: withPort(config.node.clientAddress, socket.addr.port),
    });
    await Promise.race([ready.promise, asked.promise]);
    if (!stopping) {
      front.serve(socket);
      if (claim !== undefined) {
        await Promise.race([threads.serve(claim.address), asked.promise]);
      }
    }
    if (!stopping) {
      log("info", `serves clients on ${formatAddress(config.clientListen)}`);
      await asked.promise;
    }
    log("info", "stopping");
    const timer = setTimeout(() => fail("could not stop in time"), stopMillis);
    await Promise.all([front.close(), threads.close()]);
    link.stop();
    await stopped.promise;
    clearTimeout(timer);
    claim?.lock.close();
    log("info", "stopped");
    Deno.exit(0);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

/** What clients may take: as much as is asked for, and as file handles allow. */
function limitsOf(
  { limits: { clientsMax, memoryMax }, ioThreads }: Config,
  log: Log,
): { limits: CensusOptions; shares: HandleShares } {
  const wanted = { clientsMax, ioThreads };
  const free = freeHandles(handlesFor(wanted));
  if (free === undefined) {
    const text =
      "cannot find out how many file handles there are; add --allow-write=/dev/null";
    log("debug", text);
  }
  const shares = shareHandles(free, wanted);
  if (shares.clientsMax < clientsMax) {
    log(
      "warning",
      `serves ${shares.clientsMax} clients at most, not ${clientsMax}, for there are ` +
        `only ${free} file handles: raise the limit (ulimit -n), or choose a lower ` +
        "--max-clients",
    );
  }
  const { placesKept } = shares;
  const limits = { clientsMax: shares.clientsMax, placesKept, memoryMax };
  return { limits, shares };
}

/** Whether several isolates serve clients: a service that runs on must not fail at that. */
function mayShare(
  { ioThreads }: Config,
  { inWorker, log }: { readonly inWorker: boolean; readonly log: Log },
): boolean {
  if (ioThreads === 1) return false;
  if (inWorker && canRead(ioWorkerUrl)) return true;
  log(
    "warning",
    `serves clients with 1 thread, not with ${ioThreads}, for no worker can be started: ` +
      "add --allow-read",
  );
  return false;
}

/** `text` with the port that the system chose for `:0`. */
function withPort(text: string, chosen: number): string {
  const { host = "", port = 0 } = parseAddress(text) ?? {};
  return formatAddress({ host, port: port === 0 ? chosen : port });
}

/**
 * Calls `first` at the first SIGTERM or SIGINT; a second one ends the process at once, unless
 * it comes so soon that it is the same: Ctrl-C reaches a process under `deno task` both
 * from the terminal and from the task.
 */
function onSignals(first: () => void): void {
  let firstMillis: number | undefined;
  for (const [name, number] of [["SIGINT", 2], ["SIGTERM", 15]] as const) {
    Deno.addSignalListener(name, () => {
      const now = performance.now();
      firstMillis ??= now;
      if (now - firstMillis > sameSignalMillis) Deno.exit(128 + number);
      first();
    });
  }
}

const parsed = parseConfig(Deno.args, environment);
switch (parsed.type) {
  case "run":
    await serve(parsed.config);
    break;
  case "status": {
    const { table, fault } = await status(parsed.address);
    if (table !== "") console.log(table);
    if (fault !== undefined) console.error(fault);
    Deno.exit(fault === undefined ? 0 : 1);
    break;
  }
  case "print":
    console.log(parsed.text.trimEnd());
    break;
  case "error":
    console.error(parsed.text);
    Deno.exit(1);
    break;
  default:
    parsed satisfies never;
}
