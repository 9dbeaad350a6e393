// The process, from the command line to its exit code: serves, or does what else the
// command line asks for (`status`, `--help`). In the order of a start: where the node
// runs, the node, the clients' port, serving, and how the process ends.
//
//   0         it was asked to stop, or the cluster removed its node
//   1         a fault
//   128 + n   a second signal, of number n, cut the stop short (`server/signals.ts`)

// deno-lint-ignore-file no-console -- it speaks to the terminal that started it

import deno from "./deno.json" with { type: "json" };
import { formatAddress, parseAddress } from "./base/address.ts";
import type { Port } from "./base/port.ts";
import { openWhenFree, type WaitOptions } from "./base/listen.ts";
import { type Logger, openLog } from "./base/logger.ts";
import type { Door, FromNode, ToNode } from "./raft/channel/messages.ts";
import { TakeBox } from "./raft/channel/take_box.ts";
import { Host } from "./raft/host.ts";
import { ClientCount } from "./server/client_count.ts";
import { ClientService } from "./server/clients/client_service.ts";
import type { IoOptions } from "./server/clients/io_thread.ts";
import { IoThreads } from "./server/clients/io_threads.ts";
import { listen } from "./server/clients/listener.ts";
import { type Claim, claimPort } from "./server/clients/shared_port.ts";
import { type Config, parseConfig } from "./server/config.ts";
import { limitsOf } from "./server/file_handles.ts";
import { placeNode } from "./server/placement.ts";
import { onUncaught, ProcessEnd } from "./server/process_end.ts";
import { onParentsEnd, onSignals } from "./server/signals.ts";
import { status } from "./server/status.ts";
import { RaftLink } from "./server/tickets/raft_link.ts";

const workerUrl = new URL("./raft/worker.ts", import.meta.url);
const ioWorkerUrl = new URL("./server/clients/io_worker.ts", import.meta.url);

const parsed = parseConfig(Deno.args, environmentVariable);
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

/** `undefined`, too, if it may not be read: to try would prompt at a terminal, and wait. */
function environmentVariable(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}

/** A reader that has seen enough (`| head`) and a full disk are no faults of ours. */
function print(text: string): void {
  try {
    console.log(text);
  } catch {
    Deno.exit(1);
  }
}

// Serving.

async function serve(config: Config): Promise<never> {
  const log = openLog({
    level: config.node.logLevel,
    format: config.node.logFormat,
    source: "server",
  });
  const end = new ProcessEnd(log);
  // Before all that may take long: by default a signal ends a process without a stop.
  heedSystem(end, log);
  try {
    await serveUntilStopped(config, { end, log });
    return await end.exit(0, "stopped");
  } catch (error) {
    const { signal } = end;
    return signal.aborted && error === signal.reason
      ? await end.exit(0, "stopped")
      : await end.fail(textOf(error));
  }
}

type Surroundings = { readonly end: ProcessEnd; readonly log: Logger };

/** Throws the signal's reason if the process is asked to stop before the node begins. */
async function serveUntilStopped(
  config: Config,
  { end, log }: Surroundings,
): Promise<void> {
  const { signal } = end;
  for (const own of config.ownInJoin) {
    log("debug", `--join ${own} is this node itself, and left out`);
  }
  const { limits, shares } = limitsOf(config.limits, config, log);
  const { peersMax, refusalsMax } = shares;
  const { inWorker, options } = await placeNode({ ...config.node, peersMax }, {
    storage: config.storage,
    canReadCode: canRead(workerUrl),
    log,
  });
  const { link, ready, stopped } = linkToNode(config, { inWorker, end });
  const clientCount = new ClientCount(limits);
  const each = eachIsolate(config, refusalsMax);
  const clients = new ClientService({ link, clientCount, log, ...each });
  end.clients = clients;
  const isShared = mayShare(config, { inWorker, log });
  const { socket, claim } = await openClientPort(config, isShared, {
    log,
    signal,
    earlyMax: shares.clientsMax,
  });
  const threads = ioThreads(config, {
    count: claim === undefined ? 0 : config.ioThreads - 1,
    link,
    limits: { ...limits, memory: clientCount.memory },
    each,
    end,
  });
  // Nothing has begun yet that would have to be ended.
  signal.throwIfAborted();
  const { port } = socket.address;
  link.start({
    ...options,
    clientAddress: withPort(config.node.clientAddress, port),
  });
  await Promise.race([ready, end.asked]);
  if (!signal.aborted) {
    clients.serve(socket);
    if (claim !== undefined) {
      await Promise.race([threads.serve(claim.address), end.asked]);
    }
  }
  if (!signal.aborted) {
    log("info", `serves clients on ${formatAddress(config.clientListen)}`);
    await end.asked;
  }
  await Promise.all([clients.close(), threads.close()]);
  link.stop();
  await stopped;
  claim?.lock.close();
}

