// Where a member that cannot be reached is looked for.

import assert from "node:assert/strict";
import { formatAddress } from "../../../../base/address.ts";
import { elsewhere, type Heard } from "../../../../raft/net/whereabouts.ts";
import { Wire } from "../../../../raft/net/wire.ts";

const configured = { host: "10.0.0.2", port: 12001 };

/** The connection of a node on that disk. */
function acceptedOn(disk: string): Wire {
  const proof = {
    isOn: (incarnation: string) => incarnation === disk,
    ...{ mark: "m", knowsUs: true, since: 0 },
  };
  return { proof, remote: "10.0.0.7:4711" } as unknown as Wire;
}

function placesOf(
  { disk = "d", isOn = "d", ...heard }: Partial<Heard> & {
    readonly disk?: string;
    /** The disk on which the connected node is. */
    readonly isOn?: string;
  },
): string {
  const accepted = acceptedOn(isOn);
  const members = {
    ...{ configurationIndex: 1, decidedIndex: 1 },
    ...{ incarnationOf: () => disk, disksOf: () => [disk] },
  };
  const all = { id: "2", accepted, advertised: "", hinted: "", ...heard };
  return elsewhere(all, { configured, members }).map(formatAddress).join();
}

Deno.test("A member is looked for where it says that it is, then where a hint says so", () => {
  const advertised = "10.0.0.8:12001";
  const hinted = "10.0.0.9:12001";
  assert.equal(placesOf({ advertised }), advertised);
  assert.equal(placesOf({ advertised: ":12001" }), "10.0.0.7:12001");
  assert.equal(placesOf({ hinted, accepted: undefined }), hinted);
  assert.equal(placesOf({ advertised, hinted }), `${advertised},${hinted}`);
  assert.equal(placesOf({ advertised, hinted: advertised }), advertised);
});

Deno.test("A member is not looked for where it is dialled anyway, and nowhere that nobody may dial", () => {
  for (
    const address of [formatAddress(configured), "", "x", "h:0", "0.0.0.0:1"]
  ) {
    assert.equal(
      placesOf({ advertised: address, hinted: address }),
      "",
      address,
    );
  }
});

Deno.test("Another disk does not say where a member is, and a member of unknown disk is not looked for", () => {
  const places = { advertised: "10.0.0.8:12001", hinted: "10.0.0.9:12001" };
  assert.equal(placesOf({ ...places, isOn: "other" }), places.hinted);
  assert.equal(placesOf({ ...places, disk: "" }), "");
});

Deno.test("A member that came over IPv4 to a port of both kinds is looked for at its IPv4 address", () => {
  const remoteAddr = { hostname: "::ffff:10.0.0.7", port: 4711 };
  const wire = new Wire({ remoteAddr } as unknown as Deno.TcpConn);
  const { proof } = acceptedOn("d");
  const accepted = Object.assign(wire, { proof });
  assert.equal(
    placesOf({ accepted, advertised: ":12001" }),
    "10.0.0.7:12001",
  );
});
