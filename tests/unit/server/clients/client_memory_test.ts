import assert from "node:assert/strict";
import { ClientCount } from "../../../../server/client_count.ts";
import {
  ClientMemory,
  type SizedClient,
} from "../../../../server/clients/client_memory.ts";
import { clientInfo } from "./client_info.ts";

class Holder implements SizedClient {
  readonly client;
  closed = false;
  resumed = 0;

  constructor(id: number, readonly memoryBytes: number) {
    this.client = clientInfo(id);
  }

  close(): void {
    this.closed = true;
  }

  resume(): void {
    this.resumed++;
  }
}

function scene(memoryMax: number) {
  const clientCount = new ClientCount({ memoryMax });
  const lines: string[] = [];
  const sessions = new Set<Holder>();
  const memory = new ClientMemory({
    sessions,
    clientCount,
    log: (_, text) => lines.push(text),
  });
  const add = (memoryBytes: number) => {
    const one = new Holder(sessions.size + 1, memoryBytes);
    clientCount.holds(one.memoryBytes);
    clientCount.enter();
    sessions.add(one);
    return one;
  };
  const look = (count: number) => {
    for (let i = 0; i < count; i++) {
      memory.look();
      for (const one of sessions) {
        if (!one.closed) continue;
        sessions.delete(one);
        clientCount.leave();
        clientCount.holds(-one.memoryBytes);
      }
    }
  };
  return { clientCount, lines, add, look };
}

Deno.test("ClientMemory closes the largest until all together hold what they may, and says so once", () => {
  const { add, look, lines, clientCount } = scene(1000);
  const small = add(100);
  const [large, larger] = [add(500), add(700)];
  look(1);
  assert(!larger.closed, "they may get rid of it by themselves");
  look(1);
  assert.deepEqual([small.closed, large.closed, larger.closed], [
    false,
    false,
    true,
  ]);
  assert(!clientCount.isOverMemory);
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^closed client 3 .*1300 bytes.*--client-memory/);
  look(1);
  assert(small.resumed > 0, "what was held back goes on");
});

Deno.test("ClientMemory closes none that holds less than its even share: it is another isolate's that holds too much", () => {
  const { add, look, lines, clientCount } = scene(1600);
  const modest = [add(100), add(400)];
  const elsewhere = new ClientCount({ memory: clientCount.memory });
  elsewhere.enter();
  elsewhere.holds(1500);
  look(10);
  assert.deepEqual(modest.map(({ closed }) => closed), [false, false]);
  assert.deepEqual(lines, []);
  const large = add(600);
  look(1);
  assert(large.closed, "one that holds more is closed in whichever isolate");
  assert.equal(lines.length, 1);
});
