// Strangers on a node's raft port: fake peers of whatever name, disk and knowledge, that are
// refused, or are let in as former members and say everything that there is to say; bytes
// that are no frames, frames that never end, connections that only hold a place. They
// know all that can be known, down to the node's disk, but live on no disk of a member.

import assert from "node:assert/strict";
import { termJumpMax } from "../../raft/core/limits.ts";
import type { PeerMessage, Term } from "../../raft/core/types.ts";
import { everyMessage } from "../lib/every_message.ts";
import type { Random } from "../lib/random.ts";
import { FakePeer, frameOf, helloOf, type Role } from "../lib/fake_peer.ts";
import { writeAll } from "./clients.ts";
import type { Party } from "./party.ts";

/** What the node did about them. */
export type Bite =
  | "refused under a name"
  | "let in as no member"
  | "hung up on after a message"
  | "hung up on for a large frame"
  | "hung up on for what is no frame"
  | "shown out while they hold a place";

export type Target = {
  readonly party: Party<Bite>;
  /** Who has the port, and on which disk it lives. */
  readonly id: string;
  readonly cluster: string;
  readonly disk: string;
  /** Ids of the other members. */
  readonly others: readonly string[];
  /** Of the node, when they came. */
  readonly term: Term;
  /** Asked before anybody comes. */
  readonly random: Random;
  /** Some bytes, other ones each time. */
  noise(): Uint8Array<ArrayBuffer>;
};

/** An id that nobody has. */
const outsider = "former";
/** Of a configuration that is far ahead of all that there are. */
const farSince = 2 ** 50;
const speakers = 6;
/** Terms ahead: more than honest elections bring meanwhile, and not too far to be heard of. */
const soon = 500;
/** As many as come at once, and how long until those that were shown out come again. */
const burstCount = 300;
const burstAgainMillis = 1000;
const largeBytes = 4 * 1024 * 1024;
const http = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n");

/** All but the burst. */
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

/** So many at once that say nothing. */
export function inviteBurst({ party }: Target): void {
  party.invite(async (conn) => {
    await untilEnd(conn);
    if (!party.isOver) party.bit("shown out while they hold a place");
  }, { count: burstCount, againMillis: burstAgainMillis });
}

/** No member, but it was one: it knows on which disk the node lives. */
function former({ id, cluster, disk }: Target, name = outsider): Role {
  return {
    ...{ cluster, id: name, incarnation: "e".repeat(16) },
    ...{ other: id, otherDisk: disk },
  };
}

/** Those that must not be let in, however far ahead they say that they are. */
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
 * What each speaker says: together every message, with a term of before, of now, of soon or
 * of far away, by one that claims to be a member of a configuration to come, or does not.
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

/** One that comes under a name of its own, a connection for each that it says. */
function speak(said: readonly Said[], { party, random }: Target): void {
  let next = random(said.length);
  party.invite(async (conn) => {
    const { role, message } = said[next]!;
    const peer = await FakePeer.introduce(conn, role);
    // Its place may be taken by others of its kind.
    if (!(peer instanceof FakePeer)) return;
    party.bit("let in as no member");
    await peer.sayAndPart(message);
    if (party.isOver) return;
    next = (next + 1) % said.length;
    party.bit("hung up on after a message");
  });
}

/** One that is let in announces a frame that is not for it to send. */
async function announce(target: Target, conn: Deno.TcpConn): Promise<void> {
  const { party } = target;
  const peer = await FakePeer.introduce(conn, former(target));
  if (!(peer instanceof FakePeer)) return;
  await writeAll(conn, beginningOfFrame(largeBytes));
  await peer.end();
  if (!party.isOver) party.bit("hung up on for a large frame");
}

/** Greets, or not, and then begins a frame that never ends. */
async function dripFrame(target: Target, conn: Deno.TcpConn): Promise<void> {
  const { hello } = helloOf(former(target));
  if (target.noise()[0]! % 2 === 0) {
    await writeAll(conn, Uint8Array.from(frameOf(hello)));
  }
  await writeAll(conn, beginningOfFrame(1000));
  await untilEnd(conn);
}

/** Of one with `length` bytes of payload. */
function beginningOfFrame(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(100);
  new DataView(bytes.buffer).setUint32(0, length, true);
  return bytes;
}

async function untilEnd(conn: Deno.TcpConn): Promise<void> {
  const chunk = new Uint8Array(1024);
  while (await conn.read(chunk) !== null);
}
