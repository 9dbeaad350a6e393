// Joining, as the new node does it, against members that answer by a script.

import assert from "node:assert/strict";
import {
  type AskOptions,
  clusterOf,
  joinCluster,
  JoinError,
} from "../../../../raft/members/join.ts";

const host = "127.0.0.1";
const utf8 = new TextEncoder();

/**
 * A RESP server that gives one of `answers` to each connection in turn, and the last one from
 * then on. "" is silence; an array arrives in pieces.
 */
class Member {
  readonly requests: string[] = [];
  readonly #listener = Deno.listen({ hostname: host, port: 0 });
  readonly #answers: (string | readonly string[])[];
  readonly #done: Promise<void>;

  constructor(...answers: (string | readonly string[])[]) {
    this.#answers = answers;
    this.#done = this.#serve();
  }

  get address(): string {
    return `${host}:${this.#listener.addr.port}`;
  }

  async #serve(): Promise<void> {
    for await (const conn of this.#listener) {
      const buffer = new Uint8Array(4096);
      const count = await conn.read(buffer) ?? 0;
      this.requests.push(new TextDecoder().decode(buffer.subarray(0, count)));
      const [answer = ""] = this.#answers;
      if (this.#answers.length > 1) this.#answers.shift();
      for (const piece of answer === "" ? [] : [answer].flat()) {
        await conn.write(utf8.encode(piece)).catch(() => 0);
      }
      if (answer === "") await conn.read(buffer).catch(() => null);
      conn.close();
    }
  }

  async close(): Promise<void> {
    this.#listener.close();
    await this.#done;
  }
}

const lines: string[] = [];
const patient: AskOptions = {
  timeoutMillis: 10_000,
  log: (_level, text) => lines.push(text),
  random: () => 0,
};
const joining = {
  ...patient,
  id: "2",
  address: "10.0.0.2:12002",
  incarnation: "2".repeat(16),
  cluster: "c".repeat(32),
};

/** Runs `body` with the members' addresses, and closes them. */
async function withMembers(
  members: readonly Member[],
  body: (addresses: string[]) => Promise<void>,
): Promise<void> {
  lines.length = 0;
  try {
    await body(members.map(({ address }) => address));
  } finally {
    await Promise.all(members.map((member) => member.close()));
  }
}

/** An address on which no server listens. */
function freeAddress(): string {
  const listener = Deno.listen({ hostname: host, port: 0 });
  listener.close();
  return `${host}:${listener.addr.port}`;
}

const cluster = "$2\r\nc1\r\n";

Deno.test("clusterOf() asks RAFT.CLUSTER and returns cluster and own host", async () => {
  const member = new Member(`*2\r\n${cluster}$8\r\n10.0.0.2\r\n`);
  await withMembers([member], async (addresses) => {
    const found = await clusterOf(addresses, patient);
    assert.deepEqual(found, { cluster: "c1", via: "10.0.0.2" });
    assert.deepEqual(member.requests, ["*1\r\n$12\r\nRAFT.CLUSTER\r\n"]);
  });
});

Deno.test("clusterOf() reads a reply that comes in pieces", async () => {
  const reply = `*2\r\n${cluster}$8\r\n10.0.0.2\r\n`;
  await withMembers([new Member([...reply])], async (addresses) => {
    assert.equal((await clusterOf(addresses, patient)).via, "10.0.0.2");
  });
});

Deno.test("joinCluster() sends id, address, incarnation and cluster", async () => {
  const member = new Member("+OK\r\n");
  await withMembers([member], async (addresses) => {
    await joinCluster(addresses, joining);
    const { address, incarnation, cluster } = joining;
    const words = ["RAFT.JOIN", "2", address, incarnation, cluster];
    const bulks = words.map((word) => `$${word.length}\r\n${word}\r\n`);
    assert.deepEqual(member.requests, [`*5\r\n${bulks.join("")}`]);
    assert.deepEqual(lines, []);
  });
});

Deno.test("joinCluster() retries after a failure that passes by itself, and logs each kind once", async () => {
  const member = new Member(
    "-ERR node is not the leader\r\n",
    "-ERR node is not the leader\r\n",
    "-ERR another change is in progress\r\n",
    "+OK\r\n",
  );
  await withMembers([member], async (addresses) => {
    await joinCluster(addresses, joining);
    assert.equal(member.requests.length, 4);
    assert.deepEqual(lines, [
      `waiting to join through ${addresses[0]}: ERR node is not the leader`,
      `waiting to join through ${
        addresses[0]
      }: ERR another change is in progress`,
    ]);
  });
});

