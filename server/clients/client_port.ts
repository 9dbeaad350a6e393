// The port that clients connect to, and the isolates that serve it, at the start of the
// process: one isolate with the port to itself, or several that share it (`--io-threads`).
// Not here: how a port is shared (`shared_port.ts`), how the isolates are led
// (`io_threads.ts`), and the order of a start (`main.ts`).

import { openWhenFree, type WaitOptions } from "../../base/listen.ts";
import type { Logger } from "../../base/logger.ts";
import type { Port } from "../../base/port.ts";
import type { Config } from "../config.ts";
import { mayReadCode } from "../permissions.ts";
import type { ProcessEnd } from "../process_end.ts";
import type { RaftLink } from "../tickets/raft_link.ts";
import type { IoOptions } from "./io_thread.ts";
import { IoThreads } from "./io_threads.ts";
import { listen } from "./listener.ts";
import { type Claim, claimPort } from "./shared_port.ts";

const workerUrl = new URL("./io_worker.ts", import.meta.url);

/** Whether several isolates may serve clients. If not, one does: the service must not fail. */
export function mayShare(
  { ioThreads }: Config,
  { inWorker, log }: { readonly inWorker: boolean; readonly log: Logger },
): boolean {
  if (ioThreads === 1) return false;
  if (inWorker && mayReadCode(workerUrl)) return true;
  log(
    "warning",
    `serves clients with 1 thread, not with ${ioThreads}, for no worker can be started: ` +
      "add --allow-read",
  );
  return false;
}

/** The claim is that of a port that further isolates share. Waits for a port in use. */
export async function openClientPort(
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
export function eachIsolate(config: Config, refusalsMax: number) {
  const { timeoutMillis, limits: { idleSeconds, keepAliveSeconds } } = config;
  return {
    timeoutMillis,
    version: config.node.version,
    refusalsMax,
    idleSeconds,
    keepAliveSeconds,
  };
}

/** The isolates that serve clients besides this one, `count` of them; begun, not serving. */
export function ioThreads(
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
    spawn: (name) => new Worker(workerUrl, { type: "module", name }),
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

/** Whether a TICKET outlives the leader that it was asked of. */
export function asksAgain({ node: { forward } }: Config): boolean {
  return forward !== "no";
}
