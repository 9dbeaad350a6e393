// A peer that says what it is told to say: it speaks the protocol over a real socket, from
// the greetings on, with whatever id, disk and knowledge a test gives it, and sends any
// message, or any bytes, whatever they do. It never answers by itself.

import assert from "node:assert/strict";
import { encodePeerMessage } from "../../raft/core/message_codec.ts";
import type { NodeId, PeerMessage } from "../../raft/core/types.ts";
import { encodeFrame, frameBytesMax, type Step } from "../../raft/net/frame.ts";
import {
  decodeGreeting,
  encodeGreeting,
  type Greeted,
  type Greeting,
  type Refused,
  type Welcome,
} from "../../raft/identity/hello.ts";
import {
  markOf,
  type Meeting,
  newNonce,
  noNonce,
  prove,
} from "../../raft/identity/proof.ts";
import { Wire } from "../../raft/net/wire.ts";
import { within } from "./until.ts";

/** Who it says that it is, and what it knows. */
export type Role = {
  readonly cluster: string;
  readonly id: NodeId;
  /** Of the disk that it says it lives on. */
  readonly incarnation: string;
  /** Whom it talks to, and the disk on which it believes that one to live. */
  readonly other: NodeId;
  readonly otherDisk?: string;
  readonly since?: number;
  readonly address?: string;
};

const about = { client: "127.0.0.1:1", version: "9.9.9" };

export function frameOf(greeting: Greeting): Uint8Array {
  return encodeFrame(encodeGreeting(greeting));
}

/** A hello by `role`, and the meeting that it begins. */
export function helloOf(role: Role): { hello: Greeting; meeting: Meeting } {
  const meeting = {
    cluster: role.cluster,
    dialler: role.id,
    acceptor: role.other,
    diallerNonce: newNonce(),
    acceptorNonce: noNonce,
  };
  const hello = {
    type: "hello",
    nonce: meeting.diallerNonce,
    sender: role.id,
    receiver: role.other,
    proof: prove(meeting, "dialler knows the cluster"),
  } as const;
  return { hello, meeting };
}

/** As an honest node makes it of what this one says of itself. */
function markOfRole({ cluster, id: node, incarnation, other }: Role) {
  return markOf({ cluster, node, incarnation }, other);
}

export function claimOf(role: Role, meeting: Meeting): Greeting {
  const { incarnation, otherDisk = "", since = 0, address = ":1" } = role;
  return {
    type: "claim",
    lives: prove(meeting, "dialler lives on the disk", incarnation),
    knows: prove(meeting, "dialler knows the acceptor's disk", otherDisk),
    mark: markOfRole(role),
    since,
    ...about,
    address,
  };
}

export function greetingIn(step: Step): Greeted {
  assert(step.type === "frame", "an answer");
  return decodeGreeting(step.payload);
}

export class FakePeer {
  readonly wire: Wire;
  readonly role: Role;
  /** The disk of which it was told; empty if of none. */
  readonly told: string;

  constructor(wire: Wire, role: Role, told = "") {
    this.wire = wire;
    this.role = role;
    this.told = told;
    wire.trust(
      { isOn: () => true, mark: "", knowsUs: true, since: 0 },
      frameBytesMax,
    );
  }

  /** Dials a raft port, and is let in; or why not, or that it is hung up on. */
  static async enter(
    { hostname, port }: { readonly hostname: string; readonly port: number },
    role: Role,
  ): Promise<FakePeer | Refused | "closed"> {
    const conn = await within(
      `${hostname}:${port} takes a connection`,
      Deno.connect({ hostname, port }),
    );
    return await FakePeer.introduce(conn, role);
  }

  /** The same on a connection that was made already. */
  static async introduce(
    conn: Deno.TcpConn,
    role: Role,
  ): Promise<FakePeer | Refused | "closed"> {
    const wire = new Wire(conn);
    const answer = await introduce(wire, role);
    if (typeof answer === "object") {
      return new FakePeer(wire, role, answer.incarnation);
    }
    wire.close();
    return answer;
  }

  /** Plays the acceptor on a connection that a node has dialled. */
  static async accept(conn: Deno.TcpConn, role: Role): Promise<FakePeer> {
    const wire = new Wire(conn);
    const hello = greetingIn(await nextFrame(wire, "says hello"));
    assert(hello.type === "hello");
    const meeting = {
      cluster: role.cluster,
      dialler: hello.sender,
      acceptor: hello.receiver,
      diallerNonce: hello.nonce,
      acceptorNonce: newNonce(),
    };
    await wire.write(frameOf({
      type: "challenge",
      nonce: meeting.acceptorNonce,
      proof: prove(meeting, "acceptor knows the cluster"),
    }));
    const step = await nextFrame(wire, "answers a challenge");
    const peer = new FakePeer(wire, role);
    // Whoever dialled hangs up when it does not like the challenge.
    if (step.type !== "frame") return peer;
    const { incarnation, otherDisk = "", since = 0 } = role;
    await wire.write(frameOf({
      type: "welcome",
      lives: prove(meeting, "acceptor lives on the disk", incarnation),
      knows: prove(meeting, "acceptor knows the dialler's disk", otherDisk),
      mark: markOfRole(role),
      since,
      incarnation: "",
      ...about,
    }));
    return peer;
  }

  async send(...messages: PeerMessage[]): Promise<void> {
    for (const message of messages) {
      await this.sendPayload(encodePeerMessage(message));
    }
  }

  async sendPayload(payload: Uint8Array): Promise<void> {
    await this.wire.write(encodeFrame(payload));
  }

  /** Sends `message` and waits until it has been taken: what follows is hung up on. */
  async sayAndPart(message: PeerMessage): Promise<void> {
    await this.send(message);
    await this.sendPayload(Uint8Array.of(99));
    await this.end();
  }

  /** Waits until the other side has hung up. */
  async end(): Promise<void> {
    while ((await nextFrame(this.wire, "hangs up")).type === "frame");
    this.wire.close();
  }

  close(): void {
    this.wire.close();
  }
}

/** The next frame, or the end; `what` the far side is to do names a failure. */
async function nextFrame(wire: Wire, what: string): Promise<Step> {
  return await within(`${wire.remote} ${what}`, wire.frame());
}

async function introduce(
  wire: Wire,
  role: Role,
): Promise<Welcome | Refused | "closed"> {
  const { hello, meeting } = helloOf(role);
  await wire.write(frameOf(hello));
  const first = await nextFrame(wire, "answers a hello");
  if (first.type !== "frame") return "closed";
  const challenge = greetingIn(first);
  if (challenge.type === "refused") return challenge.reason;
  assert(challenge.type === "challenge", challenge.type);
  const met = { ...meeting, acceptorNonce: challenge.nonce };
  await wire.write(frameOf(claimOf(role, met)));
  const second = await nextFrame(wire, "answers a claim");
  if (second.type !== "frame") return "closed";
  const answer = greetingIn(second);
  if (answer.type === "refused") return answer.reason;
  assert(answer.type === "welcome", answer.type);
  return answer;
}
