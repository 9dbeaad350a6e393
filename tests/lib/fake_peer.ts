// A peer that sends what it is told to send: it speaks the protocol over a real socket, from the
// handshake on, with any id, disk and knowledge that a test gives it, and sends any message,
// or any bytes, whatever they do. It never answers by itself, and waits for nothing without
// a deadline.

import assert from "node:assert/strict";
import { encodePeerMessage } from "../../raft/core/message_codec.ts";
import type { NodeId, PeerMessage } from "../../raft/core/types.ts";
import { encodeFrame, frameBytesMax, type Step } from "../../raft/net/frame.ts";
import {
  type DecodedHandshake,
  decodeHandshake,
  encodeHandshake,
  type HandshakeMessage,
  type RefusalReason,
} from "../../raft/identity/hello.ts";
import {
  markOf,
  type Meeting,
  newNonce,
  noNonce,
  prove,
} from "../../raft/identity/proof.ts";
import { Wire } from "../../raft/net/wire.ts";
import { patienceMillis, within } from "./until.ts";

/** What a fake peer says of itself, and what it knows. */
export type Role = {
  readonly cluster: string;
  readonly id: NodeId;
  /** Of the disk that it claims to live on. */
  readonly incarnation: string;
  /** The node that it talks to, and the disk on which it believes that node to live. */
  readonly other: NodeId;
  readonly otherDisk?: string;
  readonly since?: number;
  readonly address?: string;
};

const about = { client: "127.0.0.1:1", version: "9.9.9" };

export function frameOf(message: HandshakeMessage): Uint8Array {
  return encodeFrame(encodeHandshake(message));
}

/** The first message of `role`, and the meeting that it begins. */
export function helloOf(
  role: Role,
): { hello: HandshakeMessage; meeting: Meeting } {
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

/** The mark that an honest node would have in its place. */
function markOfRole({ cluster, id: node, incarnation, other }: Role) {
  return markOf({ cluster, node, incarnation }, other);
}

/** What `role` answers to the challenge of `meeting`. */
export function responseOf(role: Role, meeting: Meeting): HandshakeMessage {
  const { incarnation, otherDisk = "", since = 0, address = ":1" } = role;
  return {
    type: "response",
    ownDisk: prove(meeting, "dialler runs on the disk", incarnation),
    peerDisk: prove(meeting, "dialler knows the acceptor's disk", otherDisk),
    mark: markOfRole(role),
    since,
    ...about,
    address,
  };
}

function messageIn(step: Step): DecodedHandshake {
  assert(step.type === "frame", "an answer");
  return decodeHandshake(step.payload);
}

/** For each wait. */
export type Deadline = { readonly millisMax?: number };

/** The next frame on `wire`, or its end, within the deadline. */
export async function nextFrame(
  wire: Wire,
  { millisMax = patienceMillis, state = "sends a frame, or hangs up" }:
    & Deadline
    & { readonly state?: string } = {},
): Promise<Step> {
  const deadline = { millisMax };
  return await within(`${wire.remote} ${state}`, wire.frame(), deadline);
}

export class FakePeer {
  readonly wire: Wire;
  readonly role: Role;
  /** The incarnation that it was told; empty if none. */
  readonly told: string;
  readonly #deadline: Deadline;

  constructor(
    wire: Wire,
    { role, told = "", ...deadline }:
      & { readonly role: Role; readonly told?: string }
      & Deadline,
  ) {
    this.wire = wire;
    this.role = role;
    this.told = told;
    this.#deadline = deadline;
    const all = { isOn: () => true, mark: "", knowsUs: true, since: 0 };
    wire.trust(all, frameBytesMax);
  }

  /** Dials a raft port; a peer when it is let in, else why not. */
  static async enter(
    { hostname, port, ...deadline }:
      & { readonly hostname: string; readonly port: number }
      & Deadline,
    role: Role,
  ): Promise<FakePeer | RefusalReason | "closed"> {
    const conn = await within(
      `${hostname}:${port} takes a connection`,
      Deno.connect({ hostname, port }),
      deadline,
    );
    return await FakePeer.introduce(conn, { ...role, ...deadline });
  }

  /** The same on a connection that was made already. */
  static async introduce(
    conn: Deno.TcpConn,
    { millisMax = patienceMillis, ...role }: Role & Deadline,
  ): Promise<FakePeer | RefusalReason | "closed"> {
    const wire = new Wire(conn);
    const answerTo = async (state: string) => {
      const step = await nextFrame(wire, { millisMax, state });
      return step.type === "frame" ? messageIn(step) : undefined;
    };
    const { hello, meeting } = helloOf(role);
    await wire.write(frameOf(hello));
    let answer = await answerTo("answers a hello");
    if (answer?.type === "challenge") {
      const met = { ...meeting, acceptorNonce: answer.nonce };
      await wire.write(frameOf(responseOf(role, met)));
      answer = await answerTo("answers a response");
      if (answer?.type === "welcome") {
        const { incarnation: told } = answer;
        return new FakePeer(wire, { role, told, millisMax });
      }
    }
    wire.close();
    if (answer === undefined) return "closed";
    assert(answer.type === "refused", answer.type);
    return answer.reason;
  }

  /** Plays the acceptor on a connection that a node has dialled. */
  static async accept(
    conn: Deno.TcpConn,
    { millisMax = patienceMillis, ...role }: Role & Deadline,
  ): Promise<FakePeer> {
    const wire = new Wire(conn);
    const peer = new FakePeer(wire, { role, millisMax });
    const hello = messageIn(
      await nextFrame(wire, { millisMax, state: "says hello" }),
    );
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
    const state = "answers a challenge";
    const step = await nextFrame(wire, { millisMax, state });
    // A dialler hangs up when it does not like the challenge.
    if (step.type !== "frame") return peer;
    const { incarnation, otherDisk = "", since = 0 } = role;
    await wire.write(frameOf({
      type: "welcome",
      ownDisk: prove(meeting, "acceptor runs on the disk", incarnation),
      peerDisk: prove(meeting, "acceptor knows the dialler's disk", otherDisk),
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

  /** The next frame from the other side, or the end. */
  async frame(): Promise<Step> {
    return await nextFrame(this.wire, this.#deadline);
  }

  /** Sends `message` and waits until it was taken: the node hangs up on what follows it. */
  async sayAndPart(message: PeerMessage): Promise<void> {
    await this.send(message);
    await this.sendPayload(Uint8Array.of(99));
    await this.end();
  }

  /** Waits until the other side has hung up. */
  async end(): Promise<void> {
    const over = { ...this.#deadline, state: "hangs up" };
    while ((await nextFrame(this.wire, over)).type === "frame");
    this.wire.close();
  }

  close(): void {
    this.wire.close();
  }
}
