// The other end of the channel's benchmark: answers each take at once, with the next
// numbers, the way it came. No node, no log, no other message.

import type { Door, FromNode, ToNode } from "../raft/channel/messages.ts";
import { TakeBox } from "../raft/channel/take_box.ts";

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
    last += BigInt(data.count);
    door.postMessage({ type: "taken", last, count: data.count });
  };
  const box = new TakeBox(takeBoxMemory);
  box.onRequest({
    take(count) {
      last += BigInt(count);
      box.answerTake(last, count);
    },
    refill() {},
  });
}
