import assert from "node:assert/strict";
import { FairTurns } from "../../../../server/clients/fair_turns.ts";

Deno.test("FairTurns lets sockets have theirs, however many turns follow each other", async () => {
  const turns = new FairTurns();
  let count = 0;
  let over = false;
  const ended = Promise.withResolvers<void>();
  const goOn = () => {
    count++;
    if (over) ended.resolve();
    else turns.next(goOn);
  };
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const [server, client] = await Promise.all([
    listener.accept(),
    Deno.connect({ hostname: "127.0.0.1", port }),
  ]);
  const read = server.read(new Uint8Array(1)); // waits: nothing has come
  turns.next(goOn);
  const before = count;
  await client.write(new Uint8Array(1));
  await read;
  // Where only the isolate's own messages are looked at, thousands pass.
  assert(count - before < 1000, `${count - before} turns without a look`);
  over = true;
  await ended.promise;
  server.close();
  client.close();
});

Deno.test("FairTurns resumes all that wait, in their order, and those that come meanwhile in the next turn", () => {
  const ends: (() => void)[] = [];
  const turns = new FairTurns(() =>
    new Promise((resolve) => ends.push(resolve))
  );
  const seen: string[] = [];
  turns.next(() => {
    seen.push("a");
    turns.next(() => seen.push("c"));
  });
  turns.next(() => seen.push("b"));
  assert.equal(ends.length, 1);
  ends[0]!();
  return Promise.resolve().then(() => {}).then(() => {
    assert.deepEqual(seen, ["a", "b"]);
    assert.equal(ends.length, 2);
  });
});
