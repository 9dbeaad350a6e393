import assert from "node:assert/strict";
import { ClientCount } from "../../../../server/client_count.ts";
import { ClientPlaces } from "../../../../server/clients/client_places.ts";

function scene(limits: { clientsMax: number; placesKept: number }) {
  const clientCount = new ClientCount(limits);
  const gone: object[] = [];
  const places = new ClientPlaces(clientCount, (client: object & Guest) => {
    gone.push(client);
  });
  return { places, gone, clientCount };
}

type Guest = { isVisitor: boolean; isIdle: boolean };

function guest(isIdle = true): Guest {
  return { isVisitor: false, isIdle };
}

Deno.test("ClientPlaces gives ordinary places, then kept ones to visitors, then none", () => {
  const { places, clientCount } = scene({ clientsMax: 1, placesKept: 1 });
  const [first, second, third] = [guest(), guest(false), guest()];
  assert(places.enter(first));
  assert(!places.enter(second));
  assert(places.enterKept(second));
  assert(!places.enterKept(third), "nobody idle has a kept place");
  assert.deepEqual([first.isVisitor, second.isVisitor], [false, true]);
  assert.equal(clientCount.clients, 2);
  places.leave(third);
  assert.equal(clientCount.clients, 2, "a client without a place leaves none");
});

Deno.test("ClientPlaces lets the oldest idle visitor make way, and never one that is owed something", () => {
  const { places, gone } = scene({ clientsMax: 1, placesKept: 3 });
  places.enter(guest());
  const [waiting, older, newer] = [guest(false), guest(), guest()];
  for (const one of [waiting, older, newer]) assert(places.enterKept(one));
  assert(places.enterKept(guest()));
  assert(places.enterKept(guest()));
  assert.deepEqual(gone, [older, newer]);
});

Deno.test("ClientPlaces gives an ordinary place that becomes free to the oldest visitor", () => {
  const { places, clientCount } = scene({ clientsMax: 1, placesKept: 2 });
  const first = guest();
  places.enter(first);
  const [older, newer] = [guest(), guest()];
  assert(places.enterKept(older) && places.enterKept(newer));
  places.leave(first);
  assert.deepEqual([older.isVisitor, newer.isVisitor], [false, true]);
  assert.equal(clientCount.clients, 2);
  assert(places.enterKept(guest()), "its kept place is free");
});
