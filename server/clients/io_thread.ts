// One further isolate that serves clients (`--io-threads`), seen from inside: a client
// service with a door of its own to the node, on the port that the main isolate has
// claimed. Here stand the types of all that it and main say to each other; what it and the
// node say stands in `raft/channel/messages.ts`.
//
// Main sends `begin` first, once; `serve` once, when the node is ready, answered by
// `serving`; `stop` once, answered by `closed`. `failed` may come at any time: the process
// must end.

import type { Address } from "../../base/address.ts";
import { assert, unreachable } from "../../base/assert.ts";
import { TakeBox } from "../../raft/channel/take_box.ts";
import { type LogOptions, openLog } from "../../base/logger.ts";
import { ClientCount, type ClientCountOptions } from "../client_count.ts";
import { ClientService } from "./client_service.ts";
import { RaftLink } from "../tickets/raft_link.ts";
import { joinPort } from "./shared_port.ts";

/** The settings of the isolate; plain data, but for the counters that it shares. */
export type IoOptions = {
  readonly timeoutMillis: number;
  readonly asksAgain: boolean;
  readonly version: string;
  readonly refusalsMax: number;
  readonly idleSeconds: number;
  readonly keepAliveSeconds: number;
  /** The limits of all isolates together, and the memory in which they count. */
  readonly limits: ClientCountOptions & { readonly memory: SharedArrayBuffer };
  readonly log: Omit<LogOptions, "source">;
};

/** From main to the isolate. */
export type ToIoThread =
  | {
    readonly type: "begin";
    readonly options: IoOptions;
    /** Its end of the door to the node; it is transferred with the message. */
    readonly door: MessagePort;
    readonly takeBoxMemory: SharedArrayBuffer;
  }
  /** The thread is to serve clients at `address`. */
  | { readonly type: "serve"; readonly address: Address }
  | { readonly type: "stop" };

/** From the isolate to main. */
export type FromIoThread =
  | { readonly type: "serving" }
  | { readonly type: "closed" }
  | { readonly type: "failed"; readonly reason: string };

/** The isolate, behind a port for messages of main. */
export class IoThread {
  readonly #say: (message: FromIoThread) => void;
  #service: ClientService | undefined;

  constructor(say: (message: FromIoThread) => void) {
    this.#say = say;
  }

  /** To be called with each message of main. */
  receive(message: ToIoThread): void {
    switch (message.type) {
      case "begin":
        this.#service = begin(message, (error) => this.fail(error));
        return;
      case "serve":
        assert(this.#service !== undefined, "serve comes after begin");
        this.#serve(message.address);
        return;
      case "stop":
        assert(this.#service !== undefined, "stop comes after begin");
        this.#service.close().then(
          () => this.#say({ type: "closed" }),
          (error) => this.fail(error),
        );
        return;
      default:
        unreachable(message);
    }
  }

  async #serve(address: Address): Promise<void> {
    try {
      const port = await joinPort(address);
      this.#service?.serve(port); // or closes it, if the stop has come first
      this.#say({ type: "serving" });
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends the process through the main isolate: a worker cannot (PITFALLS 1). */
  fail(cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#say({ type: "failed", reason });
  }
}

function begin(
  { options, door, takeBoxMemory }: ToIoThread & { readonly type: "begin" },
  broken: (error: unknown) => void,
): ClientService {
  const { timeoutMillis, asksAgain } = options;
  const forMain = () =>
    assert(false, "the node tells main alone of its start and end");
  const link = new RaftLink(door, {
    takeBox: new TakeBox(takeBoxMemory),
    timeoutMillis,
    asksAgain,
    ready: forMain,
    removed: forMain,
    stopped: forMain,
    broken,
  });
  door.onmessage = ({ data }) => link.receive(data);
  const clientCount = new ClientCount(options.limits);
  const log = openLog({ ...options.log, source: "server" });
  return new ClientService({ ...options, link, clientCount, log });
}
