// Ports on loopback that no other test takes, not even one of another run at the same time.
//
// Each test file owns a block of a hundred ports: it listens on the first one, which the system
// gives to one process only and frees when that process dies. The blocks lie below the range
// from which the system picks ports by itself (32768 and up), so that no outgoing connection
// can occupy a port while its server is down.

const firstPort = 20_000;
const lastPort = 32_000;
const blockPorts = 100;

const guard = claimBlock();
let given = 0;

/** A port on which nobody listens now, and that no other test will be given. */
export function freePort(): number {
  for (let tries = 0; tries < blockPorts; tries++) {
    const port = guard.addr.port + 1 + given++ % (blockPorts - 1);
    const listener = tryListen(port);
    listener?.close();
    if (listener !== undefined) return port;
  }
  throw new Error(`all ports from ${guard.addr.port} on are in use`);
}

function claimBlock(): Deno.TcpListener {
  for (let port = firstPort; port < lastPort; port += blockPorts) {
    const listener = tryListen(port);
    if (listener !== undefined) return listener;
  }
  throw new Error(`all ports from ${firstPort} to ${lastPort} are in use`);
}

function tryListen(port: number): Deno.TcpListener | undefined {
  try {
    return Deno.listen({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    throw error;
  }
}
