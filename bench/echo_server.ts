// What a server on Deno could at most do here: numbers from memory, for every request that
// comes, without worker, log or disk. A request is 16 bytes, as redis-benchmark sends TICKET,
// or one line of another length.

const requestBytes = 16;
const encoder = new TextEncoder();
let last = 0;

async function serve(client: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  let cut = 0;
  try {
    for (let read; (read = await client.read(buffer)) !== null;) {
      const isLine = read < requestBytes && cut === 0;
      const bytes = isLine ? requestBytes : cut + read;
      cut = bytes % requestBytes;
      let replies = "";
      for (let left = Math.floor(bytes / requestBytes); left > 0; left--) {
        replies += `+${++last}\r\n`;
      }
      const out = encoder.encode(replies);
      for (let at = 0; at < out.length;) {
        at += await client.write(out.subarray(at));
      }
    }
  } catch {
    // It is gone.
  }
  client.close();
}

const port = Number(Deno.args[0]);
for await (const client of Deno.listen({ hostname: "127.0.0.1", port })) {
  client.setNoDelay(true);
  serve(client);
}
