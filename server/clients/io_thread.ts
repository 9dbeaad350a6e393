// One further isolate that serves clients (`--io-threads`), seen from inside: a front with
// a door of its own to the node, on the port that the main isolate has claimed. The types
// of all that it and main say to each other.
//
// - Main sends `begin` first and once, with the door as the message's port; `serve` when
//   the node is ready, answered by `serving`; `stop`, answered by `closed`.
// - `failed` may come at any time, and the process must end.

import type { Address } from "../../base/address.ts";
import type { Door, FromNode, ToNode } from "../../raft/channel/messages.ts";
import { assert, unreachable } from "../../base/assert.ts";
import { TakeBox } from "../../raft/channel/take_box.ts";
import { type LogOptions, openLog } from "../../base/logger.ts";
import { ClientCount, type ClientCountOptions } from "../client_count.ts";
import { ClientService } from "./client_service.ts";
import { RaftLink } from "../tickets/raft_link.ts";
import { joinPort } from "./shared_port.ts";

/** What it must know; plain data, but for the memory that it shares. */
export type IoOptions = {
  readonly timeoutMillis: number;
  readonly asksAgain: boolean;
  readonly version: string;
  readonly refusalsMax: number;
  readonly idleSeconds: number;
  /** What is counted in common, and how much of it there may be. */
  readonly limits: ClientCountOptions & { readonly memory: SharedArrayBuffer };
  readonly log: Omit<LogOptions, "source">;
  /** Of its `TakeBox`. */
  readonly takes: SharedArrayBuffer;
};

export type ToIoThread =
  | { readonly type: "begin"; readonly options: IoOptions }
  | { readonly type: "serve"; readonly address: Address }
  | { readonly type: "stop" };

export type FromIoThread =
  | { readonly type: "serving" }
  | { readonly type: "closed" }
  | { readonly type: "failed"; readonly reason: string };

/** A MessagePort. */
export type NodeDoor = Door<ToNode> & {
  addEventListener(
    type: "message",
    listener: (event: { readonly data: FromNode }) => void,
  ): void;
  start(): void;
};

export class IoThread {
  readonly #say: (message: FromIoThread) => void;
  #front: ClientService | undefined;

  constructor(say: (message: FromIoThread) => void) {
    this.#say = say;
  }

  /** What main says; `door` comes with `begin`. */
  receive(message: ToIoThread, door?: NodeDoor): void {
    switch (message.type) {
      case "begin":
        assert(door !== undefined, "begin comes with a door to the node");
        this.#front = begin(message.options, door, (error) => this.fail(error));
        return;
      case "serve":
        assert(this.#front !== undefined, "serve comes after begin");
        this.#front.serve(joinPort(message.address));
        return this.#say({ type: "serving" });
      case "stop":
        assert(this.#front !== undefined, "stop comes after begin");
        this.#front.close().then(
          () => this.#say({ type: "closed" }),
          (error) => this.fail(error),
        );
        return;
      default:
        unreachable(message);
    }
  }

  /** Ends the process through the main isolate: a worker cannot (PITFALLS 1). */
  fail(cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#say({ type: "failed", reason });
  }
}

function begin(
  options: IoOptions,
  door: NodeDoor,
  broken: (error: unknown) => void,
): ClientService {
  const { timeoutMillis, asksAgain } = options;
  const forMain = () => assert(false, "of its life the node tells main alone");
  const link = new RaftLink(door, {
    takes: new TakeBox(options.takes),
    timeoutMillis,
    asksAgain,
    ready: forMain,
    removed: forMain,
    stopped: forMain,
    broken,
  });
  door.addEventListener("message", ({ data }) => link.receive(data));
  door.start();
  const clientCount = new ClientCount(options.limits);
  const log = openLog({ ...options.log, source: "server" });
  return new ClientService({ ...options, link, clientCount, log });
}
