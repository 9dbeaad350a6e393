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
async function claimed(
  use: (claim: Claim) => Promise<void>,
): Promise<void> {
  const claim = await claimPort(loopback);
  try {
    await use(claim);
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

Deno.test("A claimed port is known by its number, and can be joined", () =>
  claimed(async ({ socket, address }) => {
    assert.equal(address.port, socket.address.port);
    (await joinPort(address)).close();
  }));

Deno.test("A name is looked up once: an isolate that joins listens on the address that was claimed", async () => {
  const { socket, lock, address } = await claimPort({
    host: "localhost",
    port: 0,
  });
  assert.equal(address.host, socket.address.host);
  assert.match(address.host, /^[0-9a-f.:]+$/);
  lock.close();
  socket.close();
});

Deno.test("A claimed port is refused to a process that wants it alone, and to a second claim", () =>
  claimed(async ({ address }) => {
    await assert.rejects(listen(address), inUse(address.port));
    await assert.rejects(claimPort(address), inUse(address.port));
    const everywhere = { host: "", port: address.port };
    await assert.rejects(listen(everywhere), /address in use/);
    await assert.rejects(claimPort(everywhere), /address in use/);
  }));

Deno.test("A port that is used alone can be neither claimed nor joined", async () => {
  const alone = await listen(loopback);
  const { address } = alone;
  await assert.rejects(claimPort(address), inUse(address.port));
  await assert.rejects(joinPort(address), inUse(address.port));
  alone.close();
});

Deno.test("Of two claims at the same moment one fails, and leaves nothing behind", async () => {
  const { socket, lock, address } = await claimPort(loopback);
  socket.close(); // as if it had not yet begun to share: the lock alone tells
  await assert.rejects(claimPort(address), inUse(address.port, " by UDP"));
  lock.close();
  const second = await claimPort(address);
  second.lock.close();
  second.socket.close();
});

Deno.test("A claim that fails at its last step can be made again", async () => {
  const { listenDatagram } = Deno;
  let port = 0;
  let overtaker: Deno.TcpListener | undefined;
  const overtaken = (
    options: Deno.UdpListenOptions & { transport: "udp" },
  ) => {
    const lock = listenDatagram(options);
    port = options.port ?? 0;
    return lock;
  };
  Object.assign(Deno, { listenDatagram: overtaken });
  const { listen: listenAlone } = Deno;
  const closing = (options: Deno.TcpListenOptions) => {
    const socket = listenAlone(options);
    const close = socket.close.bind(socket);
    socket.close = () => {
      close(); // and before the claim can share the port, another takes it
      overtaker = listenAlone({ hostname: "127.0.0.1", port });
    };
    return socket;
  };
  Object.assign(Deno, { listen: closing });
  try {
    await assert.rejects(claimPort(loopback), /address in use/);
  } finally {
    Object.assign(Deno, { listen: listenAlone, listenDatagram });
  }
  overtaker?.close();
  const { socket, lock } = await claimPort({ ...loopback, port });
  socket.close();
  lock.close();
});
