// One TCP connection as the service uses it: bytes come by callback where they lie, one
// write is under way at most, each half ends by itself. An interface of its own, so that
// tests, and other transports, need no more. Not here: connecting (`dial.ts`), accepting,
// and what the bytes mean.
//
// It stands on `node:net`, whose sockets Deno polls in the order in which they became
// ready, and reads without a promise each. A write is tried at once and copies nothing:
// what the kernel does not take stays where it lies, so the writer must leave those bytes
// alone until `taken()` or `closed()` is called, or until `close()` has returned.

import type { Buffer } from "node:buffer";
import type { Socket as NetSocket } from "node:net";
import type { Address } from "./address.ts";
import { assert } from "./assert.ts";

/** What happens to a socket, told in the order in which it happens. */
export interface SocketListener {
  /** Bytes have come. They are the listener's to keep; at most 64 KiB, never none. */
  data(bytes: Uint8Array<ArrayBuffer>): void;
  /** The other side sends no more. It may still read. */
  ended(): void;
  /** The bytes of a write that returned false have left: the next may begin. */
  taken(): void;
  /** The connection is over, whoever ended it. The last call, exactly one. */
  closed(): void;
}

/** A connected socket. */
export interface Socket {
  /** The other end's address; port 0 when it was gone before this was asked. */
  readonly remote: Address;
  /** Tells `listener`, the only one, what happens from now on; nothing within the call. */
  start(listener: SocketListener): void;
  /**
   * Writes `bytes`, not none of them. True if the system has taken them all; otherwise they
   * stay untouched, and nothing else is written, until `taken()` or `closed()`.
   */
  write(bytes: Uint8Array<ArrayBuffer>): boolean;
  /** Calls `data()` no more until `resume()`; the system's buffers then hold up the sender. */
  pause(): void;
  resume(): void;
  /** Sends FIN behind all that was written: the other side may still send. */
  end(): void;
  /** Ends it at once; bytes that were not taken are lost. Harmless when it is over. */
  close(): void;
}

/** A socket of `node:net` that is connected and paused, and was made with `allowHalfOpen`. */
export class TcpSocket implements Socket {
  readonly remote: Address;
  readonly #socket: NetSocket;
  #listener: SocketListener | undefined;
  #isPaused = false;
  #isWriting = false;
  /** Within `write()`. */
  #isInWrite = false;
  /** `closed()` is about to be told. */
  #hasFailed = false;

  /** Owns `socket` from now on. Sends small writes at once. */
  constructor(socket: NetSocket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    const { remoteAddress = "", remotePort = 0 } = socket;
    this.remote = { host: remoteAddress, port: remotePort };
    socket.on("error", ignore); // "close" follows, and is all that we act on
  }

  /** Looks after `idleMillis` of silence whether the other end still lives; 0 never does. */
  keepAlive(idleMillis: number): void {
    this.#socket.setKeepAlive(idleMillis > 0, idleMillis);
  }

  start(listener: SocketListener): void {
    this.#listener = listener;
    const socket = this.#socket;
    socket.on("end", () => listener.ended());
    socket.on("close", () => listener.closed());
    socket.on("data", (bytes: Buffer<ArrayBuffer>) => listener.data(bytes));
    // The stream would take each chunk, tell of it, and look for more in a tick of its own.
    // Taken where the system's bytes enter the stream, it costs a third of that.
    const push = socket.push;
    socket.push = (chunk: unknown, encoding?: BufferEncoding) => {
      // A chunk that a pause has not held up any more waits in the stream.
      if (!(chunk instanceof Uint8Array) || this.#isPaused) {
        return push.call(socket, chunk, encoding);
      }
      listener.data(chunk as Uint8Array<ArrayBuffer>);
      return !this.#isPaused;
    };
    if (!this.#isPaused) socket.resume();
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    assert(!this.#isWriting, "one write at a time");
    this.#isWriting = this.#isInWrite = true;
    // As the stream would, without its queue: one write is under way at most.
    this.#socket._write(bytes, asBuffer, this.#written);
    this.#isInWrite = false;
    return !this.#isWriting && !this.#hasFailed;
  }

  /** Called within `_write` when the system has taken all, or failed; later otherwise. */
  readonly #written = (error?: unknown): void => {
    this.#isWriting = false;
    this.#hasFailed = Boolean(error);
    if (error) this.close();
    else if (!this.#isInWrite) this.#listener?.taken();
  };

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** What a stream says of a chunk that is bytes. */
const asBuffer = "buffer" as string as BufferEncoding;

function ignore(): void {}
