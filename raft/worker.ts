// The Web Worker's entry: a host behind the worker's own message port, and behind each
// port that comes in a message, the door of a further isolate. An error that nobody
// caught is told to the main isolate like any other end of the node, because in a
// worker it would end the worker alone (PITFALLS 1).

import type { FromNode, ToNode } from "./channel/messages.ts";
import { Doors } from "./channel/doors.ts";
import { Host } from "./host.ts";
import { TakeDoor } from "./channel/take_door.ts";

declare const self: {
  postMessage(message: FromNode): void;
  onmessage: ((event: MessageEvent<ToNode | NewDoor>) => void) | null;
  addEventListener(
    type: "error" | "unhandledrejection",
    listener: (event: Event & { error?: unknown; reason?: unknown }) => void,
  ): void;
};

/** Another isolate is to be served, through the port that comes with it. */
type NewDoor = {
  readonly type: "door";
  /** The memory of its `TakeBox`. */
  readonly takes: SharedArrayBuffer;
};

const main = new TakeDoor(self);
const doors = new Doors(main, (message) => host.receive(message));
const host = new Host(doors);
self.onmessage = ({ data, ports: [port] }) => {
  if (data.type === "door") return openDoor(data, port!);
  if (data.type === "start" && data.takes !== undefined) {
    main.openBox(data.takes, (take) => doors.receive(take));
  }
  doors.receive(data);
};

function openDoor({ takes }: NewDoor, port: MessagePort): void {
  const door = new TakeDoor(port);
  const receive = doors.open(door);
  port.onmessage = (event) => receive(event.data);
  door.openBox(takes, receive);
}

for (const type of ["error", "unhandledrejection"] as const) {
  self.addEventListener(type, (event) => {
    event.preventDefault();
    host.fail(event.error ?? event.reason);
  });
}
