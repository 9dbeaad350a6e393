// The Web Worker's entry: a host behind the worker's own message port. An error that nobody
// caught is told to the main isolate like any other end of the node, because in a worker it
// would end the worker alone (PITFALLS 1).

import type { FromNode, ToNode } from "./channel/messages.ts";
import { Host } from "./host.ts";

declare const self: {
  postMessage(message: FromNode): void;
  onmessage: ((event: MessageEvent<ToNode>) => void) | null;
  addEventListener(
    type: "error" | "unhandledrejection",
    listener: (event: Event & { error?: unknown; reason?: unknown }) => void,
  ): void;
};

const host = new Host(self);
self.onmessage = ({ data }) => host.doors.receive(data);

for (const type of ["error", "unhandledrejection"] as const) {
  self.addEventListener(type, (event) => {
    event.preventDefault();
    host.fail(event.error ?? event.reason);
  });
}
