// Strangers on a node's raft port: fake peers of any name, disk and knowledge, which are refused,
// or are let in as former members and send every message that there is; bytes that are no
// frames, frames that never end, connections that only hold a place. They know everything that
// can be known, even the incarnation of the node's disk, but none has a member's disk. The end
// of the party closes the connections that wait.

import assert from "node:assert/strict";
import { termJumpMax } from "../../raft/core/limits.ts";
import type { PeerMessage, Term } from "../../raft/core/types.ts";
import { everyMessage } from "../lib/every_message.ts";
import type { Random } from "../lib/random.ts";
import { FakePeer, frameOf, helloOf, type Role } from "../lib/fake_peer.ts";
import { writeAll } from "./clients.ts";
import type { Party } from "./party.ts";

/** What the node did about a stranger. */
export type Bite =
  | "refused under a name"
  | "let in as no member"
  | "hung up on after a message"
  | "hung up on for a large frame"
  | "hung up on for what is no frame"
  | "shown out while they hold a place";

export type Target = {
  readonly party: Party<Bite>;
  /** The node that has the port, its cluster, and the incarnation of its disk. */
  readonly id: string;
  readonly cluster: string;
  readonly disk: string;
  /** Ids of the other members. */
  readonly others: readonly string[];
  /** The node's term before they came. */
  readonly term: Term;
  /** Drawn from only before they come. */
  readonly random: Random;
  /** Some random bytes, other ones at each call. */
  noise(): Uint8Array<ArrayBuffer>;
};

/** An id that nobody has. */
const outsider = "former";
/** The index of a configuration far ahead of all that there are. */
const farSince = 2 ** 50;
const speakers = 6;
/** Terms ahead of the node's: more than elections need meanwhile, and few enough to be heard. */
const soon = 500;
/** How many come at once, and the time until those that were shown out come again. */
const burstCount = 300;
const burstAgainMillis = 1000;
const largeBytes = 4 * 1024 * 1024;
const http = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n");

/** Invites all kinds but the burst. */
export function inviteStrangers(target: Target): void {
  const { party } = target;
  for (const role of impostors(target)) {
    party.invite((conn) => comeAs(role, { conn, party }));
  }
  for (const said of messages(target)) speak(said, target);
  party.invite((conn) => announce(target, conn), { count: 2 });
  party.invite((conn) => dripFrame(target, conn), { count: 20 });
  for (const text of [() => http, target.noise]) {
    party.invite(async (conn) => {
      await writeAll(conn, text());
      await untilEnd(conn);
      if (!party.isOver) party.bit("hung up on for what is no frame");
    });
  }
}

/** Invites many at once that say nothing. */
export function inviteBurst({ party }: Target): void {
  party.invite(async (conn) => {
    await untilEnd(conn);
    if (!party.isOver) party.bit("shown out while they hold a place");
  }, { count: burstCount, againMillis: burstAgainMillis });
}

/** A former member: it knows the incarnation of the node's disk. */
function former({ id, cluster, disk }: Target, name = outsider): Role {
  return {
    ...{ cluster, id: name, incarnation: "e".repeat(16) },
    ...{ other: id, otherDisk: disk },
  };
}

/** Strangers that must not be let in, however new a configuration they claim to know. */
function impostors(target: Target): Role[] {
  const role = { ...former(target), since: farSince };
  const blind = { ...role, otherDisk: "" };
  return [
    blind,
    { ...role, cluster: "d".repeat(32) },
    { ...role, otherDisk: "0".repeat(16) },
    { ...role, id: target.id },
    { ...role, other: "nobody" },
    ...target.others.flatMap((id) => [{ ...role, id }, { ...blind, id }]),
  ];
}

type Said = { readonly role: Role; readonly message: PeerMessage };

/**
 * The messages of each speaker: together every message, with a term that is old, current, a
 * little ahead or far ahead, from one that claims to know a later configuration or does not.
 */
function messages(target: Target): Said[][] {
  const { id: to, term, random } = target;
  const terms = [term - 1, term, term + soon, term + 1000 + termJumpMax];
  return Array.from({ length: speakers }, (_, speaker) => {
    const from = `${outsider}-${speaker}`;
    const lists = terms.map((term) => everyMessage({ from, to, term }));
    const own = lists[0]!.keys().filter((at) => at % speakers === speaker);
    return Array.from(own, (at) => ({
      role: { ...former(target, from), since: random(2) * farSince },
      message: lists[random(terms.length)]![at]!,
    }));
  });
}

type Visit = { readonly conn: Deno.TcpConn; readonly party: Party<Bite> };

async function comeAs(role: Role, { conn, party }: Visit): Promise<void> {
  const answer = await FakePeer.introduce(conn, role);
  assert.ok(
    typeof answer === "string",
    `node ${role.other} let ${role.id} in, which is on a wrong disk`,
  );
  if (answer !== "closed") party.bit("refused under a name");
}

/** Invites a speaker under a name of its own, with a connection for each of its messages. */
function speak(said: readonly Said[], { party, random }: Target): void {
  let next = random(said.length);
  party.invite(async (conn) => {
    const { role, message } = said[next]!;
    const peer = await FakePeer.introduce(conn, role);
    // Others of its kind may have taken its place.
    if (!(peer instanceof FakePeer)) return;
    party.bit("let in as no member");
    await peer.sayAndPart(message);
    if (party.isOver) return;
    next = (next + 1) % said.length;
    party.bit("hung up on after a message");
  });
}

/** Is let in, and announces a frame that is larger than it may send. */
async function announce(target: Target, conn: Deno.TcpConn): Promise<void> {
  const { party } = target;
  const peer = await FakePeer.introduce(conn, former(target));
  if (!(peer instanceof FakePeer)) return;
  await writeAll(conn, beginningOfFrame(largeBytes));
  await peer.end();
  if (!party.isOver) party.bit("hung up on for a large frame");
}

/** Says hello or not, and then begins a frame that never ends. */
async function dripFrame(target: Target, conn: Deno.TcpConn): Promise<void> {
  const { hello } = helloOf(former(target));
  if (target.noise()[0]! % 2 === 0) {
    await writeAll(conn, Uint8Array.from(frameOf(hello)));
  }
  await writeAll(conn, beginningOfFrame(1000));
  await untilEnd(conn);
}

/** The beginning of a frame with `length` bytes of payload. */
function beginningOfFrame(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(100);
  new DataView(bytes.buffer).setUint32(0, length, true);
  return bytes;
}

async function untilEnd(conn: Deno.TcpConn): Promise<void> {
  const chunk = new Uint8Array(1024);
  while (await conn.read(chunk) !== null);
}
