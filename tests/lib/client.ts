// A RESP client made for tests: sends any bytes, reads replies one by one, and can show the
// exact bytes of an answer. A server that stays silent fails the test with the request that
// it did not answer. Not a library: no reconnecting, no RESP3, one reader.

import { within } from "./until.ts";

const loopback = "127.0.0.1";
/** Longer than any request may wait for other nodes, and shorter than a story. */
const silenceMillisMax = 60_000;

/** `-ERR …`, as a value: a test wants to look at it. */
export class ReplyError extends Error {
  override readonly name = "ReplyError";
}

export type Reply = string | bigint | undefined | ReplyError | Reply[];

export class Client implements Disposable {
  readonly #conn: Deno.TcpConn;
  readonly #address: string;
  readonly #chunk = new Uint8Array(64 * 1024);
  /** The beginning of what was sent last, for messages. */
  #sent = "";
  /** Received and not yet read, a character a byte. */
  #text = "";
  #at = 0;
  #closed = false;

  private constructor(conn: Deno.TcpConn, address: string) {
    this.#conn = conn;
    this.#address = address;
  }

  static async connect(port: number, hostname = loopback): Promise<Client> {
    const address = `${hostname}:${port}`;
    const conn = await within(
      `${address} takes a connection`,
      Deno.connect({ hostname, port }),
    );
    conn.setNoDelay(true);
    return new Client(conn, address);
  }

  /** One request and its reply. */
  async ask(...words: string[]): Promise<Reply> {
    await this.send(encode(words));
    return await this.reply();
  }

  /** The replies to `requests`, sent in one pipeline. */
  async pipeline(requests: readonly (readonly string[])[]): Promise<Reply[]> {
    const replies: Reply[] = [];
    const read = async () => {
      while (replies.length < requests.length) replies.push(await this.reply());
    };
    await Promise.all([this.send(requests.map(encode).join("")), read()]);
    return replies;
  }

  /** The numbers of `count` TICKETs in one pipeline; throws on any other reply. */
  async tickets(count: number): Promise<bigint[]> {
    const [sent, numbers] = await Promise.all([
      this.send(ticketRequest.repeat(count)),
      this.#readTickets(count),
    ]);
    return sent ?? numbers;
  }

  /** Sends bytes, one for each character of `text`; waits while the server does not read. */
  async send(text: string): Promise<void> {
    this.#sent = text.slice(0, 40);
    let rest = bytesOf(text);
    while (rest.length > 0) {
      const state = `${this.#address} reads ${JSON.stringify(this.#sent)}`;
      rest = rest.subarray(await this.#inTime(state, this.#conn.write(rest)));
    }
  }

  /** The next reply; throws if the server closes before, or does not answer in time. */
  async reply(): Promise<Reply> {
    const line = await this.#line();
    const rest = line.slice(1);
    switch (line[0]) {
      case "+":
        return rest;
      case "-":
        return new ReplyError(rest);
      case ":":
        return BigInt(rest);
      case "$":
        return await this.#bulk(Number(rest));
      case "*": {
        if (rest === "-1") return undefined;
        const replies: Reply[] = [];
        while (replies.length < Number(rest)) replies.push(await this.reply());
        return replies;
      }
    }
    throw new Error(`no RESP: ${JSON.stringify(line)}`);
  }

  /** Sends no more requests; those that were sent are still answered. */
  async finish(): Promise<void> {
    await this.#conn.closeWrite();
  }

  /** All bytes that still come, until the server closes. */
  async rest(): Promise<string> {
    while (await this.#fill());
    const text = this.#text.slice(this.#at);
    this.#at = this.#text.length;
    return text;
  }

  close(): void {
    if (!this.#closed) this.#conn.close();
    this.#closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #readTickets(count: number): Promise<bigint[]> {
    const numbers: bigint[] = [];
    while (numbers.length < count) numbers.push(ticketOf(await this.reply()));
    return numbers;
  }

  async #line(): Promise<string> {
    let end: number;
    while ((end = this.#text.indexOf("\r\n", this.#at)) < 0) await this.#need();
    const line = this.#text.slice(this.#at, end);
    this.#at = end + 2;
    return line;
  }

  async #bulk(length: number): Promise<string | undefined> {
    if (length < 0) return undefined;
    while (this.#text.length < this.#at + length + 2) await this.#need();
    const text = this.#text.slice(this.#at, this.#at + length);
    this.#at += length + 2;
    return text;
  }

  async #need(): Promise<void> {
    if (await this.#fill()) return;
    throw new Deno.errors.UnexpectedEof("the server closed the connection");
  }

  async #fill(): Promise<boolean> {
    const state = `${this.#address} answers ${JSON.stringify(this.#sent)}`;
    const count = await this.#inTime(state, this.#conn.read(this.#chunk));
    if (count === null) return false;
    const more = latin1.decode(this.#chunk.subarray(0, count));
    this.#text = this.#text.slice(this.#at) + more;
    this.#at = 0;
    return true;
  }

  async #inTime<T>(state: string, promise: Promise<T>): Promise<T> {
    return await within(state, promise, { millisMax: silenceMillisMax });
  }
}

/** All bytes that `port` answers to `text`, on a connection of its own, until it closes. */
export async function exchange(
  port: number,
  text: string,
  { hostname = loopback }: { hostname?: string } = {},
): Promise<string> {
  using client = await Client.connect(port, hostname);
  await client.send(text);
  await client.finish().catch(() => {}); // the server may have closed it first
  return await client.rest();
}

export function encode(words: readonly string[]): string {
  const bulks = words.map((word) => `$${word.length}\r\n${word}\r\n`);
  return `*${words.length}\r\n${bulks.join("")}`;
}

export const ticketRequest = encode(["TICKET"]);

/** The number in a reply to TICKET; throws if it is none. */
export function ticketOf(reply: Reply): bigint {
  if (typeof reply === "string" && /^\d+$/.test(reply)) return BigInt(reply);
  throw reply instanceof Error ? reply : new Error(`no ticket: ${reply}`);
}

const latin1 = new TextDecoder("latin1");

/** One byte a character: what is sent must be the bytes that a test wrote down. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