// The node.

/** Without `--allow-read` Deno starts no worker from a local file. */
function canRead(path: URL): boolean {
  return Deno.build.standalone ||
    Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

type NodeLink = {
  readonly link: RaftLink;
  /** Clients can be served. */
  readonly ready: Promise<void>;
  /** The node has ended as it was asked to; if unasked, the process ends with it. */
  readonly stopped: Promise<void>;
};

/** Connects this isolate to a node that waits for its start. */
function linkToNode(
  config: Config,
  { inWorker, end }: { readonly inWorker: boolean; readonly end: ProcessEnd },
): NodeLink {
  const ready = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  const node = connectNode(inWorker, {
    receive: (message) => {
      if (!end.isOver) link.receive(message);
    },
    died: (reason) => end.fail(`the node died: ${reason}`),
  });
  const link = new RaftLink(node, {
    takeBox: inWorker ? new TakeBox() : undefined,
    timeoutMillis: config.timeoutMillis,
    asksAgain: asksAgain(config),
    ready: ready.resolve,
    removed: () => end.stop(),
    stopped: (error) => {
      if (error !== undefined || !end.signal.aborted) {
        end.fail(error ?? "the node ended");
      } else stopped.resolve();
    },
    broken: (error) => end.fail(`the dispenser is broken: ${error}`),
  });
  return { link, ready: ready.promise, stopped: stopped.promise };
}

/** Makes a node, in a worker or in this isolate; what is posted reaches it. */
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

/** Whether a TICKET outlives the leader that it was asked of. */
function asksAgain({ node: { forward } }: Config): boolean {
  return forward !== "no";
}

// The clients' port.

/** Whether several isolates may serve clients. If not, one does: the service must not fail. */
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

/** The claim is that of a port that further isolates share. Waits for a port in use. */
async function openClientPort(
  { clientListen }: Config,
  isShared: boolean,
  { earlyMax, ...waiting }: WaitOptions & { readonly earlyMax: number },
): Promise<
  { readonly socket: Port; readonly claim: Claim | undefined }
> {
  if (!isShared) {
    const socket = await openWhenFree(
      () => listen(clientListen, earlyMax),
      waiting,
    );
    return { socket, claim: undefined };
  }
  const claim = await openWhenFree(
    () => claimPort(clientListen, earlyMax),
    waiting,
  );
  return { socket: claim.socket, claim };
}

/** The settings that all isolates share which serve clients. */
function eachIsolate(config: Config, refusalsMax: number) {
  const { timeoutMillis, limits: { idleSeconds, keepAliveSeconds } } = config;
  const { version } = deno;
  return {
    timeoutMillis,
    version,
    refusalsMax,
    idleSeconds,
    keepAliveSeconds,
  };
}

/** The isolates that serve clients besides this one, `count` of them; begun, not serving. */
function ioThreads(
  config: Config,
  { count, link, limits, each, end }: {
    readonly count: number;
    readonly link: RaftLink;
    readonly limits: IoOptions["limits"];
    readonly each: ReturnType<typeof eachIsolate>;
    readonly end: ProcessEnd;
  },
): IoThreads {
  const { logLevel: level, logFormat: format } = config.node;
  return new IoThreads({
    count,
    spawn: (name) => new Worker(ioWorkerUrl, { type: "module", name }),
    openDoor: (port, takeBoxMemory) => link.openDoor(port, takeBoxMemory),
    died: (reason) => end.fail(`a thread that serves clients died: ${reason}`),
    each: {
      ...each,
      asksAgain: asksAgain(config),
      limits,
      log: { level, format },
    },
  });
}

/** `text`, an address, with the port that the system chose for `:0`. */
function withPort(text: string, chosen: number): string {
  const { host = "", port = 0 } = parseAddress(text) ?? {};
  return formatAddress({ host, port: port === 0 ? chosen : port });
}

// The end.

/** Lets signals, the end of the parent process and uncaught errors end this process. */
function heedSystem(end: ProcessEnd, log: Logger): void {
  onSignals({ log, stop: () => end.stop() });
  if (environmentVariable("TICKETD_WITH_PARENT") === "yes") {
    onParentsEnd(() => {
      log("warning", "the process that started this one has ended");
      end.stop();
    });
  }
  onUncaught((error) =>
    end.fail(`a fault in ticketd: ${textOf(error)}`, { error })
  );
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
