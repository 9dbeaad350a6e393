import assert from "node:assert/strict";
import { ClientCount } from "../../../../server/client_count.ts";
import {
  Patience,
  patienceLooks,
  type Watched,
} from "../../../../server/clients/patience.ts";

class Watchee implements Watched {
  readonly client;
  memoryBytes = 0;
  isWriting = false;
  writesDone = 0;
  isPartial = false;
  commandsRun = 0;
  isIdle = true;
  closed = false;
  resumed = 0;

  constructor(id: number) {
    this.client = {
      id,
      address: `192.0.2.1:${id}`,
      name: "",
      protocol: 2,
    } as const;
  }

  close(): void {
    this.closed = true;
  }

  resume(): void {
    this.resumed++;
  }
}

function scene(options: { idleLooks?: number; memoryMax?: number } = {}) {
  const clientCount = new ClientCount({ memoryMax: options.memoryMax });
  const lines: string[] = [];
  const sessions = new Set<Watchee>();
  const patience = new Patience({
    sessions,
    clientCount,
    idleLooks: options.idleLooks ?? Infinity,
    log: (_, text) => lines.push(text),
  });
  const add = (state: Partial<Watchee>) => {
    const one = Object.assign(new Watchee(sessions.size + 1), state);
    clientCount.holds(one.memoryBytes);
    clientCount.enter();
    sessions.add(one);
    return one;
  };
  const look = (count: number) => {
    for (let i = 0; i < count; i++) {
      patience.look();
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

Deno.test("Patience ends a client that reads none of its replies, and no other", () => {
  const { add, look, lines } = scene();
  const deaf = add({ isWriting: true, isIdle: false });
  const slow = add({ isWriting: true, isIdle: false });
  const idle = add({});
  for (let i = 0; i < patienceLooks; i++) {
    slow.writesDone++;
    look(1);
  }
  assert(!deaf.closed);
  slow.writesDone++;
  look(1);
  assert.deepEqual([deaf.closed, slow.closed, idle.closed], [
    true,
    false,
    false,
  ]);
  assert.deepEqual(lines, [
    "closed client 1 at 192.0.2.1:1: no reply was read for 60 s",
  ]);
});

Deno.test("Patience ends a client that never finishes its command, however it drips", () => {
  const { add, look } = scene();
  const dripping = add({ isPartial: true });
  const busy = add({ isPartial: true });
  look(1);
  for (let i = 0; i < patienceLooks; i++) {
    busy.commandsRun++; // each look another command is half there
    look(1);
  }
  assert(dripping.closed);
  assert(!busy.closed);
});

Deno.test("Patience ends idle clients when it is told to, and never one that is owed something", () => {
  const { add, look } = scene({ idleLooks: 5 });
  const idle = add({});
  const waiting = add({ isIdle: false });
  const asking = add({});
  look(1);
  for (let i = 0; i < 5; i++) {
    asking.commandsRun++;
    look(1);
  }
  assert.deepEqual([idle.closed, waiting.closed, asking.closed], [
    true,
    false,
    false,
  ]);
});

Deno.test("Patience closes the largest until all together hold what they may, and says so once", () => {
  const { add, look, lines, clientCount } = scene({ memoryMax: 1000 });
  const small = add({ memoryBytes: 100 });
  const [large, larger] = [
    add({ memoryBytes: 500 }),
    add({ memoryBytes: 700 }),
  ];
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

Deno.test("Patience closes none that holds less than its even share: it is another isolate's that holds too much", () => {
  const { add, look, lines, clientCount } = scene({ memoryMax: 1600 });
  const modest = [add({ memoryBytes: 100 }), add({ memoryBytes: 400 })];
  const elsewhere = new ClientCount({ memory: clientCount.memory });
  elsewhere.enter();
  elsewhere.holds(1500);
  look(10);
  assert.deepEqual(modest.map(({ closed }) => closed), [false, false]);
  assert.deepEqual(lines, []);
  const large = add({ memoryBytes: 600 });
  look(1);
  assert(large.closed, "who holds more is closed wherever it is");
  assert.equal(lines.length, 1);
});
