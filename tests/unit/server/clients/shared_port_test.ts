// A port is shared inside a process and with no other process.

import assert from "node:assert/strict";
import { listen } from "../../../../server/clients/listener.ts";
import {
  type Claim,
  claimPort,
  joinPort,
} from "../../../../server/clients/shared_port.ts";

const loopback = { host: "127.0.0.1", port: 0 };

/** A claim of any free port, given back at the end. */
function claimed(use: (claim: Claim) => void): void {
  const claim = claimPort(loopback);
  try {
    use(claim);
  } finally {
    claim.socket.close();
    claim.lock.close();
  }
}

/** The one sentence that a user is told. */
function inUse(port: number, how = ""): { message: string } {
  return {
    message: `cannot listen on 127.0.0.1:${port}${how} for clients: ` +
      "address in use; choose another with --saddr",
  };
}

Deno.test("A claimed port is known by its number, and can be joined", () => {
  claimed(({ socket, address }) => {
    assert.equal(address.port, socket.addr.port);
    joinPort(address).close();
  });
});

Deno.test("A name is looked up once: an isolate that joins listens on the address that was claimed", () => {
  const { socket, lock, address } = claimPort({ host: "localhost", port: 0 });
  assert.equal(address.host, socket.addr.hostname);
  assert.match(address.host, /^[0-9a-f.:]+$/);
  lock.close();
  socket.close();
});

Deno.test("A claimed port is refused to a process that wants it alone, and to a second claim", () => {
  claimed(({ address }) => {
    assert.throws(() => listen(address), inUse(address.port));
    assert.throws(() => claimPort(address), inUse(address.port));
    const everywhere = { host: "", port: address.port };
    assert.throws(() => listen(everywhere), /address in use/);
    assert.throws(() => claimPort(everywhere), /address in use/);
  });
});

Deno.test("A port that is used alone can be neither claimed nor joined", () => {
  const alone = listen(loopback);
  const address = { host: "127.0.0.1", port: alone.addr.port };
  assert.throws(() => claimPort(address), inUse(address.port));
  assert.throws(() => joinPort(address), inUse(address.port));
  alone.close();
});

Deno.test("Of two claims at the same moment one fails, and leaves nothing behind", () => {
  const { socket, lock, address } = claimPort(loopback);
  socket.close(); // as if it had not yet begun to share: the lock alone tells
  assert.throws(() => claimPort(address), inUse(address.port, " by UDP"));
  lock.close();
  const second = claimPort(address);
  second.lock.close();
  second.socket.close();
});

Deno.test("A claim that fails at its last step can be made again", () => {
  const { listen } = Deno;
  let port = 0;
  const overtaken = (options: Deno.TcpListenOptions) => {
    if (options.reusePort) throw new Deno.errors.AddrInUse("overtaken");
    const socket = listen(options);
    port = socket.addr.port;
    return socket;
  };
  Object.assign(Deno, { listen: overtaken });
  try {
    assert.throws(() => claimPort(loopback), /overtaken|address in use/);
  } finally {
    Object.assign(Deno, { listen });
  }
  const { socket, lock } = claimPort({ ...loopback, port });
  socket.close();
  lock.close();
});
