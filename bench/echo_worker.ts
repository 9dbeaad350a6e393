// The other end of the channel's benchmark: answers each take at once, with the next
// numbers. No node, no log, no other message.

import type { FromNode, ToNode } from "../raft/channel/messages.ts";
import { TakeBox } from "../raft/channel/take_box.ts";

declare const self: {
  postMessage(message: FromNode): void;
  onmessage: ((event: MessageEvent<ToNode | SharedArrayBuffer>) => void) | null;
};

let last = 0n;
self.onmessage = ({ data }) => {
  if (data instanceof SharedArrayBuffer) return openBox(data);
  if (data.type !== "take") return;
  last += BigInt(data.count);
  self.postMessage({ type: "taken", last, count: data.count });
};

function openBox(memory: SharedArrayBuffer): void {
  const box = new TakeBox(memory);
  box.onTake((count) => {
    last += BigInt(count);
    box.answer(last, count);
  });
}
