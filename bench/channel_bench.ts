// What one take and its answer cost between the isolates: two messages of the channel's own
// types, to a real Worker and back, with nothing done there. deno bench -A bench/channel_bench.ts

import type { FromNode, ToNode } from "../raft/channel.ts";

const worker = new Worker(new URL("echo_worker.ts", import.meta.url), {
  type: "module",
});
globalThis.addEventListener("unload", () => worker.terminate());

let answered: (message: FromNode) => void = () => {};
worker.onmessage = ({ data }: MessageEvent<FromNode>) => answered(data);

function roundTrip(message: ToNode): Promise<FromNode> {
  return new Promise((resolve) => {
    answered = resolve;
    worker.postMessage(message);
  });
}

// The worker has been loaded when it answers.
await roundTrip({ type: "take", count: 1 });

Deno.bench("a take and its answer, to a Worker and back", async () => {
  const { type } = await roundTrip({ type: "take", count: 50 });
  if (type !== "taken") throw new Error(`${type} came`);
});

Deno.bench("the same two messages, cloned in one isolate", () => {
  structuredClone({ type: "take", count: 50 });
  structuredClone({ type: "taken", last: 5_000_000_000n, count: 50 });
});
