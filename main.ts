// Starts the node and the client listener, waits for a signal or for the node's end, and
// exits with a code that says which: 0 as asked or removed from the cluster, 1 for a
// fault, 128 + n when a second signal cut the stop short. Or does what else the command
// line asks for: `status`.
// Where the node runs is `server/placement.ts`'s to say.

import deno from "./deno.json" with { type: "json" };
import { formatAddress, parseAddress } from "./base/address.ts";
import type { Door, FromNode, ToNode } from "./raft/channel/messages.ts";
import { Host } from "./raft/host.ts";
import { type Fields, lastWords, type Logger, openLog } from "./base/logger.ts";
import { placeNode } from "./server/placement.ts";
import { onceFree } from "./base/listen.ts";
import { TakeBox } from "./raft/channel/take_box.ts";
import { ClientCount } from "./server/client_count.ts";
import { type Config, parseConfig } from "./server/config.ts";
import { ClientService } from "./server/clients/client_service.ts";
import { limitsOf } from "./server/handles.ts";
import { IoThreads } from "./server/clients/io_threads.ts";
import { listen } from "./server/clients/listener.ts";
import { RaftLink } from "./server/tickets/raft_link.ts";
import { claimPort } from "./server/clients/shared_port.ts";
import { onParentsEnd, onSignals } from "./server/signals.ts";
import { status } from "./server/status.ts";

/** A stop, from the first signal to the exit, is done within 5 s. */
const stopMillis = 4500;

const workerUrl = new URL("./raft/worker.ts", import.meta.url);
const ioWorkerUrl = new URL("./server/clients/io_worker.ts", import.meta.url);

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
): Door<ToNode> {
  if (!inWorker) {
    const { port1, port2 } = new MessageChannel();
    const host = new Host(port2);
    port2.onmessage = (event) => host.doors.receive(event.data);
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
  const stopAsked = new AbortController();
  const { signal } = stopAsked;
  const asked = Promise.withResolvers<void>();
  const stop = () => {
    if (signal.aborted) return;
    asked.resolve();
    stopAsked.abort();
    log("info", "stopping");
    setTimeout(() => fail("could not stop in time"), stopMillis);
  };
  // Before all that may take long: by default a signal ends a process without a stop.
  onSignals({ log, stop });
  if (environment("TICKETD_WITH_PARENT") === "yes") {
    onParentsEnd(() => {
      log("warning", "the process that started this one has ended");
      stop();
    });
  }
  let front: ClientService | undefined;
  let over = false;
  const end = async (code: number, text: string, fields?: Fields) => {
    // The first end counts; what is told while it lasts may be its consequence.
    if (over) return await new Promise<never>(() => {});
    over = true;
    front?.abandon();
    log(code === 0 ? "info" : "error", text, fields);
    await lastWords();
    Deno.exit(code);
  };
  const fail = (reason: string, fields?: Fields) => end(1, reason, fields);
  onUncaught((error) =>
    fail(`a fault in ticketd: ${textOf(error)}`, { error })
  );
  try {
    const { limits, shares } = limitsOf(config.limits, config, log);
    const { peersMax } = shares;
    const place = await placeNode({ ...config.node, peersMax }, {
      storage: config.storage,
      canReadCode: canRead(workerUrl),
      log,
    });
    const ready = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    const node = connectNode(place.inWorker, {
      receive: (message) => {
        if (!over) link.receive(message);
      },
      died: (reason) => fail(`the node died: ${reason}`),
    });
    const { timeoutMillis } = config;
    const asksAgain = config.node.forward !== "no";
    const link = new RaftLink(node, {
      takeBox: place.inWorker ? new TakeBox() : undefined,
      timeoutMillis,
      asksAgain,
      ready: ready.resolve,
      removed: stop,
      stopped: (error) => {
        if (error !== undefined || !signal.aborted) {
          fail(error ?? "the node ended");
        } else stopped.resolve();
      },
      broken: (error) => fail(`the dispenser is broken: ${error}`),
    });
    const { version } = deno;
    const clientCount = new ClientCount(limits);
    const { idleSeconds } = config.limits;
    const { refusalsMax } = shares;
    const each = { timeoutMillis, version, refusalsMax, idleSeconds };
    front = new ClientService({ link, clientCount, log, ...each });
    const isShared = mayShare(config, { inWorker: place.inWorker, log });
    const claim = isShared
      ? await onceFree(() => claimPort(config.clientListen), { log, signal })
      : undefined;
    const socket = claim?.socket ??
      await onceFree(() => listen(config.clientListen), { log, signal });
    const threads = new IoThreads({
      count: claim === undefined ? 0 : config.ioThreads - 1,
      spawn: (name) => new Worker(ioWorkerUrl, { type: "module", name }),
      openDoor: (port, takeBoxMemory) => link.openDoor(port, takeBoxMemory),
      died: (reason) => fail(`a thread that serves clients died: ${reason}`),
      each: {
        ...each,
        asksAgain,
        limits: { ...limits, memory: clientCount.memory },
        log: { level: config.node.logLevel, format: config.node.logFormat },
      },
    });
    // Nothing has begun yet that would have to be ended.
    signal.throwIfAborted();
    link.start({
      ...place.options,
      clientAddress: withPort(config.node.clientAddress, socket.addr.port),
    });
    await Promise.race([ready.promise, asked.promise]);
    if (!signal.aborted) {
      front.serve(socket);
      if (claim !== undefined) {
        await Promise.race([threads.serve(claim.address), asked.promise]);
      }
    }
    if (!signal.aborted) {
      log("info", `serves clients on ${formatAddress(config.clientListen)}`);
      await asked.promise;
    }
    await Promise.all([front.close(), threads.close()]);
    link.stop();
    await stopped.promise;
    claim?.lock.close();
    return await end(0, "stopped");
  } catch (error) {
    return signal.aborted && error === signal.reason
      ? await end(0, "stopped")
      : await fail(textOf(error));
  }
}

/** Deno would write of it where it may have to wait for ever, with the node still leading. */
function onUncaught(fail: (error: unknown) => void): void {
  addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error ?? event.message);
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether several isolates serve clients: a service that runs on must not fail at that. */
function mayShare(
  { ioThreads }: Config,
  { inWorker, log }: { readonly inWorker: boolean; readonly log: Logger },
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

/** A reader that has seen enough (`| head`) and a full disk are no faults of ours. */
function print(text: string): void {
  try {
    console.log(text);
  } catch {
    Deno.exit(1);
  }
}

const parsed = parseConfig(Deno.args, environment);
switch (parsed.type) {
  case "run":
    await serve(parsed.config);
    break;
  case "status": {
    const { table, fault } = await status(parsed.address);
    if (table !== "") print(table);
    if (fault !== undefined) console.error(fault);
    Deno.exit(fault === undefined ? 0 : 1);
    break;
  }
  case "print":
    print(parsed.text.trimEnd());
    break;
  case "error":
    console.error(parsed.text);
    Deno.exit(1);
    break;
  default:
    parsed satisfies never;
}
