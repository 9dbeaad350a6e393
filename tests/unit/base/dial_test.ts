// A call that reaches only its caller: TCP lets a socket connect to itself.

import assert from "node:assert/strict";
import { dial, metItself } from "../../../base/dial.ts";
import { within } from "../../lib/until.ts";

const at = (hostname: string, port: number) => ({
  transport: "tcp" as const,
  hostname,
  port,
});

Deno.test("A connection has met itself when both ends are one address", () => {
  const localAddr = at("127.0.0.1", 40_000);
  const cases = [
    [at("127.0.0.1", 40_000), true],
    [at("127.0.0.1", 40_001), false],
    [at("127.0.0.2", 40_000), false],
  ] as const;
  for (const [remoteAddr, expected] of cases) {
    assert.equal(metItself({ localAddr, remoteAddr }), expected);
  }
});

Deno.test("dial() takes a call that reached itself for a refused one, and closes it", async () => {
  const real = Deno.connect;
  let closed = 0;
  const ownEnd = at("127.0.0.1", 40_000);
  const conn = {
    localAddr: ownEnd,
    remoteAddr: ownEnd,
    setNoDelay: () => {},
    close: () => closed++,
  };
  Object.assign(Deno, { connect: () => Promise.resolve(conn) });
  try {
    await assert.rejects(
      dial({ host: "", port: 40_000 }, new AbortController().signal),
      {
        name: "ConnectionRefused",
        message:
          "connection refused: nobody listens there, and the call reached itself",
      },
    );
  } finally {
    Object.assign(Deno, { connect: real });
  }
  assert.equal(closed, 1);
});

const ownPort = 40_000;
const program = new URL("own_call.ts", import.meta.url).pathname;

// In this network namespace the system has one port to pick from, and picks that one.
const alone = `ip link set lo up &&
  echo ${ownPort} ${ownPort} > /proc/sys/net/ipv4/ip_local_port_range && exec "$@"`;

/** Only root may make a network; `ip` may not be there. */
function makesNetworks(): boolean {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const args = ["--net", "bash", "-c", alone, "bash", "true"];
  try {
    return new Deno.Command("unshare", { args }).outputSync().success;
  } catch {
    return false;
  }
}

Deno.test({
  name:
    "A real call that reaches itself is refused, with a network of one's own",
  ignore: !makesNetworks(),
  async fn() {
    const call = new Deno.Command("unshare", {
      args: [
        ...["--net", "bash", "-c", alone, "bash"],
        ...[Deno.execPath(), "run", "-A", program, `${ownPort}`],
      ],
      env: { NO_COLOR: "1" },
    });
    const { stdout, stderr } = await within("the call ends", call.output());
    const utf8 = new TextDecoder();
    assert.equal(
      utf8.decode(stdout),
      "connection refused: nobody listens there, and the call reached itself\n",
      utf8.decode(stderr),
    );
  },
});
