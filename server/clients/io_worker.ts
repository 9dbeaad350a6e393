// The Web Worker's entry of an isolate that serves clients: an `io_thread.ts` behind the
// worker's own message port. An error that nobody caught is told to the main isolate,
// because in a worker it would end the worker alone (PITFALLS 1).

import { type FromIoThread, IoThread, type ToIoThread } from "./io_thread.ts";

declare const self: {
  postMessage(message: FromIoThread): void;
  addEventListener(
    type: "message",
    listener: (event: MessageEvent<ToIoThread>) => void,
  ): void;
  addEventListener(
    type: "error" | "unhandledrejection",
    listener: (event: Event & { error?: unknown; reason?: unknown }) => void,
  ): void;
};

const thread = new IoThread((message) => self.postMessage(message));
self.addEventListener("message", ({ data }) => thread.receive(data));

for (const type of ["error", "unhandledrejection"] as const) {
  self.addEventListener(type, (event) => {
    event.preventDefault();
    thread.fail(event.error ?? event.reason);
  });
}
