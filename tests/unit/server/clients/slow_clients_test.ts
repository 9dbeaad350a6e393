import assert from "node:assert/strict";
import {
  SlowClients,
  type TimedClient,
  timeoutLooks,
} from "../../../../server/clients/slow_clients.ts";
import { clientInfo } from "./client_info.ts";

class Watched implements TimedClient {
  readonly client;
  isWriting = false;
  writesDone = 0;
  isPartial = false;
  commandsRun = 0;
  isIdle = true;
  closed = false;

  constructor(id: number) {
    this.client = clientInfo(id);
  }

  close(): void {
    this.closed = true;
  }
}

function scene({ idleLooks = Infinity } = {}) {
  const lines: string[] = [];
  const sessions = new Set<Watched>();
  const timeouts = new SlowClients({
    sessions,
    idleLooks,
    log: (_, text) => lines.push(text),
  });
  const add = (state: Partial<Watched>) => {
    const one = Object.assign(new Watched(sessions.size + 1), state);
    sessions.add(one);
    return one;
  };
  const look = () => {
    timeouts.look();
    for (const one of sessions) if (one.closed) sessions.delete(one);
  };
  return { lines, add, look };
}

Deno.test("SlowClients closes a client that reads none of its replies, and no other", () => {
  const { add, look, lines } = scene();
  const deaf = add({ isWriting: true, isIdle: false });
  const slow = add({ isWriting: true, isIdle: false });
  const idle = add({});
  for (let i = 0; i < timeoutLooks; i++) {
    slow.writesDone++;
    look();
  }
  assert(!deaf.closed);
  slow.writesDone++;
  look();
  assert.deepEqual([deaf.closed, slow.closed, idle.closed], [
    true,
    false,
    false,
  ]);
  assert.deepEqual(lines, [
    "closed client 1 at 192.0.2.1:1: no reply was read for 60 s",
  ]);
});

Deno.test("SlowClients closes a client that never finishes its command, however it drips", () => {
  const { add, look } = scene();
  const dripping = add({ isPartial: true });
  const busy = add({ isPartial: true });
  look();
  for (let i = 0; i < timeoutLooks; i++) {
    busy.commandsRun++; // each look another command is half there
    look();
  }
  assert(dripping.closed);
  assert(!busy.closed);
});

Deno.test("SlowClients closes idle clients when it is told to, and never one that is owed something", () => {
  const { add, look } = scene({ idleLooks: 5 });
  const idle = add({});
  const waiting = add({ isIdle: false });
  const asking = add({});
  look();
  for (let i = 0; i < 5; i++) {
    asking.commandsRun++;
    look();
  }
  assert.deepEqual([idle.closed, waiting.closed, asking.closed], [
    true,
    false,
    false,
  ]);
});

Deno.test("SlowClients closes any number of clients with one line for each reason", () => {
  const { add, look, lines } = scene();
  for (let i = 0; i < 3; i++) add({ isPartial: true });
  add({ isWriting: true, isIdle: false });
  for (let i = 0; i <= timeoutLooks; i++) look();
  assert.deepEqual(lines, [
    "closed 3 clients, the first of them 192.0.2.1:1: a command was not finished for 60 s",
    "closed client 4 at 192.0.2.1:4: no reply was read for 60 s",
  ]);
});
