// The further isolates that serve clients (`--io-threads`), seen from the main one: starts
// them, gives each a door to the node, and has them serve and stop together. When one of
// them dies the process must end, because the kernel would go on giving it clients.

import type { Address } from "../../base/address.ts";
import { unreachable } from "../../base/assert.ts";
import { TakeBox } from "../../raft/channel/take_box.ts";
import type { Door } from "../../raft/channel/messages.ts";
import type { FromIoThread, IoOptions, ToIoThread } from "./io_thread.ts";

/** A Worker that runs `io_worker.ts`. */
export type IoWorker = Door<ToIoThread> & {
  addEventListener(
    type: "message",
    listener: (event: MessageEvent<FromIoThread>) => void,
  ): void;
  addEventListener(
    type: "error",
    listener: (event: ErrorEvent) => void,
  ): void;
};

/** How many isolates there are, and how they are started. */
export type IoThreadsOptions = {
  /** How many there are besides the main isolate. */
  readonly count: number;
  readonly spawn: (name: string) => IoWorker;
  /** Gives the node the other end of a door, and of the box for takes beside it. */
  readonly openDoor: (
    port: MessagePort,
    takeBoxMemory: SharedArrayBuffer,
  ) => void;
  /** One of them has died: the process must end. */
  readonly died: (reason: string) => void;
  readonly each: IoOptions;
};

type Thread = {
  readonly worker: IoWorker;
  readonly serving: PromiseWithResolvers<void>;
  readonly closed: PromiseWithResolvers<void>;
};

/** All further isolates, as one. */
export class IoThreads {
  readonly #threads: readonly Thread[];

  constructor(options: IoThreadsOptions) {
    this.#threads = Array.from(
      { length: options.count },
      (_, at) => begun(`io ${at + 2}`, options),
    );
  }

  /** Resolves when all of them serve clients at `address`. */
  async serve(address: Address): Promise<void> {
    for (const { worker } of this.#threads) {
      worker.postMessage({ type: "serve", address });
    }
    await Promise.all(this.#threads.map(({ serving }) => serving.promise));
  }

  /** Stops them all; resolves when their clients have been answered or hung up on. */
  async close(): Promise<void> {
    for (const { worker } of this.#threads) {
      worker.postMessage({ type: "stop" });
    }
    await Promise.all(this.#threads.map(({ closed }) => closed.promise));
  }
}

function begun(
  name: string,
  { spawn, openDoor, died, each }: IoThreadsOptions,
): Thread {
  const thread = {
    worker: spawn(name),
    serving: Promise.withResolvers<void>(),
    closed: Promise.withResolvers<void>(),
  };
  const { worker, serving, closed } = thread;
  worker.addEventListener("message", ({ data: message }) => {
    switch (message.type) {
      case "serving":
        return serving.resolve();
      case "closed":
        return closed.resolve();
      case "failed":
        return died(message.reason);
      default:
        unreachable(message);
    }
  });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    died(event.message);
  });
  const { port1, port2: door } = new MessageChannel();
  const { memory: takeBoxMemory } = new TakeBox();
  openDoor(port1, takeBoxMemory);
  worker.postMessage(
    { type: "begin", options: each, door, takeBoxMemory },
    [door],
  );
  return thread;
}
