// One request to a RESP server and its reply, on a connection of its own: a joining node and
// `ticketd status` need no more of a client. No pipelines, no arrays in arrays, no RESP3, and
// no retries: raft/members/join.ts knows which requests are worth repeating.

import { present } from "./assert.ts";
import type { Address } from "./address.ts";
import { dial, reasonOf } from "./dial.ts";

// The longest reply is a page of RAFT.BACKUP: 40 KiB of names and numbers in binary. In digits
// and with their lengths they are 150 KiB, if the names are short: 4,000 pairs of two words.
const replyBytesMax = 256 * 1024;
const bulkBytesMax = 64 * 1024;
/** Elements of an array. */
const wordsMax = 16 * 1024;

/** A reply as a value: an Error is an error reply, `undefined` a null. */
export type Reply = string | undefined | Error | readonly Reply[];

/** The reply, or in a few words why there is none. */
export type RequestResult =
  | { readonly type: "reply"; readonly reply: Reply }
  | { readonly type: "failure"; readonly reason: string };

/** Is shown the connection before anything is sent; an exception ends the request. */
export type Connected = (
  conn: Pick<Deno.TcpConn, "localAddr" | "remoteAddr">,
) => void;

/**
 * Asks once, like {@linkcode request}, but within `millis` milliseconds, and never throws.
 *
 * @example
 * ```ts
 * const result = await tryRequest(address, ["RAFT.LEADER"], { millis: 1000 });
 * if (result.type === "failure") log("warning", result.reason);
 * ```
 */
export async function tryRequest(
  address: Address,
  words: readonly string[],
  { millis, signal, connected }: {
    millis: number;
    signal?: AbortSignal | undefined;
    connected?: Connected;
  },
): Promise<RequestResult> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  const timer = setTimeout(abort, millis);
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  try {
    const options = { signal: stop.signal, connected };
    const reply = await ask(address, words, options);
    return { type: "reply", reply };
  } catch (error) {
    const reason = stop.signal.aborted ? "no answer in time" : reasonOf(error);
    return { type: "failure", reason };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/**
 * Connects, sends `words` as one command, reads one reply and closes. `signal` ends it early.
 *
 * @throws if nobody answers there, the reply is not whole or too long, or it is no RESP
 */
export async function request(
  address: Address,
  words: readonly string[],
  signal: AbortSignal,
): Promise<Reply> {
  return await ask(address, words, { signal });
}

async function ask(
  address: Address,
  words: readonly string[],
  { signal, connected }: {
    readonly signal: AbortSignal;
    readonly connected?: Connected | undefined;
  },
): Promise<Reply> {
  const conn = await dial(address, signal);
  let closed = false;
  const close = () => {
    if (!closed) conn.close();
    closed = true;
  };
  signal.addEventListener("abort", close);
  try {
    connected?.(conn);
    await writeAll(conn, encodeRequest(words));
    return await readReply(conn);
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    rest = rest.subarray(await conn.write(rest));
  }
}

async function readReply(conn: Deno.Conn): Promise<Reply> {
  const chunk = new Uint8Array(16 * 1024);
  const parser = new ReplyParser();
  for (;;) {
    const other = otherProtocol(parser.text);
    if (other !== undefined) {
      throw new Error(`what answers there speaks ${other}`);
    }
    const reply = parser.next();
    if (reply !== incomplete) return reply;
    if (parser.text.length > replyBytesMax) {
      throw new Error("a reply without end");
    }
    const count = await conn.read(chunk);
    if (count === null) throw new Error("connection closed before the reply");
    // One character a byte, so that lengths count bytes. Replies are ASCII.
    parser.text += String.fromCharCode(...chunk.subarray(0, count));
  }
}

/** The protocol, other than RESP, in which `text` begins. */
function otherProtocol(text: string): "HTTP" | "TLS" | undefined {
  if (text.startsWith("HTTP/")) return "HTTP";
  // A TLS server answers what is no hello with an alert: content type 21, version 3.
  return text.startsWith("\x15\x03") ? "TLS" : undefined;
}

/** A command as a RESP array of bulk strings. */
export function encodeRequest(words: readonly string[]): Uint8Array {
  const utf8 = new TextEncoder();
  const bulks = words.map((word) =>
    `$${utf8.encode(word).length}\r\n${word}\r\n`
  );
  return utf8.encode(`*${words.length}\r\n${bulks.join("")}`);
}

const incomplete = Symbol("incomplete");
const array = Symbol("an array begins");
type Parsed = Reply | typeof incomplete;

/**
 * One reply, as its bytes come. What has been read is not read again with each packet: a server
 * that sends thousands of words byte by byte would keep the isolate busy.
 */
class ReplyParser {
  /** All that has come. */
  text = "";
  #at = 0;
  /** Of an array: how many elements it has, and those that have come. */
  #count: number | undefined;
  readonly #elements: Reply[] = [];

  /** The reply, once it is whole. */
  next(): Parsed {
    if (this.#count === undefined) {
      const reply = this.#one();
      if (reply !== array) return reply;
    }
    while (this.#elements.length < present(this.#count)) {
      const element = this.#one();
      if (element === incomplete) return incomplete;
      if (element === array) throw notResp();
      this.#elements.push(element);
    }
    return this.#elements;
  }

  /** What begins at `#at`; if it is not whole, `#at` stays. */
  #one(): Parsed | typeof array {
    const end = this.text.indexOf("\r\n", this.#at);
    if (end < 0) return incomplete;
    const line = this.text.slice(this.#at + 1, end);
    const type = this.text[this.#at];
    const from = end + 2;
    if (type === "$") return this.#bulk(Number(line), from);
    this.#at = from;
    switch (type) {
      case "+":
      case ":":
        return line;
      case "-":
        return new Error(line);
      case "*":
        if (this.#count === undefined) return this.#array(Number(line));
    }
    throw notResp();
  }

  #bulk(length: number, from: number): Parsed {
    if (length === -1) {
      this.#at = from;
      return undefined;
    }
    checkLength(length, bulkBytesMax);
    const end = from + length + 2;
    if (this.text.length < end) return incomplete;
    this.#at = end;
    return this.text.slice(from, from + length);
  }

  #array(count: number): undefined | typeof array {
    if (count === -1) return undefined;
    checkLength(count, wordsMax);
    this.#count = count;
    return array;
  }
}

function notResp(): Error {
  return new Error("what answers there does not speak RESP");
}

function checkLength(length: number, max: number): void {
  if (!Number.isInteger(length) || length < 0 || length > max) {
    throw new Error(`a reply of strange length (${length})`);
  }
}
