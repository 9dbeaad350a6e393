// A port that is in use when it is to be opened: how long a process waits for it, and when not.

import assert from "node:assert/strict";
import type { Address } from "../../../base/address.ts";
import { openPort, openWhenFree } from "../../../base/listen.ts";
import { within } from "../../lib/until.ts";

const purpose = { whom: "peers", flag: "--raddr" };
const never = new AbortController().signal;

function open(address: Address): Deno.TcpListener {
  return openPort(address, purpose);
}

/** A port that is in use, and the words for that. */
function occupied() {
  const owner = open({ host: "127.0.0.1", port: 0 });
  const { hostname: host, port } = owner.addr;
  return {
    owner,
    address: { host, port },
    fault: `cannot listen on 127.0.0.1:${port} for peers: address in use; ` +
      "choose another with --raddr",
  };
}

Deno.test("A port in use is opened when its owner has gone, and said once to be waited for", async () => {
  const { owner, address, fault } = occupied();
  const lines: string[] = [];
  let tries = 0;
  const socket = await openWhenFree(() => {
    if (++tries === 3) owner.close();
    return open(address);
  }, {
    log: (level, text) => lines.push(`${level}: ${text}`),
    signal: never,
  });
  assert.equal(socket.addr.port, address.port);
  assert.equal(tries, 3);
  assert.deepEqual(lines, [`info: ${fault}; waits for it up to 5 s`]);
  socket.close();
});

Deno.test("A port that stays in use is refused in the end, with the flag to change", async () => {
  const { owner, address, fault } = occupied();
  const waiting = openWhenFree(() => open(address), {
    log: () => {},
    signal: never,
    millisMax: 1,
  });
  await assert.rejects(waiting, { message: fault });
  owner.close();
});

Deno.test("A stop ends the waiting for a port at once, with its own reason", async () => {
  const { owner, address } = occupied();
  const stopping = new AbortController();
  const reason = new Error("stop");
  const waiting = openWhenFree(() => open(address), {
    log: () => stopping.abort(reason),
    signal: stopping.signal,
  });
  await assert.rejects(waiting, reason);
  const later = new AbortController();
  const again = openWhenFree(() => open(address), {
    log: () => queueMicrotask(() => later.abort(reason)),
    signal: later.signal,
    millisMax: Infinity,
  });
  const ended = assert.rejects(again, reason);
  await within("the stop has ended the waiting", ended, { millisMax: 10_000 });
  owner.close();
});

Deno.test("An address that will not come free by itself is refused at the first try", async () => {
  let tries = 0;
  const elsewhere = openWhenFree(() => {
    tries++;
    return open({ host: "203.0.113.9", port: 7 });
  }, { log: () => assert.fail("nothing to wait for"), signal: never });
  await assert.rejects(elsewhere, /no such address on this machine/);
  assert.equal(tries, 1);
});
