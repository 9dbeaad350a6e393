// The other end of the channel's benchmark: answers each take at once, with the next
// numbers, the way it came. No node, no log, no other message.

import type { Door, FromNode, ToNode } from "../raft/channel/messages.ts";
import { NodeBox } from "../raft/channel/node_box.ts";

declare const self: {
  onmessage: ((event: MessageEvent<ToNode>) => void) | null;
};

let last = 0n;
self.onmessage = ({ data }) => {
  if (data.type === "door") openDoor(data.port, data.takeBoxMemory);
};

function openDoor(port: MessagePort, takeBoxMemory: SharedArrayBuffer): void {
  const door: Door<FromNode> = port;
  port.onmessage = ({ data }: MessageEvent<ToNode>) => {
    if (data.type !== "take") return;
    const { name, count } = data;
    last += BigInt(count);
    door.postMessage({ type: "taken", door: 1, name, last, count });
  };
  const box = new NodeBox(takeBoxMemory);
  box.onRequest({
    take({ name, count }) {
      last += BigInt(count);
      box.answerTake(name, last, count);
    },
    refill() {},
  });
}
