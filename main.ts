// The process, from the command line to its exit code (`base/exit_codes.ts`): serves, or does
// what else the command line asks for, such as a tool of `admin/`. In the order of a start:
// where the node runs, the node, serving, and how the process ends. Not here: the clients'
// port and the isolates behind it (`server/clients/client_port.ts`).

import { backup, realWorld, stopSignal } from "./admin/backup.ts";
import { check } from "./admin/check.ts";
import { inspect } from "./admin/inspect.ts";
import { recover } from "./admin/recover.ts";
import { restore } from "./admin/restore.ts";
import { status } from "./admin/status.ts";
import { terminal } from "./admin/terminal.ts";
import { formatAddress, parseAddress } from "./base/address.ts";
import { exitCodes } from "./base/exit_codes.ts";
import { type Logger, openLog } from "./base/logger.ts";
import { UsageError } from "./base/usage_error.ts";
import type { Door, FromNode, ToNode } from "./raft/channel/messages.ts";
import { TakeBox } from "./raft/channel/take_box.ts";
import { Host } from "./raft/host.ts";
import { ClientCount } from "./server/client_count.ts";
import {
  asksAgain,
  eachIsolate,
  ioThreads,
  mayShare,
  openClientPort,
} from "./server/clients/client_port.ts";
import { ClientService } from "./server/clients/client_service.ts";
import { type Config, parseConfig } from "./server/config.ts";
import { limitsOf } from "./server/file_handles.ts";
import { yesOrNo } from "./server/flags.ts";
import {
  environmentNames,
  environmentVariable,
  mayReadCode,
} from "./server/permissions.ts";
import { placeNode } from "./server/placement.ts";
import { onUncaught, ProcessEnd } from "./server/process_end.ts";
import { onParentsEnd, onSignals } from "./server/signals.ts";
import { RaftLink } from "./server/tickets/raft_link.ts";
import type { ToolTask } from "./server/tools.ts";
import { unknownVariables, withParent } from "./server/unknown_variables.ts";

const workerUrl = new URL("./raft/worker.ts", import.meta.url);

const parsed = parseConfig(Deno.args, environmentVariable);
switch (parsed.type) {
  case "run":
    await serve(parsed.config);
    break;
  case "print":
    terminal.out(parsed.text.trimEnd());
    break;
  case "error":
    terminal.error(parsed.text);
    Deno.exit(exitCodes.usage);
    break;
  default:
    Deno.exit(await runTool(parsed).catch(toolFailed));
}

/** Tools tell the faults of the world themselves: this is one of ours. */
function toolFailed(error: unknown): number {
  terminal.error(`a fault in ticketd: ${textOf(error)}`);
  return exitCodes.fault;
}

/** The exit code of a tool that does its work and ends. */
async function runTool(task: ToolTask): Promise<number> {
  switch (task.type) {
    case "status":
      return await status(task, terminal);
    case "backup":
      return await backup(task, realWorld(terminal, stopSignal()));
    case "restore":
      return await restore(task, terminal);
    case "recover":
      return await recover(task, terminal);
    case "check":
      return await check(task, terminal);
    case "inspect":
      return await inspect(task, terminal);
    default:
      return task satisfies never;
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
  for (const text of unknownVariables(environmentNames())) log("warning", text);
  try {
    await serveUntilStopped(config, { end, log });
    return await end.exitStopped();
  } catch (error) {
    const { signal } = end;
    if (signal.aborted && error === signal.reason) {
      return await end.exitStopped();
    }
    return error instanceof UsageError
      ? await end.refuse(error)
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
    canReadCode: mayReadCode(workerUrl),
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
    clientListen: { ...config.clientListen, port },
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
    removed: () => end.stop({ removed: true }),
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

/** `text`, an address, with the port that the system chose for `:0`. */
function withPort(text: string, chosen: number): string {
  const { host = "", port = 0 } = parseAddress(text) ?? {};
  return formatAddress({ host, port: port === 0 ? chosen : port });
}

// The end.

/** Lets signals, the end of the parent process and uncaught errors end this process. */
function heedSystem(end: ProcessEnd, log: Logger): void {
  onSignals({ log, stop: () => end.stop() });
  if (yesOrNo.parse(environmentVariable(withParent) ?? "no") === true) {
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
