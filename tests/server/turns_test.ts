import assert from "node:assert/strict";
import { Turns } from "../../server/turns.ts";

function next(turns: Turns): Promise<void> {
  return new Promise((resolve) => turns.next(resolve));
}

Deno.test("A turn ends for all who wait, in their order", async () => {
  const turns = new Turns();
  const order: number[] = [];
  await Promise.all(
    [1, 2, 3].map((n) => next(turns).then(() => order.push(n))),
  );
  await next(turns);
  assert.deepEqual(order, [1, 2, 3]);
  turns.close();
});

Deno.test("A socket that has something is read before many turns are over", async () => {
  const turns = new Turns();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [client, conn] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
  let isRead = false;
  const read = conn.read(new Uint8Array(1)).then(() => isRead = true);
  for (let i = 0; i < 100; i++) await next(turns); // the read waits for the poll
  await client.write(new Uint8Array(1));
  let count = 0;
  for (; !isRead; count++) await next(turns);
  assert(count <= 4, `${count} turns`);
  await read;
  for (const each of [client, conn, listener]) each.close();
  turns.close();
});

Deno.test("Turns that are closed let go whoever waits", async () => {
  const turns = new Turns();
  const waiting = next(turns);
  turns.close();
  await waiting;
});
