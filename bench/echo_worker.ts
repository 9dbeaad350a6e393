// The other end of the channel's benchmark: answers each take at once, with the next
// numbers. No node, no log, no other message.

import type { FromNode, ToNode } from "../raft/channel.ts";

declare const self: {
  postMessage(message: FromNode): void;
  onmessage: ((event: MessageEvent<ToNode>) => void) | null;
};

let last = 0n;
self.onmessage = ({ data }) => {
  if (data.type !== "take") return;
  last += BigInt(data.count);
  self.postMessage({ type: "taken", last, count: data.count });
};
