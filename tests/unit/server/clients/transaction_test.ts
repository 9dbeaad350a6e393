// A transaction as part of its connection: what it keeps is counted, and goes with it.

import assert from "node:assert/strict";
import { ClientCount } from "../../../../server/client_count.ts";
import { Connection } from "../../../../server/clients/connection.ts";
import {
  connectionService,
  encoder,
  FakeNode,
  resp,
} from "../../../lib/fakes.ts";
import { FakeSocket } from "./fake_socket.ts";

Deno.test("What MULTI queues counts as memory of its client, until that is gone", () => {
  const node = new FakeNode({ prompt: false });
  const clientCount = new ClientCount();
  const connection = new Connection(new FakeSocket(), {
    id: 1,
    service: connectionService(node.link, { clientCount }),
    over: () => {},
  });
  connection.start();
  const idle = connection.memoryBytes;
  const echo = resp("ECHO", "x".repeat(5000));
  connection.data(encoder.encode(resp("MULTI") + echo.repeat(10)));
  assert(connection.memoryBytes - idle >= 50_000, `${connection.memoryBytes}`);
  connection.close();
  assert.equal(connection.transaction, undefined);
  assert.equal(clientCount.memoryBytes, 0);
  assert.deepEqual(node.waiting, [], "nothing was asked");
});
