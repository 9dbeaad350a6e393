// The Web Worker's entry: a host behind the worker's own message port, and behind each
// port that comes in a message, the door of a further isolate. An error that nobody
// caught is told to the main isolate like any other end of the node, because in a
// worker it would end the worker alone (PITFALLS 1).

import type { FromNode, ToNode } from "./channel.ts";
import { Doors } from "./doors.ts";
import { Host } from "./host.ts";

declare const self: {
  postMessage(message: FromNode): void;
  onmessage: ((event: MessageEvent<ToNode>) => void) | null;
  addEventListener(
    type: "error" | "unhandledrejection",
    listener: (event: Event & { error?: unknown; reason?: unknown }) => void,
  ): void;
};

const doors = new Doors(self, (message) => host.receive(message));
const host = new Host(doors);
self.onmessage = ({ data, ports: [port] }) => {
  if (port === undefined) return doors.receive(data);
  const receive = doors.open(port);
  port.onmessage = (event) => receive(event.data);
};

for (const type of ["error", "unhandledrejection"] as const) {
  self.addEventListener(type, (event) => {
    event.preventDefault();
    host.fail(event.error ?? event.reason);
  });
}
