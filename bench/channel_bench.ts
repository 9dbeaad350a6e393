// What one take and its answer cost between the isolates, to a real Worker and back, with
// nothing done there: through the box that they take, and as two messages, which is what they
// are when they are no whole answer. deno bench -A bench/channel_bench.ts

import type { Door, FromNode, ToNode } from "../raft/channel/messages.ts";
import { TakeBox } from "../raft/channel/take_box.ts";

const worker = new Worker(new URL("echo_worker.ts", import.meta.url), {
  type: "module",
});
const node: Door<ToNode> = worker;
globalThis.addEventListener("unload", () => worker.terminate());

const name = "ticket";
const request = { name, count: 50, isCapped: false, rest: 0 };
const box = new TakeBox();
box.begin({
  messages: { take() {}, refill() {} }, // the box has room for all
  isAsking: () => true,
});
const { port1, port2 } = new MessageChannel();
node.postMessage(
  { type: "door", port: port2, takeBoxMemory: box.memory },
  [port2],
);
let given: (count: number) => void = () => {};
box.onAnswer({ taken: (_name, _last, count) => given(count), lent() {} });

let answered: (message: FromNode) => void = () => {};
port1.onmessage = ({ data }: MessageEvent<FromNode>) => answered(data);
const throughDoor: Door<ToNode> = port1;

function roundTrip(message: ToNode): Promise<FromNode> {
  return new Promise((resolve) => {
    answered = resolve;
    throughDoor.postMessage(message);
  });
}

// The worker has been loaded when it answers.
await roundTrip({ type: "take", ...request });

Deno.bench("a take and its answer, through a box", async () => {
  const count = await new Promise<number>((resolve) => {
    given = resolve;
    box.take(request);
  });
  if (count !== 50) throw new Error(`${count} came`);
});

const many = Array.from({ length: 800 }, (_, at) => `name-${at}`);

Deno.bench(
  "800 takes of as many sequences and their answers, through a box",
  async () => {
    await new Promise<void>((resolve) => {
      let left = many.length;
      given = () => --left === 0 && resolve();
      box.together(() => {
        for (const name of many) box.take({ ...request, name, count: 1 });
      });
    });
  },
);

Deno.bench("a take and its answer, as messages", async () => {
  const { type } = await roundTrip({ type: "take", ...request });
  if (type !== "taken") throw new Error(`${type} came`);
});

Deno.bench("the same two messages, cloned in one isolate", () => {
  structuredClone({ type: "take", ...request });
  const range = { last: 5_000_000_000n, count: 50 };
  structuredClone({ type: "taken", door: 1, name, ...range });
});