Deno.test("joinCluster() asks the next member when one does not answer", async () => {
  const good = new Member("+OK\r\n");
  await withMembers([good], async ([address]) => {
    await joinCluster([freeAddress(), address!], joining);
    assert.equal(good.requests.length, 1);
    assert.match(lines[0]!, /connection refused/);
  });
});

Deno.test("joinCluster() gives up at once when a member says that it cannot join", async () => {
  const member = new Member(
    "-ERR cannot join: id 2 is in use; choose another --id\r\n",
  );
  await withMembers([member], async (addresses) => {
    await assert.rejects(joinCluster(addresses, joining), (error) => {
      assert.ok(error instanceof JoinError);
      const end = "id 2 is in use; choose another --id (said ";
      assert.equal(error.message, `cannot join: ${end}${addresses[0]})`);
      return true;
    });
    assert.equal(member.requests.length, 1);
  });
});

Deno.test("clusterOf() gives up at the deadline, and says of every address what is wrong there", async () => {
  const members = [
    new Member("-ERR unknown command 'RAFT.CLUSTER'\r\n"),
    new Member("+PONG\r\n"),
    new Member("HTTP/1.1 400 Bad Request\r\n"),
    new Member("*99999\r\n"),
    new Member("\x15\x03\x01\x00\x02\x02\x46"),
    new Member("$5\r\nabc"),
    new Member("*1\r\n*1\r\n"),
    new Member("-ERR not ready\r\n"),
  ];
  const place = "--join takes the client address (--saddr) of a ticketd node";
  const reasons = [
    `this is another server that speaks RESP, and no ticketd: ${place}`,
    `this is a server with a strange answer, and no ticketd: ${place}`,
    `this is an HTTP server, and no ticketd: ${place}`,
    "a reply of strange length (99999)",
    `this is a server that speaks TLS, and no ticketd: ${place}`,
    `connection closed before the reply, as a raft port does: ${place}`,
    `this is a server that does not speak RESP, and no ticketd: ${place}`,
    "ERR not ready",
    "connection refused",
  ];
  await withMembers(members, async (listening) => {
    const addresses = [...listening, freeAddress()];
    const asked = clusterOf(addresses, { ...patient, timeoutMillis: 500 });
    const tried = addresses.map((address, i) => `${address}: ${reasons[i]}`);
    await assert.rejects(asked, {
      name: "JoinError",
      message: `cannot join a cluster within 0.5 s; ${tried.join("; ")}`,
    });
  });
});

Deno.test("clusterOf() does not wait beyond the deadline for a member that is silent", async () => {
  await withMembers([new Member("")], async (addresses) => {
    const asked = clusterOf(addresses, { ...patient, timeoutMillis: 20 });
    await assert.rejects(asked, /no answer in time/);
  });
});

Deno.test("A signal ends joining, during a request and between two", async () => {
  const waiting = [new Member(""), new Member("-ERR no leader\r\n")];
  await withMembers(waiting, async (addresses) => {
    for (const address of addresses) {
      const stop = new AbortController();
      const log = () => stop.abort(new Error("stopped"));
      const options = { ...patient, log, signal: stop.signal };
      const asked = clusterOf([address], options);
      if (address === addresses[0]) stop.abort(new Error("stopped"));
      await assert.rejects(asked, { message: "stopped" });
    }
  });
});

Deno.test("An address that cannot be parsed ends joining at once", async () => {
  await assert.rejects(clusterOf(["nonsense"], patient), {
    message: 'cannot join a cluster: "nonsense" is no address; use HOST:PORT',
  });
});

Deno.test("joinCluster() asks for a place without a vote if the node is to have none", async () => {
  for (const nonvoter of [false, true]) {
    const member = new Member("+OK\r\n");
    await withMembers(
      [member],
      (addresses) => joinCluster(addresses, { ...joining, nonvoter }),
    );
    const words = member.requests[0]!.split("\r\n");
    assert.equal(words[0], nonvoter ? "*6" : "*5");
    assert.equal(words.at(-2), nonvoter ? "nonvoter" : joining.cluster);
  }
});
